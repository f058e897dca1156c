"""What a worker has taken on: tasks it registered, runs it holds, reports it owes. No actor, no clock.

A task that this worker registered is kept as itself, so that it can travel to a child with everything
that was set on it, together with its registration, which is needed again when a scheduler has lost its
memory. Both are let go as soon as the task is done: what remains is one line in the ledger, and where
the worker serves others until it is stopped, not even that for long.

A batch is one run of several tasks. The child makes the combined task, and the worker registers it as
running, for its members; its end is theirs. When there is no combined task (it could not be made), or
the scheduler has forgotten which batch it was, the members are spoken of one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from actorsched.actors.ledger import Entry, Fate, Ledger
from actorsched.actors.log import log
from actorsched.actors.messages import Call, RunJob, SlotNoticed
from actorsched.actors.staff import Run
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks.batching import Batcher
from actorsched.tasks.discovery import Discovered
from actorsched.tasks.registration import Registration
from actorsched.tasks.running import Outcome
from actorsched.tasks.travel import pack

_FATES = {
    "complete": Fate.ALREADY_COMPLETE,
    "pending": Fate.NOT_RUN,
    "external": Fate.MISSING_EXTERNAL,
    "failed": Fate.SCHEDULING_FAILED,
    "beyond": Fate.NOT_RUN,
}
_DONE = (Fate.RAN, Fate.ALREADY_COMPLETE, Fate.RUN_BY_OTHERS)

#: what a run may say about itself → method and argument that carry it
_NOTICES = {
    "set_status_message": ("set_task_status_message", "status_message"),
    "set_progress_percentage": ("set_task_progress_percentage", "progress_percentage"),
    "decrease_running_resources": ("decrease_running_task_resources", "decrease_resources"),
    "report_task_statistics": ("report_task_statistics", "statistics"),
}

#: lines that a forgetful ledger keeps on tasks that no user of the worker has added
PASSING_MAX = 1_000

#: of a registration, what a report says again, because a report replaces it
_SAID_AGAIN = ("resources", "retry_policy_dict", "priority", "params", "family", "module")


class Duties:
    """Tasks, registrations and the ledger of one worker.

    Args:
        worker_id: as whom it speaks.
        settings: of the worker.
        assistant: whether it is one.
        incarnation: which life of that worker.
        forgetful: keep no more than `PASSING_MAX` lines on tasks of others; a node serves for weeks.
    """

    def __init__(
        self,
        worker_id: str,
        settings: WorkerSettings,
        *,
        assistant: bool,
        incarnation: str = "",
        forgetful: bool = False,
    ) -> None:
        self.ledger = Ledger()
        self._worker_id = worker_id
        self._settings = settings
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
        self._own_runs = 0
        self._forgetful = forgetful
        self._passing: dict[str, None] = {}  # tasks that no user of this worker has added, oldest first

    # -- registering ----------------------------------------------------------------------------

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
        if not done or known is None or known.fate not in _DONE:
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
        last_line = error.strip().rpartition("\n")[2]
        self.ledger.add(
            Entry(
                task_id=registration.task_id,
                name=registration.name,
                family=registration.family,
                fate=fate,
                deps=tuple(registration.deps or ()),
                cause=last_line,
                detail=error,
            )
        )

    # -- running --------------------------------------------------------------------------------

    def run_of(self, grant: Mapping[str, Any]) -> Run:
        """Make a run of what the scheduler handed out."""
        run_id = grant.get("run_id")
        if run_id is None:
            self._own_runs += 1
        members = tuple(grant.get("batch_task_ids") or ())
        task_id = grant.get("task_id") or grant["batch_id"]
        return Run(str(run_id or f"own-{self._own_runs}"), run_id is not None, task_id, batch=members)

    def prepare(self, run: Run, grant: Mapping[str, Any], start_by: float) -> RunJob:
        """Write the job of a run, which must begin by `start_by`.

        Raises:
            Exception: the task cannot travel; the error says why.
        """
        named = run.batch[0] if run.batch else run.task_id  # the child makes a batch after its first member
        task = self._tasks.get(named)
        limit = getattr(task, "worker_timeout", None)
        job = Job(
            run_id=run.run_id,
            task_id=run.task_id,
            packed=self._pack(named, task),
            module=grant.get("task_module"),
            family=grant.get("task_family") or "",
            params=grant.get("task_params") or {},
            granted=self._granted.get(run.task_id, ()),
            complete=self._known_complete(run.task_id),
            is_batch=bool(run.batch),
            limit_known=task is not None,
        )
        if not run.batch:
            run.task = self._owed.get(run.task_id) if task is None else task
        timeout_s = self._settings.timeout if limit is None else float(limit)
        return RunJob(job=job, timeout_s=timeout_s, name=self.name_of(run), task=task, start_by=start_by)

    def _known_complete(self, task_id: str) -> tuple[str, ...]:
        """Of what a task has asked for, what is done; with `cache_task_completion` all that it needs."""
        needed = self._granted.get(task_id, ())
        entry = self.ledger.entries.get(task_id)
        if entry is not None and self._settings.cache_task_completion:
            needed = entry.deps
        entries = self.ledger.entries
        return tuple(dep for dep in needed if dep in entries and entries[dep].fate in _DONE)

    def _pack(self, task_id: str, task: Any) -> bytes | None:
        if task is None or self._settings.execution == "inline":
            return self._packed.get(task_id)
        return pack(task)

    def report(self, run: Run, outcome: Outcome, loaded: Registration | None) -> list[Call]:
        """Note how a run ended; returns the calls that tell so, in order."""
        if (run.given_back or run.superseded) and outcome.status == "FAILED":
            return self._returned(run)
        if run.superseded:
            return self._superseded(run, outcome)
        calls: list[Call] = []
        for registration, task in () if outcome.missing else outcome.discovered:
            calls += self.take_on_packed(registration, task)
        for task_id in self._subjects(run):
            self._settle(task_id, outcome, loaded)
        one_by_one = run.batch and (run.scattered or run.task_id not in self._combined)
        for task_id in run.batch if one_by_one else (run.task_id,):
            calls.append(self._end(run, task_id, outcome, loaded))
        if outcome.missing and self._may_reschedule(outcome.missing):
            for registration, task in outcome.discovered:
                calls += self.take_on_packed(registration, task)
        return calls

    def _subjects(self, run: Run) -> tuple[str, ...]:
        return run.batch or (run.task_id,)

    def give_back(self, run: Run, why: str) -> list[Call]:
        """The calls that return a run that is not to go on."""
        run.given_back = run.given_back or why
        return self._returned(run)

    def _returned(self, run: Run) -> list[Call]:
        """The run was ended for reasons that are not its task's: the task waits again."""
        for task_id in self._subjects(run):
            if task_id in self.ledger.entries:
                self.ledger.settle(task_id, Fate.NOT_RUN, cause=run.given_back)
        if run.superseded:
            return []
        # a scheduler that knows no run ids has no other word for it
        status = "PENDING" if run.fenced else "FAILED"
        one_by_one = run.batch and (run.scattered or run.task_id not in self._combined)
        more: dict[str, Any] = {"runnable": None}
        if run.fenced:
            more["run_id"] = run.run_id
        return [
            self._saying(task_id, status, **more) for task_id in (run.batch if one_by_one else (run.task_id,))
        ]

    def _superseded(self, run: Run, outcome: Outcome) -> list[Call]:
        """Somebody else is to run this, and yet it is done, or waits for more."""
        if outcome.status != "DONE":
            return self._returned(run)
        for task_id in self._subjects(run):
            self._settle(task_id, outcome, None)
        return [self._fact(task_id) for task_id in self._subjects(run)]

    def _settle(self, task_id: str, outcome: Outcome, loaded: Registration | None) -> None:
        """Write into the ledger how the run of a task ended."""
        registration = self._owed.get(task_id) or loaded
        entry = self.ledger.entries.get(task_id)
        if entry is None:
            name, family = (registration.name, registration.family) if registration else (task_id, "")
            entry = Entry(task_id=task_id, name=name, family=family, fate=Fate.NOT_RUN)
            self.ledger.add(entry)
            self._pass_by(task_id)
        if loaded is not None and loaded.owners:
            self._owners[task_id] = loaded.owners
        entry.elapsed_s += outcome.elapsed_s
        if outcome.status == "DONE":
            self.ledger.settle(task_id, Fate.RAN)
            for kept in (self._owed, self._tasks, self._packed, self._granted, self._owners):
                kept.pop(task_id, None)
        elif outcome.status == "FAILED":
            self.ledger.settle(task_id, Fate.FAILED, cause=outcome.cause, detail=outcome.error)
        else:
            self.ledger.settle(task_id, Fate.NOT_RUN)
        if outcome.new_deps:
            entry.deps = tuple(dict.fromkeys(entry.deps + outcome.new_deps))
            if task_id in self._owed:
                self._owed[task_id] = msgspec.structs.replace(self._owed[task_id], deps=entry.deps)
            self._granted[task_id] = (*self._granted.get(task_id, ()), *outcome.new_deps)

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

    def _end(self, run: Run, task_id: str, outcome: Outcome, loaded: Registration | None) -> Call:
        """The call that reports the end of a run."""
        more: dict[str, Any] = {"runnable": None, "assistant": self._assistant}
        if run.fenced:
            more["run_id"] = run.run_id
        if outcome.status == "DONE":
            if outcome.expl:
                more["expl"] = json.dumps(outcome.expl)
            return self._saying(task_id, "DONE", **more)
        if outcome.status == "FAILED":
            more["expl"] = json.dumps(outcome.error or outcome.cause)
        if outcome.new_deps:
            more["new_deps"] = list(outcome.new_deps)
        registration = self._owed.get(task_id) or loaded
        if registration is not None:  # a report replaces resources and retry policy: say them again
            again = registration.call_params(self._worker_id, assistant=self._assistant)
            more |= {name: again[name] for name in _SAID_AGAIN if name in again}
        return self._saying(task_id, outcome.status, **more)

    def _may_reschedule(self, missing: Iterable[str]) -> bool:
        """Whether requirements that have gone are scheduled once more, or it has been often enough."""
        often_enough = False
        for task_id in missing:
            count = self._unfulfilled[task_id] = self._unfulfilled.get(task_id, 0) + 1
            often_enough |= count > self._settings.max_reschedules
        return not often_enough

    # -- while it runs --------------------------------------------------------------------------

    def claim(self, run: Run) -> list[Call]:
        """The calls that tell a scheduler without memory that a run goes on."""
        run.scattered = bool(run.batch)
        calls = []
        for task_id in self._subjects(run):
            registration = self._owed.get(task_id)
            if registration is None:
                calls.append(self._still_running(run, task_id))
                continue
            more = {"run_id": run.run_id} if run.fenced else {}
            calls.append(self._registering(registration, status="RUNNING", **more))
        return calls

    def _still_running(self, run: Run, task_id: str, **more: Any) -> Call:
        if run.fenced:
            more["run_id"] = run.run_id
        return self._saying(task_id, "RUNNING", **more)

    def pass_on(self, run: Run, notice: SlotNoticed) -> Call | None:
        """The call for what `run()` said about itself; None when that is not understood."""
        match notice.kind, notice.value:
            case "set_tracking_url", url:
                return self._still_running(run, run.task_id, tracking_url=url)
            case "combined", value:
                return self._combine(run, msgspec.convert(value, Registration))
            case "respond", {"message_id": message_id, "response": response}:
                params = {"task_id": run.task_id, "message_id": message_id, "response": response}
                return Call(method="add_scheduler_message_response", params=params)
        if notice.kind not in _NOTICES:
            log.warning("a run said something that is not understood", task=run.task_id, kind=notice.kind)
            return None
        method, argument = _NOTICES[notice.kind]
        return Call(method=method, params={"task_id": run.task_id, argument: notice.value})

    def _combine(self, run: Run, registration: Registration) -> Call:
        """The child has made the combined task of a batch: it runs for its members."""
        batch_id, run.task_id = run.task_id, registration.task_id
        self._combined[run.task_id] = run.batch
        more = {"run_id": run.run_id} if run.fenced else {}
        return self._saying(
            run.task_id,
            "RUNNING",
            batch_id=batch_id,
            params=registration.params,
            family=registration.family,
            module=registration.module,
            runnable=False,
            **more,
        )

    # -- for people -----------------------------------------------------------------------------

    def about(self, run: Run, outcome: Outcome | None) -> dict[str, Any]:
        """What an observer is told of a run."""
        return {
            "task_id": run.task_id,
            "name": self.name_of(run),
            "owners": self.owners_of(run),
            "given_back": bool(run.given_back or run.superseded),
            "slot": run.slot,
            "outcome": outcome,
        }

    def about_failed(self, found: Discovered) -> dict[str, Any]:
        """What an observer is told of a task that could not be scheduled."""
        registration, error = found.registration, found.error
        cause = error.strip().rpartition("\n")[2]
        outcome = Outcome(status="FAILED", cause=cause, error=error)
        return {
            "task_id": registration.task_id,
            "name": registration.name,
            "owners": registration.owners,
            "given_back": False,
            "outcome": outcome,
        }

    def name_of(self, run: Run) -> str:
        """How people call what runs."""
        first = self.ledger.entries.get(self._subjects(run)[0])
        if first is None:
            return run.task_id
        return first.name if not run.batch else f"{first.family}, batch of {len(run.batch)}"

    def runs_in(self, reply: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
        """Task id, name and worker of all runs of our tasks that a reply of the scheduler names."""
        entries = self.ledger.entries
        return tuple(
            (task_id, entries[task_id].name if task_id in entries else task_id, run["worker"])
            for run in reply.get("running_tasks", ())
            for task_id in (run["task_id"],)
        )

    def owners_of(self, run: Run) -> tuple[str, ...]:
        """Who wants to hear of failures."""
        return tuple(
            dict.fromkeys(owner for task_id in self._subjects(run) for owner in self._owners.get(task_id, ()))
        )
