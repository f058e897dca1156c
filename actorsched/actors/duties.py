"""What a worker has taken on: tasks it registered, runs it holds, reports it owes. No actor, no clock.

A task that this worker registered is kept as itself, so that it can travel to a child with everything
that was set on it, together with its registration, which is needed again when a scheduler has lost its
memory. Both are let go as soon as the task is done: what remains is one line in the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actorsched.actors.ledger import Entry, Fate, Ledger
from actorsched.actors.messages import Call, RunJob, SlotNoticed
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks.discovery import Discovered
from actorsched.tasks.registration import Registration
from actorsched.tasks.running import Outcome
from actorsched.tasks.travel import pack

_FATES = {
    "complete": Fate.ALREADY_COMPLETE,
    "pending": Fate.NOT_RUN,
    "external": Fate.MISSING_EXTERNAL,
    "failed": Fate.SCHEDULING_FAILED,
}

#: what a run may say about itself → method and argument that carry it
_NOTICES = {
    "set_status_message": ("set_task_status_message", "status_message"),
    "set_progress_percentage": ("set_task_progress_percentage", "progress_percentage"),
    "decrease_running_resources": ("decrease_running_task_resources", "decrease_resources"),
    "report_task_statistics": ("report_task_statistics", "statistics"),
}


@dataclass(slots=True)
class Run:
    """One attempt that this worker holds.

    Attributes:
        run_id: the scheduler's, or one of our own where the scheduler gives none.
        fenced: whether the scheduler knows `run_id`.
    """

    run_id: str
    fenced: bool
    task_id: str
    slot: int


class Duties:
    """Tasks, registrations and the ledger of one worker."""

    def __init__(self, worker_id: str, settings: WorkerSettings, *, assistant: bool) -> None:
        self.ledger = Ledger()
        self._worker_id = worker_id
        self._settings = settings
        self._assistant = assistant
        self._tasks: dict[str, Any] = {}
        self._packed: dict[str, bytes] = {}
        self._owed: dict[str, Registration] = {}
        self._granted: dict[str, tuple[str, ...]] = {}  # dynamic requirements, by who asked for them
        self._own_runs = 0

    # -- registering ----------------------------------------------------------------------------

    def take_on(self, found: Discovered) -> Call:
        """Note a task that discovery found; returns the call that registers it."""
        registration = found.registration
        self._note(registration, _FATES[found.kind], found.error)
        if found.kind != "complete":
            self._tasks[registration.task_id] = found.task
            self._owed[registration.task_id] = registration
        return self._registering(registration)

    def take_on_packed(self, registration: Registration, packed: bytes | None) -> Call:
        """Note a task that a run asked for (a dynamic requirement); as `take_on`."""
        done = registration.status == "DONE"
        fate = Fate.ALREADY_COMPLETE if done else Fate.NOT_RUN
        if registration.status in ("UNKNOWN", "FAILED"):
            fate = Fate.SCHEDULING_FAILED
        elif not done and not registration.runnable:
            fate = Fate.MISSING_EXTERNAL
        self._note(registration, fate, registration.expl or "")
        if not done:
            self._owed[registration.task_id] = registration
            if packed is not None:
                self._packed[registration.task_id] = packed
        return self._registering(registration)

    def owed(self) -> Iterator[Call]:
        """Everything that a scheduler without memory must be told: what is not done, and what that
        rests on and is done."""
        told = set()
        for registration in self._owed.values():
            for dep in registration.deps or ():
                if dep not in self._owed and dep not in told and dep in self.ledger.entries:
                    told.add(dep)
                    params = {"worker": self._worker_id, "task_id": dep, "status": "DONE", "runnable": False}
                    yield Call(method="add_task", params=params)
            yield self._registering(registration)

    def _registering(self, registration: Registration) -> Call:
        params = registration.call_params(self._worker_id, assistant=self._assistant)
        return Call(method="add_task", params=params)

    def _note(self, registration: Registration, fate: Fate, error: str) -> None:
        last_line = error.strip().rpartition("\n")[2]
        self.ledger.add(
            Entry(
                task_id=registration.task_id,
                name=name_of(registration),
                family=registration.family,
                fate=fate,
                deps=tuple(registration.deps or ()),
                cause=last_line,
                detail=error,
            )
        )

    # -- running --------------------------------------------------------------------------------

    def prepare(self, grant: dict[str, Any]) -> tuple[Run, RunJob]:
        """Make a run of what the scheduler handed out (`task_id`, names, perhaps `run_id`).

        Raises:
            Exception: the task cannot travel; the error says why.
        """
        task_id = grant["task_id"]
        run_id = grant.get("run_id")
        if run_id is None:
            self._own_runs += 1
        run = Run(str(run_id or f"own-{self._own_runs}"), run_id is not None, task_id, -1)
        task = self._tasks.get(task_id)
        limit = getattr(task, "worker_timeout", None)
        job = Job(
            run_id=run.run_id,
            task_id=task_id,
            packed=self._pack(task_id, task),
            module=grant.get("task_module"),
            family=grant.get("task_family") or "",
            params=grant.get("task_params") or {},
            granted=self._granted.get(task_id, ()),
        )
        timeout_s = self._settings.timeout if limit is None else float(limit)
        return run, RunJob(job=job, timeout_s=timeout_s, task=task)

    def _pack(self, task_id: str, task: Any) -> bytes | None:
        if task is None or self._settings.execution == "inline":
            return self._packed.get(task_id)
        return pack(task)

    def report(self, run: Run, outcome: Outcome, loaded: Registration | None) -> Call:
        """Note how a run ended; returns the call that reports it."""
        registration = self._owed.get(run.task_id) or loaded
        entry = self.ledger.entries.get(run.task_id)
        if entry is None:
            name, family = (name_of(registration), registration.family) if registration else (run.task_id, "")
            entry = Entry(task_id=run.task_id, name=name, family=family, fate=Fate.NOT_RUN)
            self.ledger.add(entry)
        entry.elapsed_s += outcome.elapsed_s
        params: dict[str, Any] = {
            "worker": self._worker_id,
            "task_id": run.task_id,
            "status": outcome.status,
            "runnable": None,
            "assistant": self._assistant,
        }
        if run.fenced:
            params["run_id"] = run.run_id
        if outcome.status == "DONE":
            self.ledger.settle(run.task_id, Fate.RAN)
            self._owed.pop(run.task_id, None)
            self._tasks.pop(run.task_id, None)
            self._packed.pop(run.task_id, None)
            self._granted.pop(run.task_id, None)
            if outcome.expl:
                params["expl"] = json.dumps(outcome.expl)
            return Call(method="add_task", params=params)
        if outcome.status == "FAILED":
            self.ledger.settle(run.task_id, Fate.FAILED, cause=outcome.cause, detail=outcome.error)
            params["expl"] = json.dumps(outcome.error or outcome.cause)
        else:
            self.ledger.settle(run.task_id, Fate.NOT_RUN)
        if outcome.new_deps:
            params["new_deps"] = list(outcome.new_deps)
            self._add_deps(run.task_id, entry, outcome.new_deps)
            self._granted[run.task_id] = (*self._granted.get(run.task_id, ()), *outcome.new_deps)
        if registration is not None:  # a report replaces resources and retry policy: say them again
            again = registration.call_params(self._worker_id, assistant=self._assistant)
            for name in ("resources", "retry_policy_dict", "priority", "params", "family", "module"):
                if name in again:
                    params[name] = again[name]
        return Call(method="add_task", params=params)

    def still_running(self, run: Run, **more: Any) -> Call:
        """The call that tells the scheduler that a run goes on, and perhaps more about it."""
        params = {"worker": self._worker_id, "task_id": run.task_id, "status": "RUNNING"} | more
        if run.fenced:
            params["run_id"] = run.run_id
        return Call(method="add_task", params=params)

    def pass_on(self, run: Run, notice: SlotNoticed) -> Call | None:
        """The call for what `run()` said about itself; None when that is not understood."""
        if notice.kind == "set_tracking_url":
            return self.still_running(run, tracking_url=notice.value)
        if notice.kind not in _NOTICES:
            return None
        method, argument = _NOTICES[notice.kind]
        return Call(method=method, params={"task_id": run.task_id, argument: notice.value})

    def name_of(self, task_id: str) -> str:
        """How people call a task, as far as this worker knows it."""
        entry = self.ledger.entries.get(task_id)
        return entry.name if entry is not None else task_id

    def runs_in(self, reply: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
        """Task id, name and worker of all runs of our tasks that a reply of the scheduler names."""
        return tuple(
            (run["task_id"], self.name_of(run["task_id"]), run["worker"])
            for run in reply.get("running_tasks", ())
        )

    def _add_deps(self, task_id: str, entry: Entry, new_deps: tuple[str, ...]) -> None:
        import msgspec

        entry.deps = tuple(dict.fromkeys(entry.deps + new_deps))
        if task_id in self._owed:
            self._owed[task_id] = msgspec.structs.replace(self._owed[task_id], deps=entry.deps)


def name_of(registration: Registration) -> str:
    """How people call a task: family and public parameters."""
    hidden = registration.param_visibilities or {}
    shown = ", ".join(
        f"{key}={value}" for key, value in sorted(registration.params.items()) if not hidden.get(key)
    )
    return f"{registration.family}({shown})"
