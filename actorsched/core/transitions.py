"""The one place where a task changes its status.

`MOVES` is the table of legal moves. Registration may say almost anything about a task that does not
run, as with Luigi; the two rules of the table are that only a pending task joins a batch, and that a
live run does not become a batch. `set_status` holds the rules of what follows from a move: failures
that disable, batches that end with their combined task, disabling that a worker cannot lift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.deaths import forget_deaths, suspect
from actorsched.core.facets import settle
from actorsched.core.instant import Instant
from actorsched.core.policy import chance_of
from actorsched.core.record import TaskRecord, Trouble
from actorsched.core.statuses import (
    BATCH_RUNNING,
    DISABLED,
    DONE,
    FAILED,
    LIVE,
    PENDING,
    RUNNING,
    STATUSES,
    UNKNOWN,
)
from actorsched.core.timers import Kind
from actorsched.errors import InvalidTransitionError

if TYPE_CHECKING:
    from actorsched.core.state import State

_ANY = frozenset(STATUSES)

#: from a status to those that may follow
MOVES: dict[str, frozenset[str]] = {
    PENDING: _ANY - {PENDING},
    RUNNING: _ANY - {RUNNING, BATCH_RUNNING},
    BATCH_RUNNING: _ANY - {BATCH_RUNNING},
    DONE: _ANY - {DONE, BATCH_RUNNING},
    FAILED: _ANY - {FAILED, BATCH_RUNNING},
    DISABLED: _ANY - {DISABLED, BATCH_RUNNING},
    UNKNOWN: _ANY - {UNKNOWN, BATCH_RUNNING},
}


def move(state: State, record: TaskRecord, new: str, now: Instant) -> None:
    """Change the status and what is kept by status. The caller settles the record.

    A record that becomes live must have `worker_running` set.

    Raises:
        InvalidTransitionError: the table does not have this move.
    """
    old = record.status
    if new not in MOVES[old]:
        raise InvalidTransitionError(
            f"{record.task_id}: {old} -> {new} is not in the table of moves "
            f"(run {record.run_id}, worker {record.worker_running}, batch {record.batch_id}, "
            f"last change {record.updated}, now {now.wall})"
        )
    journal = state.journal
    if journal is not None:  # asked here and not by touch(): this is the hottest place of all
        if old in LIVE and new not in LIVE and state.settings.record_task_history:
            journal.end_run(state, record, new, now)
        journal.moved[record] = None
    del state.by_status[old][record.task_id]
    state.by_status[new][record.task_id] = record
    record.status = new
    record.updated = now.wall
    if old in LIVE:
        _leave_run(state, record, old, new)
    elif old == DONE:
        record.done_at = None
    if new in LIVE:
        _enter_run(state, record, new)
    elif new == DONE:
        record.done_at = now.monotonic


def _enter_run(state: State, record: TaskRecord, new: str) -> None:
    assert record.worker_running is not None
    state.workers[record.worker_running].runs[record] = None
    if record.run_id is None:
        record.run_id = state.ticket()
    if new == RUNNING:
        state.resources.charge(record.runs_with())
        if record.batch_id is not None:
            state.batches.stand_in(record.batch_id)
    else:
        state.batches.enter(record)


def _leave_run(state: State, record: TaskRecord, old: str, new: str) -> None:
    assert record.worker_running is not None
    if old == RUNNING:
        state.resources.release(record.runs_with())
        if record.batch_id is not None:
            state.batches.stand_down(record.batch_id)
    else:
        state.batches.leave(record)
    if new not in LIVE:
        del state.workers[record.worker_running].runs[record]
        record.run_id = None
        if record.remove_at is not None:
            state.timers.arm(record.remove_at, Kind.REMOVE, record)
        elif not record.stake.ids:
            state.unwanted.append(record)


def set_status(state: State, record: TaskRecord, new: str, now: Instant) -> None:
    """Move the record as far as the rules allow. The caller settles it; batch members are settled here.

    Nothing happens when a run would be disabled from outside, or when a worker contradicts what the
    scheduler disabled (other than by DONE).
    """
    old = record.status
    trouble = record.trouble
    run_id = record.run_id
    if new == DISABLED and old in LIVE:
        return
    if trouble is not None:
        if old == DISABLED:
            if new == DONE:
                trouble.pardon()
            elif trouble.disabled_at is not None and new != DISABLED:
                return
        trouble.complete = False
        if trouble.lost:
            trouble.lost = False
            state.lost.pop(record, None)
        if state.stranded:
            state.stranded.pop(record, None)
        if new == DONE:
            forget_deaths(state, record, trouble)
            trouble.streak = 0
    stood_in = record.batch_id is not None and not record.batchable
    if record.batch_id is not None and old == RUNNING and new != RUNNING:
        end_batch(state, record, new, now)
    if trouble is not None and trouble.cancelled and old in LIVE and new not in LIVE:
        trouble.cancelled = False
        if new != DONE:
            new = DISABLED
            trouble.disabled_at = None
    elif new == FAILED:
        if old != DISABLED:
            trouble = record.get_trouble()
            forget_deaths(state, record, trouble)
            if _one_more_failure(record, trouble, now):
                disable(state, trouble, record, now)
                new = DISABLED
    elif new == DISABLED and trouble is not None:
        trouble.disabled_at = None
    if new != old:
        move(state, record, new, now)
    elif trouble is not None:
        state.touch(record)
    if new == FAILED:
        plan_retry(state, record, run_id, now)
    if stood_in and (new == FAILED or (old == RUNNING and new not in (RUNNING, DONE))):
        retire(state, record, now)


def retire(state: State, record: TaskRecord, now: Instant) -> None:
    """The combined task of a batch that did not end well goes: its members are tried again, and not it."""
    if record.status == PENDING:  # nor until the next look at time
        record.runnable = False
        state.set_crew(record, state.crews.nobody)
    state.schedule_removal(record, now.monotonic)


def plan_retry(state: State, record: TaskRecord, run_id: str | None, now: Instant) -> None:
    """Say when what has failed just now is tried again. `run_id` is that of the run that failed."""
    trouble, policy = record.get_trouble(), record.policy
    chance = chance_of(record.task_id, run_id, trouble.streak) if policy.retry_jitter else 0.0
    delay = policy.delay(trouble.streak, chance)
    trouble.retry_at = now.monotonic + delay
    if delay >= 0:
        state.timers.arm(trouble.retry_at, Kind.RETRY, record)


def end_batch(state: State, record: TaskRecord, new: str, now: Instant) -> None:
    """The combined task ends: so do all members."""
    assert record.batch_id is not None
    for member in state.batches.of_batch(record.batch_id):
        set_status(state, member, new, now)
        member.batch_id = None
        state.touch(member)
        settle(state, member)
    state.batches.stand_down(record.batch_id)
    record.batch_id = None
    state.touch(record)


def join_batch(state: State, record: TaskRecord, worker_id: str, batch_id: str, now: Instant) -> None:
    """A pending task becomes a member of the batch that this worker runs. The caller settles it."""
    record.batch_id = record.run_id = batch_id
    record.worker_running = worker_id
    record.resources_running = record.demand.needs
    record.time_running = now.wall
    move(state, record, BATCH_RUNNING, now)


def disable(state: State, trouble: Trouble, record: TaskRecord, now: Instant) -> None:
    """Note that the scheduler disables it; lifted after a while, or by hand. The caller moves it."""
    trouble.disabled_at = now.monotonic
    state.timers.arm(now.monotonic + state.settings.disable_persist, Kind.ENABLE, record)


def _one_more_failure(record: TaskRecord, trouble: Trouble, now: Instant) -> bool:
    """Count a failure; whether it is one too many."""
    at = now.monotonic
    policy = record.policy
    trouble.streak += 1
    if trouble.first_failure is None:
        trouble.first_failure = at
    trouble.failures = [*trouble.failures, at]
    if at >= trouble.first_failure + policy.disable_hard_timeout:
        return True  # and none is forgotten: another policy may have a wider window (as in Luigi)
    since = at - policy.disable_window
    trouble.failures = [known for known in trouble.failures if known >= since]
    return len(trouble.failures) >= policy.retry_count


def change(state: State, record: TaskRecord, new: str, now: Instant) -> None:
    """Move the record as far as the rules allow, and account for it."""
    set_status(state, record, new, now)
    settle(state, record)


def re_enable(state: State, record: TaskRecord, now: Instant) -> None:
    """A disabled task gets a new chance: FAILED, with a clean count, tried again after the retry delay."""
    trouble = record.get_trouble()
    trouble.pardon()
    forget_deaths(state, record, trouble)
    change(state, record, FAILED, now)


def lose(state: State, record: TaskRecord, now: Instant, *, silent: bool) -> None:
    """The worker died with this run: FAILED, uncharged and due again at once; DISABLED after too many; or
    DONE, where somebody has found it complete.

    Args:
        silent: the worker was not heard of, and may come back; then it does not count (deaths.py).
    """
    worker_id = record.worker_running
    assert worker_id is not None
    trouble = record.get_trouble()
    if not record.n_missing:  # else it was handed out in advance, and had not begun
        trouble.deaths += 1
        incarnation = state.workers[worker_id].incarnation
        if silent and incarnation is not None:
            suspect(state, record, trouble, worker_id, incarnation)
    stood_in = record.batch_id is not None and not record.batchable
    if trouble.cancelled:
        trouble.cancelled = False
        trouble.disabled_at = None
        move(state, record, DISABLED, now)
    elif trouble.complete:
        forget_deaths(state, record, trouble)
        trouble.streak = 0
        move(state, record, DONE, now)
        trouble.complete = False
    elif trouble.deaths >= state.settings.max_worker_deaths:
        record.expl = (
            f"disabled: {trouble.deaths} workers in a row died while they ran it, the last was {worker_id}"
        )
        disable(state, trouble, record, now)
        move(state, record, DISABLED, now)
    else:
        trouble.lost = True
        state.lost[record] = None
        move(state, record, FAILED, now)
    record.batch_id = None
    record.worker_running = None
    if stood_in:
        retire(state, record, now)
    settle(state, record)
