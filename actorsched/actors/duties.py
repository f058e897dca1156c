"""What a worker has taken on: tasks it registered, runs it holds, reports it owes. No actor.

A batch is one run of several tasks. The child makes the combined task, and the worker registers it as
running, for its members; its end is theirs. When there is no combined task (it could not be made), the
members are spoken of one by one. A scheduler that has forgotten the batch is told all of it, or, if that one
knows no ids of runs, that each member runs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from actorsched.actors.ledger import Entry, Fate
from actorsched.actors.log import log
from actorsched.actors.messages import Call, RunJob, SlotNoticed
from actorsched.actors.registrations import DONE_FATES, Registrations
from actorsched.actors.staff import Run
from actorsched.children.speech import Job
from actorsched.tasks.discovery import Discovered
from actorsched.tasks.outcome import Outcome
from actorsched.tasks.registration import Registration
from actorsched.tasks.reports import cause_of
from actorsched.tasks.travel import pack

#: what a run may say about itself → method and argument that carry it
_NOTICES = {
    "set_status_message": ("set_task_status_message", "status_message"),
    "set_progress_percentage": ("set_task_progress_percentage", "progress_percentage"),
    "decrease_running_resources": ("decrease_running_task_resources", "decrease_resources"),
    "report_task_statistics": ("report_task_statistics", "statistics"),
}

#: of a registration, what a report says again, because a report replaces it
_SAID_AGAIN = ("resources", "retry_policy_dict", "priority", "params", "family", "module")

#: characters of an error that are told; one that does not fit into a frame could not be reported at all
ERROR_MAX = 1_000_000


class Duties(Registrations):
    """What a worker owes, beside its registrations: the runs that it holds, and how they ended."""

    # -- running --------------------------------------------------------------------------------

    def run_of(self, grant: Mapping[str, Any]) -> Run:
        """Make a run of what the scheduler handed out."""
        run_id = grant.get("run_id")
        if run_id is None:
            self._own_runs += 1
        members = tuple(grant.get("batch_task_ids") or ())
        task_id = grant.get("task_id") or grant["batch_id"]
        own = f"own-{self._own_runs}"
        return Run(str(run_id or own), run_id is not None, task_id, batch=members, since=self._now())

    def prepare(self, run: Run, grant: Mapping[str, Any], start_by: float, follows: Run | None) -> RunJob:
        """Write the job of a run, which must begin by `start_by`, and after the one that it follows, if any.

        Raises:
            Exception: the task cannot travel; the error says why.
        """
        named = run.batch[0] if run.batch else run.task_id  # the child makes a batch after its first member
        task = self._tasks.get(named)
        if named not in self._owed:
            self._families[run.run_id] = grant.get("task_family") or ""
        # that of a combined task is told by the child, which makes it
        limit = None if run.batch else getattr(task, "worker_timeout", None)
        job = Job(
            run_id=run.run_id,
            task_id=run.task_id,
            packed=self._pack(named, task),
            module=grant.get("task_module"),
            family=grant.get("task_family") or "",
            params=grant.get("task_params") or {},
            granted=self._granted.get(run.task_id, ()),
            complete=self._known_complete(run.task_id, self._subjects(follows) if follows else ()),
            is_batch=bool(run.batch),
            limit_known=task is not None and not run.batch,
        )
        if not run.batch:
            run.task = self._owed.get(run.task_id) if task is None else task
        timeout_s = self._settings.timeout if limit is None else float(limit)
        name, after = self.name_of(run), follows.run_id if follows else ""
        return RunJob(job=job, timeout_s=timeout_s, name=name, task=task, start_by=start_by, after=after)

    def _known_complete(self, task_id: str, before: Collection[str]) -> tuple[str, ...]:
        """Of what a task has asked for, what is done; with `cache_task_completion` all that it needs.

        What is run `before` it will be, or this task does not begin.
        """
        needed = self._granted.get(task_id, ())
        entry = self.ledger.entries.get(task_id)
        if entry is not None and self._settings.cache_task_completion:
            needed = entry.deps
        entries = self.ledger.entries
        return tuple(
            dep for dep in needed if dep in before or (dep in entries and entries[dep].fate in DONE_FATES)
        )

    def _pack(self, task_id: str, task: Any) -> bytes | None:
        if task is None or self._settings.execution == "inline":
            return self._packed.get(task_id)
        return pack(task)

    def report(self, run: Run, outcome: Outcome, loaded: Registration | None) -> list[Call]:
        """Note how a run ended; returns the calls that tell so, in order."""
        self._families.pop(run.run_id, None)
        if (run.given_back or run.superseded) and outcome.status == "FAILED":
            return self._returned(run)
        if run.superseded:
            return self._superseded(run, outcome)
        if outcome.unloadable and run.fenced:
            log.warning(
                "a task cannot be loaded here; others are asked", task=run.task_id, cause=outcome.unloadable
            )
            run.given_back = outcome.cause
            return self._returned(run, declined=outcome.unloadable)
        calls: list[Call] = []
        for registration, task in () if outcome.missing else outcome.discovered:
            calls += self.take_on_packed(registration, task)
        for task_id in self._subjects(run):
            self._settle(task_id, outcome, loaded)
        for task_id in self._known_as(run):
            calls.append(self._end(run, task_id, outcome, loaded))
        if outcome.missing and self._may_reschedule(outcome.missing):
            for registration, task in outcome.discovered:
                calls += self.take_on_packed(registration, task)
        return calls

    def _subjects(self, run: Run) -> tuple[str, ...]:
        return run.batch or (run.task_id,)

    def _known_as(self, run: Run) -> tuple[str, ...]:
        """What the scheduler knows the run by: a batch by its members until one task stands for them."""
        return run.batch if run.scattered or self.is_unclaimed(run) else (run.task_id,)

    def is_unclaimed(self, run: Run) -> bool:
        """Whether it is a batch of which the scheduler has not been told the combined task."""
        return bool(run.batch) and run.task_id not in self._combined

    def give_back(self, run: Run, why: str) -> list[Call]:
        """The calls that return a run that is not to go on."""
        run.given_back = run.given_back or why
        self._families.pop(run.run_id, None)
        return self._returned(run)

    def _returned(self, run: Run, **more: Any) -> list[Call]:
        """The run was ended for reasons that are not its task's: the task waits again."""
        why = run.given_back or "the scheduler gave it to somebody else"
        for task_id in self._subjects(run):
            if task_id in self.ledger.entries:
                self.ledger.settle(task_id, Fate.NOT_RUN, cause=why)
        if run.superseded:
            return []
        # a scheduler that knows no run ids has no other word for it
        status = "PENDING" if run.fenced else "FAILED"
        more["runnable"] = None
        if run.fenced:
            more["run_id"] = run.run_id
        return [self._saying(task_id, status, **more) for task_id in self._known_as(run)]

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

    def _end(self, run: Run, task_id: str, outcome: Outcome, loaded: Registration | None) -> Call:
        """The call that reports the end of a run."""
        more: dict[str, Any] = {"runnable": None, "assistant": self._assistant}
        if run.fenced:
            more |= {"run_id": run.run_id, "held_s": round(self._now() - run.since, 3)}
            if outcome.elapsed_s:  # else it never began, or its child could not tell
                more["took_s"] = round(outcome.elapsed_s, 3)
        if outcome.status == "DONE":
            if outcome.expl:
                more["expl"] = json.dumps(outcome.expl)
            return self._saying(task_id, "DONE", **more)
        if outcome.status == "FAILED":
            more["expl"] = json.dumps(_shortened(outcome.error or outcome.cause))
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
        run.scattered = bool(run.batch) and not run.fenced
        more = {"run_id": run.run_id} if run.fenced else {}
        if run.batch and run.fenced:
            more["batch_id"] = run.run_id
        calls = []
        for task_id in self._subjects(run):
            registration = self._owed.get(task_id)
            status = "BATCH_RUNNING" if "batch_id" in more else "RUNNING"
            if registration is None:
                # Without a family, views would call it unknown until somebody registers it; and without its
                # parameters nobody could run it again, so until then it is handed out to nobody.
                family = self._families.get(run.run_id, "")
                calls.append(self._saying(task_id, status, family=family, runnable=False, **more))
            else:
                calls.append(self._registering(registration, status=status, **more))
        if run.combined is not None and run.fenced:
            calls.append(self._standing_in(run, run.combined, run.run_id))
        return calls

    def everything(self, runs: Iterable[Run]) -> list[Call]:
        """The calls that tell a scheduler without memory all that is owed: what runs, and then what waits."""
        claims = [call for run in runs if not run.superseded for call in self.claim(run)]
        claimed = {call.params["task_id"] for call in claims}
        return claims + [call for call in self.owed() if call.params.get("task_id") not in claimed]

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
        params = {"task_id": run.task_id, argument: notice.value}
        if run.fenced and notice.kind == "decrease_running_resources":
            params["run_id"] = run.run_id  # another run holds all of its own
        return Call(method=method, params=params)

    def _combine(self, run: Run, registration: Registration) -> Call:
        """The child has made the combined task of a batch: it runs for its members."""
        batch_id, run.task_id = run.task_id, registration.task_id
        run.combined = registration
        self._combined[run.task_id] = run.batch
        return self._standing_in(run, registration, batch_id)

    def _standing_in(self, run: Run, registration: Registration, batch_id: str) -> Call:
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
        outcome = Outcome(status="FAILED", cause=cause_of(error), error=error)
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


def _shortened(error: str) -> str:
    """The beginning and the end of an error that is too long."""
    if len(error) <= ERROR_MAX:
        return error
    half = ERROR_MAX // 2
    return f"{error[:half]}\n… {len(error) - 2 * half} characters are left out here …\n{error[-half:]}"
