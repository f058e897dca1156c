"""Bugs of a scheduler like this one, to be planted one at a time: a simulation has to find each of them.

Each takes the place of one rule of the shipped code, and of nothing else. Those of a worker are in
`worker_bugs.py`.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from actorsched.actors.scheduler import SchedulerActor
from actorsched.core import granting, leases, pruning, registering, transitions
from actorsched.core.demands import Resources
from actorsched.core.instant import Instant
from actorsched.core.machine import SchedulerMachine
from actorsched.core.origin import Origin
from actorsched.core.record import TaskRecord
from actorsched.core.state import State
from actorsched.core.statuses import FAILED, PENDING, RUNNING
from actorsched.core.worker import WorkerRecord
from actorsched.rpc.replies import ReplyMemory, Stale
from actorsched.tasks import running


def no_fencing(patch: pytest.MonkeyPatch) -> None:
    """Whatever run a report is of, it is taken for one of the live run."""
    add_task = SchedulerMachine.add_task

    def unfenced(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        record = machine.tasks.get(params.get("task_id", ""))
        if params.get("run_id") and record is not None and record.run_id is not None:
            params |= {"run_id": record.run_id, "worker": record.worker_running, "incarnation": None}
        return add_task(machine, now, *args, **params)

    patch.setattr(SchedulerMachine, "add_task", unfenced)


def no_reply_memory(patch: pytest.MonkeyPatch) -> None:
    """A request that comes twice takes effect twice."""
    patch.setattr(ReplyMemory, "recall", lambda *_: None)


def leases_are_not_renewed(patch: pytest.MonkeyPatch) -> None:
    """What a worker says is no sign of its life, after the first time."""
    patch.setattr(State, "renew", lambda *_: None)


def nobody_is_given_up(patch: pytest.MonkeyPatch) -> None:
    """A worker may be silent for ever."""
    patch.setattr(pruning, "drop_worker", lambda *_: None)


def lost_advances_are_handed_out_at_once(patch: pytest.MonkeyPatch) -> None:
    """What was handed out in advance, and lost on the way, is handed out again like all else."""
    reconcile = granting._reconcile

    def hasty(*args: Any, **options: Any) -> Any:
        return reconcile(*args, **{**options, "advanced": False})

    patch.setattr(granting, "_reconcile", hasty)


def anything_follows(patch: pytest.MonkeyPatch) -> None:
    """What is handed out in advance may wait for other runs, too."""

    def followers(asking: WorkerRecord, *_: Any) -> Any:
        for record in list(asking.runs):
            for dependent in record.iter_dependents():
                if dependent.status == PENDING and not dependent.batchable and not dependent.demand.needs:
                    yield dependent, record.run_id
                    return

    patch.setattr(granting, "followers", followers)


def resources_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    """Any demand fits at any time."""
    patch.setattr(Resources, "fits", lambda *_: True)


def requirements_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The scheduler does not note them, and the child does not look."""
    patch.setattr(registering, "set_deps", lambda *_: None)
    patch.setattr(running, "is_fulfilled", lambda *_: True)


def lost_grants_stay_lost(patch: pytest.MonkeyPatch) -> None:
    """A grant whose answer did not arrive is not handed out again."""
    patch.setattr(granting, "_reconcile", lambda *_, **__: [])


