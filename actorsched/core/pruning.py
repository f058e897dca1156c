"""Looking at time: who is silent, what is due again, what nobody wants any more.

It costs what has come due since the last look. Nothing else in the machine reacts to time going by;
what is overdue stays as it is until somebody looks (views do, and so does the owner of the machine).
"""

from __future__ import annotations

from typing import Any

from actorsched.core.counting import is_waited_for
from actorsched.core.declining import ask_again, try_stranded
from actorsched.core.facets import settle
from actorsched.core.instant import Instant
from actorsched.core.leases import lose_runs
from actorsched.core.record import TaskRecord
from actorsched.core.results import Refused
from actorsched.core.state import State
from actorsched.core.statuses import DISABLED, FAILED, LIVE, PENDING, RUNNING
from actorsched.core.timers import Kind
from actorsched.core.transitions import change, re_enable
from actorsched.core.worker import WorkerRecord


def prune(state: State, now: Instant) -> None:
    """Let happen what time has brought."""
    for record in list(state.lost):  # lost before this look, so due in this one
        change(state, record, PENDING, now)
    if state.newcomers:
        try_stranded(state, now)
    at = now.monotonic
    early: list[tuple[float, Kind, TaskRecord | WorkerRecord]] = []
    removals: list[TaskRecord] = []
    for deadline, kind, target in sorted(state.timers.due(at), key=lambda timer: (timer[1], timer[0])):
        if isinstance(target, WorkerRecord):
            _look_at_worker(state, target, now)
        elif kind is Kind.REMOVE:
            removals.append(target)
        elif not _look_at_record(state, deadline, kind, target, now):
            early.append((deadline, kind, target))
    _let_go(state, now)
    for deadline, kind, target in state.timers.due(at):  # armed by what happened just now
        if kind is Kind.REMOVE and isinstance(target, TaskRecord):
            removals.append(target)
        else:
            early.append((deadline, kind, target))
    for timer in early:
        state.timers.arm(*timer)
    for record in removals:
        due = record.remove_at is not None and record.remove_at <= at
        if due and record.status not in LIVE and state.has(record):
            state.remove(record)


def _look_at_worker(state: State, worker: WorkerRecord, now: Instant) -> None:
    if state.workers.get(worker.worker_id) is not worker:
        return
    until = worker.last_active.monotonic + state.settings.worker_disconnect_delay
    if until < now.monotonic and worker.is_submission and is_waited_for(state, worker):
        until = now.monotonic + state.settings.worker_disconnect_delay
    if until < now.monotonic:
        if not worker.is_submission:
            silent_s = now.monotonic - worker.last_active.monotonic
            state.given_up.append((worker.worker_id, silent_s, len(worker.runs)))
        drop_worker(state, worker, now)
    else:
        state.timers.arm(until, Kind.SILENCE, worker)


def drop_worker(state: State, worker: WorkerRecord, now: Instant) -> None:
    """Give the worker up: its runs are lost, and its stakes."""
    worker_id = worker.worker_id
    lose_runs(state, worker, now, silent=True)
    for stake in state.stakes.drop(worker_id):
        state.unwanted.extend(state.stakes.members(stake))
    dismiss(state, worker_id)
    state.set_assistant(worker, False)
    state.batches.forget_worker(worker_id)
    ask_again(state, worker_id)
    state.hungry.pop(worker_id, None)
    state.touch_batchers(worker_id)
    del state.workers[worker_id]
    state.touch_worker(worker)


def remove_worker(state: State, now: Instant, worker: str, incarnation: Any = None) -> Refused | None:
    """A worker says that it has ended, so that nobody has to wait until its lease is over: ours.

    What it has not reported was not done and will not be: it waits again. A submission stays for as long as
    its tasks are waited for. What the worker sent before and arrives later makes it known again, for a lease.

    Returns:
        None, also when nobody of that name is known; or a refusal when another life of it is the present one.
    """
    record = state.workers.get(worker)
    if record is None:
        return None
    if incarnation != record.incarnation:
        return {"refused": "stale_incarnation"}
    for run in list(record.runs):
        if run.status in LIVE:  # else it was in a batch whose combined task has ended here
            change(state, run, PENDING, now)
    if not (record.is_submission and is_waited_for(state, record)):
        drop_worker(state, record, now)
    return None


def dismiss(state: State, worker_id: str) -> None:
    """The worker can run nothing any more."""
    for crew in state.crews.drop(worker_id):
        for record in state.crews.members(crew):
            settle(state, record)


def _look_at_record(state: State, deadline: float, kind: Kind, record: TaskRecord, now: Instant) -> bool:
    """Act on a timer; whether it is done with: Luigi acts when its time is past, not when it is due."""
    trouble = record.trouble
    if trouble is None or not state.has(record):
        return True
    if kind is Kind.ENABLE:
        persist = state.settings.disable_persist
        if (
            record.status != DISABLED
            or trouble.disabled_at is None
            or deadline < trouble.disabled_at + persist
        ):
            return True
        if now.monotonic - trouble.disabled_at > persist:
            re_enable(state, record, now)
            return True
        return False
    # what was lost comes back by itself; the retry of an earlier failure is none of its business
    if record.status != FAILED or trouble.lost or trouble.retry_at is None or deadline < trouble.retry_at:
        return True
    if record.policy.retry_delay < 0:
        return True  # armed by the policy that the task had before
    if trouble.retry_at < now.monotonic:
        change(state, record, PENDING, now)
        return True
    return False


def _let_go(state: State, now: Instant) -> None:
    """Tasks without stakeholders get their time of removal."""
    candidates, state.unwanted = state.unwanted, []
    for record in candidates:
        if (
            record.remove_at is None
            and not record.stake.ids
            and record.status != RUNNING
            and state.has(record)
        ):
            state.schedule_removal(record, now.monotonic + state.settings.remove_delay)
