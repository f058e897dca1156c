"""add_task, add_worker and add_task_batcher: what workers tell about tasks and about themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actorsched.core.declining import fail_if_nobody_is_left, note_declined
from actorsched.core.edges import add_deps, set_deps
from actorsched.core.facets import F_READY, requeue, settle
from actorsched.core.instant import Instant
from actorsched.core.journal import UNTOLD
from actorsched.core.leases import hear
from actorsched.core.record import TaskRecord
from actorsched.core.results import Refused
from actorsched.core.state import State
from actorsched.core.statuses import (
    BATCH_RUNNING,
    DISABLED,
    DONE,
    FAILED,
    LIVE,
    PENDING,
    REGISTRABLE,
    RUNNING,
    SUSPENDED,
    UNKNOWN,
)
from actorsched.core.transitions import join_batch, plan_retry, set_status
from actorsched.core.worker import WorkerRecord
from actorsched.errors import InvalidParamsError


def add_task(
    state: State,
    now: Instant,
    /,
    task_id: str | None = None,
    status: str = PENDING,
    runnable: bool | None = True,
    deps: Sequence[str] | None = None,
    new_deps: Sequence[str] | None = None,
    expl: Any = None,
    resources: Mapping[str, float] | None = None,
    priority: float = 0,
    family: str = "",
    module: str | None = None,
    params: dict[str, Any] | None = None,
    param_visibilities: dict[str, int] | None = None,
    accepts_messages: bool | None = False,
    assistant: bool = False,
    tracking_url: str | None = None,
    worker: str | None = None,
    batchable: bool | None = None,
    batch_id: str | None = None,
    retry_policy_dict: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
    run_id: str | None = None,
    incarnation: Any = None,
    took_s: float | None = None,
    held_s: float | None = None,
    declined: str | None = None,
    **ignored: Any,
) -> Refused | None:
    """Register a task, or report what became of it.

    A registration replaces resources and retry policy, also by none; a report of a run (`run_id`), and the
    word of who names its incarnation that a task is DONE, keep what they do not say.

    A live run ends by the word of the worker that has it. A stock client knows no ids of runs, so whatever it
    reports is taken for the end of its run; who names its incarnation knows them, so what it says
    without one is not about the run (it may have learnt of the task before the run was given to it).
    `took_s` and `held_s` are for the history, and decide nothing (journal.py).
    `declined` says of a run that is given back why its worker cannot load the task (declining.py).

    Returns:
        None, or a refusal when `run_id` is not the live run of the task, or `incarnation` another
        life of the worker (leases.py); then nothing has changed. RUNNING with an unknown `run_id` is
        taken for a task that nobody runs and that is not done: the run is known again. A batch that goes on
        is claimed by BATCH_RUNNING for each member, with its id as `run_id` and `batch_id`, and then by
        RUNNING for its combined task, if there is one.

    Raises:
        InvalidParamsError: no task id or worker, a status that cannot be registered, or a retry policy
            that makes no sense; nothing has changed.
    """
    if task_id is None or worker is None:
        raise InvalidParamsError(f"add_task: task_id={task_id!r}, worker={worker!r}: both are needed")
    if status not in REGISTRABLE:
        raise InvalidParamsError(f"add_task: status={status!r}: one of {', '.join(sorted(REGISTRABLE))}")
    status = REGISTRABLE[status]
    joining = status == BATCH_RUNNING
    if joining and (batch_id is None or batch_id != run_id):
        raise InvalidParamsError(
            f"add_task: status={status!r}, run_id={run_id!r}, batch_id={batch_id!r}: only `get_work` makes"
            " a batch; who has one names its id as both"
        )
    # a report of a run may come from who knows the task by name only, as when its process has died
    keeps = run_id is not None or (status == DONE and incarnation is not None)
    policy = state.policy_from(retry_policy_dict) if retry_policy_dict or not keeps else None
    sender, refused = hear(state, worker, incarnation, now)
    if refused is not None:
        return {**refused, "task_id": task_id}
    if incarnation is None and not sender.known:
        sender.known = True  # who tells its incarnation introduces itself, so that being forgotten shows
        state.touch_worker(sender)
    enabled = not sender.disabled
    record = state.tasks.get(task_id)
    if run_id is not None and (record is None or record.run_id != run_id):
        members = state.batches.members.get(batch_id) if batch_id is not None else None
        if (joining or members is None or run_id != batch_id) and not _can_be_claimed(record, status):
            return {"refused": "stale_run", "task_id": task_id, "run_id": run_id}
    if run_id is not None and status == DONE and record is not None and stands_for_nothing(state, record):
        return {"refused": "stale_run", "task_id": task_id, "run_id": run_id}
    if record is None:
        if not enabled:
            return None
        record = state.create(task_id, PENDING, priority, now)
        record.runnable = False
    elif not enabled and record.status != RUNNING:
        return None
    elif (
        status == PENDING
        and record.done_at is not None
        and now.monotonic - record.done_at < state.settings.stable_done_cooldown_secs
    ):
        return None  # a late message

    _fill_in(state, record, family, module, params, param_visibilities, batchable)
    if accepts_messages is not None and accepts_messages != record.accepts_messages:
        record.accepts_messages = accepts_messages
        state.touch_definition(record)
    if batch_id is not None and record.status != BATCH_RUNNING and not joining:
        _stand_for(state, record, batch_id)
    batch = []
    if new_deps and record.status == RUNNING and record.batch_id is not None:
        batch = state.batches.of_batch(record.batch_id)
    starting = status == RUNNING and record.status not in LIVE
    if starting:
        _start(state, record, worker, batch_id, run_id, now)
    origin = None
    if declined and run_id is not None and record.run_id == run_id and record.worker_running == worker:
        origin = note_declined(state, record, worker, declined, now)
    if (
        tracking_url is not None
        or record.notes is not None
        or record.batch_id is not None
        or expl is not None
    ):
        _note(state, record, expl, tracking_url)
    if record.remove_at is not None:
        record.remove_at = None  # whoever registers it wants it
        state.touch(record)
    if (
        record.status not in LIVE
        or (
            record.worker_running == worker
            and status in (DONE, FAILED, RUNNING)
            and (run_id is not None or incarnation is None)
        )
        or (run_id is not None and status in (PENDING, SUSPENDED))
        or new_deps
    ):
        # a live run ends by the word of the worker that runs it, and by nobody else's; PENDING with
        # the id of the run gives it back
        if state.journal is not None:
            state.journal.told_times = (took_s, held_s)
        set_status(state, record, PENDING if joining or status == SUSPENDED else status, now)
        if state.journal is not None:
            state.journal.told_times = UNTOLD
        if starting and record.status != RUNNING:
            record.run_id = None  # what the scheduler disabled does not start
    elif status == DONE and incarnation is not None and run_id is None and record.status == RUNNING:
        record.get_trouble().complete = True  # it ends no run; but when that is lost, nothing is left to do
        state.touch(record)

    if deps is not None:
        set_deps(state, record, deps)
    if new_deps:
        add_deps(state, record, new_deps)
    if resources is not None or not keeps:
        demand = state.resources.demand(resources)
        if demand is not record.demand:
            state.set_demand(record, demand)
    if enabled and not assistant:
        if worker not in record.stake.idset:
            state.set_stake(record, state.stakes.with_(record.stake, worker))
        if record.deps:
            _stake_deps(state, record, worker, priority, now)
    if priority > record.priority or record.deps:
        state.raise_priority(record, priority)
    if new_deps and batch and record.batch_id is None:
        _need_more(state, batch, new_deps)
    if policy is not None and policy is not record.policy:
        record.policy = policy
        state.touch_definition(record)
        if status == FAILED and record.status == FAILED:
            plan_retry(state, record, run_id, now)  # the failure was judged by the former policy, as in Luigi
    if runnable and enabled and status != FAILED and record.remove_at is None:  # else it is just retired
        if worker not in record.crew.idset:
            state.set_crew(record, state.crews.with_(record.crew, worker))
        record.runnable = True
    if joining and batch_id is not None and record.status == PENDING:
        join_batch(state, record, worker, batch_id, now)
    if not record.stake.ids:
        state.unwanted.append(record)
    settle(state, record)
    if origin is not None and declined:
        fail_if_nobody_is_left(state, origin, declined, now)
    return None


def _can_be_claimed(record: TaskRecord | None, status: str) -> bool:
    """Whether a run that is not known here may go on: a worker has it, and nobody else has the task.

    So it is after the scheduler lost its memory, or the worker its lease. Handing the task out while
    that run goes on would run it twice at once.
    """
    return status in LIVE and (
        record is None or (record.status not in LIVE and record.status not in (DONE, DISABLED))
    )


def _fill_in(
    state: State,
    record: TaskRecord,
    family: str,
    module: str | None,
    params: dict[str, Any] | None,
    param_visibilities: dict[str, int] | None,
    batchable: bool | None,
) -> None:
    """Take what a placeholder lacks; what is known stays."""
    changed = False
    if family and not record.family:
        record.family = state.word(family)
        changed = True
    if not record.module and module != record.module:
        record.module = state.word(module) if module else module
        state.touch_definition(record)
    if param_visibilities and not record.visibilities:
        record.visibilities = param_visibilities
        state.touch_definition(record)
    if params and not record.params:
        record.params = params
        changed = True
    if batchable is not None and batchable != record.batchable:
        record.batchable = batchable
        changed = True
    if changed:
        state.touch_definition(record)
    if changed and record.facets & F_READY and state.batches.families:
        state.ready.discard(record)  # its place among the batchable ones is another
        requeue(state, record)


def stands_for_nothing(state: State, record: TaskRecord) -> bool:
    """Whether it is the combined task of a batch of which no member is known as such (any more).

    Its good end would be that of nobody, and what it has made would be forgotten. Who is refused tells the
    members one by one.
    """
    batch_id = record.batch_id
    return (
        record.status == RUNNING
        and batch_id is not None
        and batch_id == record.run_id
        and batch_id not in state.batches.members
    )


def _stand_for(state: State, record: TaskRecord, batch_id: str) -> None:
    """Note that it is the combined task of a batch."""
    runs, former = record.status == RUNNING, record.batch_id
    record.batch_id = batch_id
    state.touch(record)
    if runs:  # it takes what it needs already
        state.batches.stand_in(batch_id)
        if former is not None:
            state.batches.stand_down(former)


def _need_more(state: State, members: Sequence[TaskRecord], new_deps: Sequence[str]) -> None:
    """What the combined task of a batch has asked for, its members wait for: they are handed out again."""
    own = {member.task_id for member in members}
    more = [dep for dep in new_deps if dep not in own]
    for member in members:
        add_deps(state, member, more)
        state.raise_priority(member, member.priority)
        settle(state, member)


def _start(
    state: State, record: TaskRecord, worker: str, batch_id: str | None, run_id: str | None, now: Instant
) -> None:
    """A worker says that it runs the task: usual for the combined task of a batch."""
    state.touch(record)
    record.worker_running = worker
    record.time_running = now.wall
    record.resources_running = None
    record.run_id = run_id
    members = state.batches.of_batch(batch_id) if batch_id is not None else ()
    if members:
        record.run_id = members[0].run_id
        record.resources_running = dict(members[0].runs_with())


def _note(state: State, record: TaskRecord, expl: Any, tracking_url: str | None) -> None:
    """Take explanation and tracking URL, also for the members of its batch."""
    members = state.batches.of_batch(record.batch_id) if record.batch_id is not None else ()
    if tracking_url is not None or record.status != RUNNING:
        for known in (record, *members):
            if tracking_url is not None or known.notes is not None:
                known.get_notes().tracking_url = tracking_url
                state.touch(known)
    if expl is not None:
        for known in (record, *members):
            known.expl = expl
            state.touch(known)


def _stake_deps(state: State, record: TaskRecord, worker: str, priority: float, now: Instant) -> None:
    """The worker has a stake in what its task needs; placeholders hold the place of what is not there."""
    tasks, stakes = state.tasks, state.stakes
    for dep in record.deps:
        upstream = tasks.get(dep)
        if upstream is None:
            upstream = state.create(dep, UNKNOWN, priority, now)
            settle(state, upstream)
        stake = upstream.stake
        if worker not in stake.idset:
            if upstream.remove_at is not None and not stake.ids:
                upstream.remove_at = None  # nobody wanted it any more; now somebody needs it
                state.touch(upstream)
            state.set_stake(upstream, stakes.with_(stake, worker))


def add_worker(
    state: State,
    now: Instant,
    /,
    worker: str,
    info: Mapping[str, Any] | Iterable[tuple[str, Any]],
    incarnation: Any = None,
    replaces: Any = None,
    **ignored: Any,
) -> Refused | None:
    """Register a worker and what it tells about itself (a mapping or pairs); known things stay.

    Args:
        replaces: the life of this worker in whose place it comes, as a refusal has named it (leases.py).
    """
    if incarnation is None:
        record = state.worker(worker, now)  # no sign of life in Luigi
    else:
        record, refused = hear(state, worker, incarnation, now, replaces)
        if refused is not None:
            return refused
    record.known = True
    state.touch_worker(record)
    add_info(state, record, dict(info))
    return None


def add_info(state: State, worker: WorkerRecord, info: Mapping[str, Any]) -> None:
    worker.info.update(info)
    state.touch_worker(worker)
    state.set_assistant(worker, bool(worker.info.get("assistant", False)))


def add_task_batcher(
    state: State,
    now: Instant,
    worker: str,
    task_family: str,
    batched_args: Sequence[str],
    max_batch_size: float | None = float("inf"),
) -> None:
    """Say which parameters of a family this worker can combine, and how many tasks at most."""
    size = float("inf") if max_batch_size is None else max_batch_size
    ready = (entry[2] for group in state.ready.classes for entry in group.entries())
    state.batches.set_batcher(worker, task_family, tuple(batched_args), size, ready)
    state.touch_batchers(worker)