def grants_what_runs(patch: pytest.MonkeyPatch) -> None:
    """Who asks when there is nothing else gets what somebody else runs."""
    get_work = SchedulerMachine.get_work

    def generous(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        reply: Any = get_work(machine, now, *args, **params)
        for record in machine.by_status[RUNNING].values():
            if reply["task_id"] is None and record.worker_running != params["worker"]:
                grant = granting._granted(record)
                reply.update(grant)
                if "tasks" in reply:
                    reply["tasks"] = [grant]
        return reply

    patch.setattr(SchedulerMachine, "get_work", generous)


def anybody_renews_all(patch: pytest.MonkeyPatch) -> None:
    """Whoever is heard, all leases are renewed."""

    def renew(state: State, worker: WorkerRecord, now: Instant) -> None:
        for known in state.workers.values():
            known.last_active = now

    patch.setattr(State, "renew", renew)


def one_client_is_remembered(patch: pytest.MonkeyPatch) -> None:
    """The memory of replies is full with one of them."""
    remember = ReplyMemory.remember

    def forgetful(memory: ReplyMemory, client: str, seq: int, reply: bytes) -> list[str]:
        memory._max_clients = 1
        return remember(memory, client, seq, reply)

    patch.setattr(ReplyMemory, "remember", forgetful)


def old_frames_are_carried_out(patch: pytest.MonkeyPatch) -> None:
    """A copy of an earlier frame than the last one is taken for a new one."""
    recall = ReplyMemory.recall

    def credulous(memory: ReplyMemory, client: str, seq: int) -> Any:
        known = recall(memory, client, seq)
        return None if isinstance(known, Stale) else known

    patch.setattr(ReplyMemory, "recall", credulous)


def done_is_overwritten(patch: pytest.MonkeyPatch) -> None:
    """PENDING from who looked before the end of a task makes it run again."""
    add_task = SchedulerMachine.add_task

    def hasty(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        record = machine.tasks.get(params.get("task_id", ""))
        if record is not None and record.done_at is not None:
            record.done_at = -math.inf
        return add_task(machine, now, *args, **params)

    patch.setattr(SchedulerMachine, "add_task", hasty)


def placeholders_need_nothing(patch: pytest.MonkeyPatch) -> None:
    """The requirements of a task that another one has named before are not noted."""
    set_deps = registering.set_deps

    def careless(state: State, record: TaskRecord, deps: Any) -> None:
        if record.dependents is None:
            set_deps(state, record, deps)

    patch.setattr(registering, "set_deps", careless)


def wishes_of_runs_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """What a run found out that it needs is not noted."""
    patch.setattr(registering, "add_deps", lambda *_: None)


def failures_keep_resources(patch: pytest.MonkeyPatch) -> None:
    """What a failed run took from the resources stays taken."""
    leave = transitions._leave_run

    def greedy(state: State, record: TaskRecord, old: str, new: str) -> None:
        leave(state, record, old, new)
        if old == RUNNING and new == FAILED:
            state.resources.charge(record.runs_with())

    patch.setattr(transitions, "_leave_run", greedy)


def giving_back_counts_twice(patch: pytest.MonkeyPatch) -> None:
    """Twice as much is given back as the run said."""
    decrease = SchedulerMachine.decrease_running_task_resources

    def twice(machine: Any, now: Instant, task_id: str, decrease_resources: Any, run_id: Any = None) -> Any:
        doubled = {name: 2 * amount for name, amount in decrease_resources.items()}
        return decrease(machine, now, task_id, doubled, run_id)

    patch.setattr(SchedulerMachine, "decrease_running_task_resources", twice)


def claims_are_refused(patch: pytest.MonkeyPatch) -> None:
    """A scheduler that lost its memory believes no run that it has not granted itself."""
    patch.setattr(registering, "_can_be_claimed", lambda *_: False)


def nothing_is_tried_again(patch: pytest.MonkeyPatch) -> None:
    """What has failed stays so, until somebody registers it anew."""
    patch.setattr(pruning, "_look_at_record", lambda *_: True)


def deaths_are_never_taken_back(patch: pytest.MonkeyPatch) -> None:
    """A worker that was only cut off counts as one that the task has killed."""

    def forget(state: State, worker_id: str, incarnation: Any) -> Any:
        for record in list(state.silent.pop(worker_id, ())):
            trouble = record.get_trouble()
            trouble.silent = [death for death in trouble.silent if death[0] != worker_id]
        return iter(())

    patch.setattr(leases, "take_back_deaths", forget)


def lives_have_no_order(patch: pytest.MonkeyPatch) -> None:
    """A life of a worker that was never seen is taken for a newer one."""
    meet = leases._meet

    def trusting(state: State, worker: WorkerRecord, incarnation: Any, replaces: Any, now: Instant) -> Any:
        return meet(state, worker, incarnation, worker.incarnation, now)

    patch.setattr(leases, "_meet", trusting)


def facts_end_runs(patch: pytest.MonkeyPatch) -> None:
    """DONE without the id of a run ends the one that the worker was just given."""
    add_task = SchedulerMachine.add_task

    def literal(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        if params.get("status") == "DONE" and params.get("run_id") is None:
            record = machine.tasks.get(params["task_id"])
            if record is not None and record.worker_running == params["worker"]:
                params |= {"run_id": record.run_id}
        return add_task(machine, now, *args, **params)

    patch.setattr(SchedulerMachine, "add_task", literal)


def copies_are_no_sign_of_life(patch: pytest.MonkeyPatch) -> None:
    """A heartbeat whose answer was lost, and that is sent again, renews no lease."""
    patch.setattr(SchedulerActor, "_renew_copies", lambda *_: None)


def absence_goes_unnoticed(patch: pytest.MonkeyPatch) -> None:
    """A scheduler that stood still takes its own silence for that of its workers."""
    patch.setattr(SchedulerActor, "_notice_absence", lambda *_: None)


def late_goodbyes_are_taken(patch: pytest.MonkeyPatch) -> None:
    """The goodbye of a former life of a worker is taken for that of the present one."""
    remove = SchedulerMachine.remove_worker

    def gullible(machine: Any, now: Instant, worker: str, incarnation: Any = None) -> Any:
        known = machine.workers.get(worker)
        return remove(machine, now, worker, known.incarnation if known is not None else incarnation)

    patch.setattr(SchedulerMachine, "remove_worker", gullible)


def who_declines_is_asked_again(patch: pytest.MonkeyPatch) -> None:
    """What a worker cannot load is given back, and that it cannot is not remembered."""

    def forgetful(state: Any, *_: Any) -> Origin:
        return Origin()

    patch.setattr(registering, "note_declined", forgetful)
