"""get_work: the next tasks for this worker.

What was lost on the way to it comes first; then what is ready, in the order of picking.py; and when nothing
is left that could be taken now, what waits for one of its own runs alone, in advance (following.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter
from typing import Any

from actorsched.core.counting import count
from actorsched.core.declining import declined_by
from actorsched.core.facets import settle
from actorsched.core.following import followers
from actorsched.core.instant import Instant
from actorsched.core.leases import hear
from actorsched.core.picking import Picking
from actorsched.core.pruning import prune
from actorsched.core.ready import Entry
from actorsched.core.record import TaskRecord
from actorsched.core.registering import add_info
from actorsched.core.results import Grant, Work
from actorsched.core.state import State
from actorsched.core.statuses import BATCH_RUNNING, PENDING, RUNNING
from actorsched.core.transitions import change, join_batch, move
from actorsched.core.waking import note_hungry
from actorsched.core.worker import WorkerRecord
from actorsched.errors import InvalidParamsError


def get_work(
    state: State,
    now: Instant,
    /,
    host: str | None = None,
    assistant: bool = False,
    current_tasks: Collection[str] | None = None,
    worker: str | None = None,
    max_tasks: int | None = None,
    incarnation: Any = None,
    ahead: Mapping[str, int] | None = None,
    **ignored: Any,
) -> Work:
    """Hand out the next task for this worker, if there is one.

    Args:
        now: the time.
        host: where the worker lives, to show.
        assistant: it also takes what others registered.
        current_tasks: what it believes to run, a batch by its id until the combined task has one;
            anything else that it should be running was lost on the way and is handed out again.
        worker: its id.
        max_tasks: answer with up to so many, as `tasks`; what was lost on the way comes first.
        incarnation: which life of the worker asks.
        ahead: run ids of the worker, with the number of tasks that it takes in advance for each: tasks that
            wait for nothing but that run, or for one handed out after it. The empty id stands for each run
            of this very answer. Only for what is left of `max_tasks`; such a task says `after` which run.

    Raises:
        InvalidParamsError: no worker.
    """
    if worker is None:
        raise InvalidParamsError("get_work: worker=None: a worker id is needed")
    if state.settings.prune_on_get_work:
        prune(state, now)
    asking, refused = hear(state, worker, incarnation, now)
    if refused is not None:
        return {**_nothing(state, asking), **refused}
    if host != asking.host or asking.last_get_work is None:
        asking.host = host
        state.touch_worker(asking)
    asking.last_get_work = now.monotonic
    if asking.disabled:
        return _nothing(state, asking)
    if assistant and not asking.assistant:
        add_info(state, asking, {"assistant": assistant})

    lost: list[TaskRecord] = []
    if current_tasks is not None and asking.runs:
        lost = _reconcile(state, asking, current_tasks, now, advanced=ahead is not None)
    reply: Work = {**count(state, asking), "task_id": None}  # type: ignore[typeddict-item]  # PendingCount ⊂ Work
    reply["epoch"] = state.epoch
    reply["lease_s"] = state.settings.worker_disconnect_delay

    grants: list[Grant] = []
    wanted = max_tasks or 1
    for record in lost:
        if len(grants) < wanted:
            again = _grant_again(state, record, now)
            if again is not None:
                grants.append(again)
    if len(grants) < wanted and not state.paused:
        queues = max_tasks is not None
        grants += _pick(state, asking, assistant, now, wanted - len(grants), queues=queues)
    if ahead and len(grants) < wanted and not state.paused:
        fresh = {grant["run_id"] for grant in grants}
        for record, after in followers(asking, assistant, ahead, fresh, declined_by(state, asking, now)):
            grants.append({**_grant(state, asking, record, now), "after": after})
            if len(grants) == wanted:
                break
    missing = wanted - len(grants)
    if missing > 0:
        note_hungry(state, worker, missing, reply["n_can_run"])
    else:
        state.hungry.pop(worker, None)
    if grants:
        reply.update(grants[0])  # type: ignore[typeddict-item]  # Grant ⊂ Work
    if max_tasks is not None:
        reply["tasks"] = grants
    return reply


def _nothing(state: State, asking: WorkerRecord) -> Work:
    return {
        "n_pending_tasks": 0,
        "running_tasks": [],
        "task_id": None,
        "n_unique_pending": 0,
        "worker_state": asking.state,
        "n_can_run": 0,
        "epoch": state.epoch,
        "known": asking.known,
        "lease_s": state.settings.worker_disconnect_delay,
    }


def _reconcile(
    state: State, asking: WorkerRecord, current_tasks: Collection[str], now: Instant, *, advanced: bool
) -> list[TaskRecord]:
    """Compare what it runs with what it believes to run.

    Batch members whose combined task it never registered go back to PENDING, unless it names their batch; so
    do those whose combined task was lost: it may have been claimed without one that somebody else has by now.
    So does what is lost of a worker that takes tasks in advance, if it waits for something. What is lost and
    cancelled is over.

    Returns:
        those that were lost on the way, in order.
    """
    believed = frozenset(current_tasks)
    lost: list[TaskRecord] = []
    claimed = set()
    members = []
    combined: list[TaskRecord] = []
    for record in asking.runs:
        if record.status == BATCH_RUNNING:
            members.append(record)
            continue
        claimed.add(record.batch_id)
        if record.task_id not in believed:
            # what ran in a batch once may still name it; a combined task has its run, or its members
            batch = record.batch_id is not None and (
                record.batch_id == record.run_id or record.batch_id in state.batches.members
            )
            (combined if batch else lost).append(record)
    for record in combined:
        change(state, record, PENDING, now)
    for record in members:
        live = record.status == BATCH_RUNNING
        if live and record.batch_id not in claimed and record.batch_id not in believed:
            change(state, record, PENDING, now)
    for record in lost:
        cancelled = record.trouble is not None and record.trouble.cancelled
        # in advance: the run that it was to follow may be another one by now
        if cancelled or (advanced and record.n_missing):
            change(state, record, PENDING, now)
    return sorted((record for record in lost if record.status == RUNNING), key=attrgetter("place"))


def _pick(
    state: State, asking: WorkerRecord, assistant: bool, now: Instant, wanted: int, *, queues: bool
) -> list[Grant]:
    """Hand out so many of the ready tasks, or batches of them, as far as there are any.

    Args:
        queues: the worker lets runs wait for each other. What has killed a worker before, or has died with
            one that did, is only given to a free process then: else all that wait with it would seem to kill
            workers, too, and be disabled in the end.
    """
    grants: list[Grant] = []
    picking = Picking(state, asking, now, assistant=assistant)
    try:
        while len(grants) < wanted and (record := picking.next()) is not None:
            if queues and record.is_suspect and len(asking.runs) >= asking.processes:
                break
            if record.demand.origin is not None:  # it tries again, and is to be woken for more
                record.demand.origin.declined.pop(asking.worker_id, None)
            batch = _batch(state, asking, record)
            if batch is None:
                grants.append(_grant(state, asking, record, now))
            else:
                picking.end()
                grants.append(_grant_batch(state, asking, *batch, now))
    finally:
        picking.end()
    return grants


def _batch(
    state: State, asking: WorkerRecord, first: TaskRecord
) -> tuple[tuple[str, ...], list[TaskRecord]] | None:
    """The parameters that are combined and the tasks of a batch that begins with this one, if it is to be."""
    if not first.batchable:
        return None
    batcher = state.batches.batcher(asking.worker_id, first.family)
    if batcher is None or not all(name in first.params for name in batcher.args):
        return None
    place = first.place
    crews = state.crews.of(asking.worker_id)
    own_only = not asking.assistant and not any(crew.demanding for crew in crews)

    def suits(entry: Entry) -> bool:
        return entry[:2] > place and (not own_only or entry[2].crew in crews)

    others = state.batches.select(first, batcher, suits)
    return (batcher.args, [first, *others]) if others else None


def _grant_again(state: State, record: TaskRecord, now: Instant) -> Grant | None:
    """A new run of what runs already, as far as we knew.

    None when the lost run had given back resources that others use now: it is tried again next time.
    """
    state.resources.release(record.runs_with())
    if not state.resources.fits(record.demand, state.resources.used):
        state.resources.charge(record.runs_with())
        return None
    record.resources_running = record.demand.needs
    state.resources.charge(record.resources_running)
    record.time_running = now.wall
    record.run_id = state.ticket()
    state.touch(record)
    return _granted(record)


def _grant(state: State, asking: WorkerRecord, record: TaskRecord, now: Instant) -> Grant:
    record.worker_running = asking.worker_id
    record.resources_running = record.demand.needs
    record.time_running = now.wall
    record.run_id = state.ticket()
    move(state, record, RUNNING, now)
    settle(state, record)
    return _granted(record)


def _granted(record: TaskRecord) -> Grant:
    assert record.run_id is not None
    return {
        "task_id": record.task_id,
        "task_family": record.family,
        "task_module": record.module,
        "task_params": record.params,
        "run_id": record.run_id,
    }


def _grant_batch(
    state: State, asking: WorkerRecord, args: tuple[str, ...], members: list[TaskRecord], now: Instant
) -> Grant:
    """One run for several tasks; its id is that of the batch."""
    run_id = state.ticket()
    for record in members:
        join_batch(state, record, asking.worker_id, run_id, now)
        settle(state, record)
    first = members[0]
    combined = {name: [record.params.get(name) for record in members] for name in args}
    return {
        "task_id": None,
        "task_family": first.family,
        "task_module": first.module,
        "task_params": {**first.params, **combined},
        "run_id": run_id,
        "batch_id": run_id,
        "batch_task_ids": [record.task_id for record in members],
    }
