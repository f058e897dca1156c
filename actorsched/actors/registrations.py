"""What a worker has registered, and what it has to say of that: one part of its duties.

A task that this worker registered is kept as itself, so that it can travel to a child with everything
that was set on it, together with its registration, which is needed again when a scheduler has lost its
memory. Both are let go as soon as the task is done: what remains is one line in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from actorsched.actors.ledger import Entry, Fate, Ledger
from actorsched.actors.messages import Call
from actorsched.config import WorkerSettings
from actorsched.tasks.batching import Batcher
from actorsched.tasks.discovery import Discovered
from actorsched.tasks.registration import Registration
from actorsched.tasks.reports import cause_of

_FATES = {
    "complete": Fate.ALREADY_COMPLETE,
    "pending": Fate.NOT_RUN,
    "external": Fate.MISSING_EXTERNAL,
    "failed": Fate.SCHEDULING_FAILED,
    "beyond": Fate.NOT_RUN,
}
DONE_FATES = (Fate.RAN, Fate.ALREADY_COMPLETE, Fate.RUN_BY_OTHERS)

#: lines that a forgetful ledger keeps on tasks that no user of the worker has added
PASSING_MAX = 1_000


class Registrations:
    """Tasks, registrations and the ledger of one worker.

    Args:
        worker_id: as whom it speaks.
        settings: of the worker.
        now: a monotonic clock.
        assistant: whether it is one.
        incarnation: which life of that worker.
        forgetful: keep no more than `PASSING_MAX` lines on tasks of others; a node serves for weeks.
    """

    def __init__(
        self,
        worker_id: str,
        settings: WorkerSettings,
        now: Callable[[], float],
        *,
        assistant: bool,
        incarnation: str = "",
        forgetful: bool = False,
    ) -> None:
        self.ledger = Ledger()
        self._worker_id = worker_id
        self._settings = settings
        self._now = now
        self._assistant = assistant
        self._incarnation = incarnation
        self._tasks: dict[str, Any] = {}
        self._packed: dict[str, bytes] = {}
        self._owed: dict[str, Registration] = {}
        self._owners: dict[str, tuple[str, ...]] = {}
        self._granted: dict[str, tuple[str, ...]] = {}  # dynamic requirements, by who asked for them
        self._unfulfilled: dict[str, int] = {}  # how often a task was missing when another needed it
        self._batchers: dict[str, Batcher] = {}  # by family, what the scheduler was told
        self._combined: dict[str, tuple[str, ...]] = {}  # combined task → members
        self._families: dict[str, str] = {}  # by run, of tasks that others registered
        self._own_runs = 0
        self._forgetful = forgetful
        self._passing: dict[str, None] = {}  # tasks that no user of this worker has added, oldest first

    def take_on(self, found: Discovered) -> Iterator[Call]:
        """Note a task that discovery found; yields the calls that register it."""
        registration = found.registration
        self._note(registration, _FATES[found.kind], found.error)
        if found.kind != "complete":
            self._tasks[registration.task_id] = found.task
        yield from self._register(registration)

    def take_on_packed(self, registration: Registration, task: Any) -> Iterator[Call]:
        """Note a task, or its bytes, that a run asked for (a dynamic requirement); as `take_on`."""
        done = registration.status == "DONE"
        fate = Fate.ALREADY_COMPLETE if done else Fate.NOT_RUN
        if registration.status in ("UNKNOWN", "FAILED"):
            fate = Fate.SCHEDULING_FAILED
        elif not done and not registration.runnable:
            fate = Fate.MISSING_EXTERNAL
        known = self.ledger.entries.get(registration.task_id)
        if known is None or known.fate not in DONE_FATES:  # the asking run may have looked before that was so
            self._note(registration, fate, registration.expl or "")
        if known is None:
            self._pass_by(registration.task_id)
        if not done and task is not None and registration.task_id not in self._tasks:
            kept: dict[str, Any] = self._packed if isinstance(task, bytes) else self._tasks
            kept[registration.task_id] = task
        yield from self._register(registration)

    def _register(self, registration: Registration) -> Iterator[Call]:
        asked_for = self._granted.get(registration.task_id)
        if asked_for and registration.deps is not None:  # it waits for these still, whoever names it anew
            deps = dict.fromkeys((*registration.deps, *asked_for))
            registration = msgspec.structs.replace(registration, deps=tuple(deps))
        if registration.status != "DONE":
            self._owed[registration.task_id] = registration
        if registration.owners:
            self._owners[registration.task_id] = registration.owners
        if registration.batcher is not None and registration.family not in self._batchers:
            self._batchers[registration.family] = registration.batcher
            yield self._batching(registration.batcher)
        yield self._registering(registration)

    def owed(self) -> Iterator[Call]:
        """Everything that a scheduler without memory must be told: what is not done, and what that
        rests on and is done."""
        told: set[str] = set()
        yield from map(self._batching, self._batchers.values())
        for registration in self._owed.values():
            for dep in registration.deps or ():
                if dep not in self._owed and dep not in told and dep in self.ledger.entries:
                    told.add(dep)
                    yield self._fact(dep)
            yield self._registering(registration)

    def facts(self, task_id: str) -> list[Call]:
        """The calls that say of a task, or of the members of a combined one, that it is done."""
        return [self._fact(each) for each in self._combined.pop(task_id, (task_id,))]

    def _fact(self, task_id: str) -> Call:
        entry = self.ledger.entries.get(task_id)
        return self._saying(task_id, "DONE", runnable=False, family=entry.family if entry else "")

    def _batching(self, batcher: Batcher) -> Call:
        return Call(method="add_task_batcher", params=batcher.call_params(self._worker_id))

    def _registering(self, registration: Registration, **more: Any) -> Call:
        params = registration.call_params(self._worker_id, assistant=self._assistant)
        params["incarnation"] = self._incarnation
        params.update(more)
        return Call(method="add_task", params=params)

    def _saying(self, task_id: str, status: str, **more: Any) -> Call:
        params = {
            "worker": self._worker_id,
            "task_id": task_id,
            "status": status,
            "incarnation": self._incarnation,
            **more,
        }
        return Call(method="add_task", params=params)

    def _note(self, registration: Registration, fate: Fate, error: str) -> None:
        self.ledger.add(
            Entry(
                task_id=registration.task_id,
                name=registration.name,
                family=registration.family,
                fate=fate,
                deps=tuple(registration.deps or ()),
                cause=cause_of(error),
                detail=error,
            )
        )

    def _pass_by(self, task_id: str) -> None:
        """Note a task that nobody will ask about here; of too many the oldest is forgotten, if it is over."""
        if not self._forgetful:
            return
        self._passing[task_id] = None
        if len(self._passing) > PASSING_MAX:
            oldest = next(iter(self._passing))
            del self._passing[oldest]
            if oldest in self._owed:
                self._passing[oldest] = None
            else:
                self.ledger.forget(oldest)
                self._granted.pop(oldest, None)
                self._owners.pop(oldest, None)
                self._unfulfilled.pop(oldest, None)
