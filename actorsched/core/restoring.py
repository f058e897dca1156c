"""From rows to a state, and back.

What follows from the rows is made anew: edges backwards, counters, facets, queues, what the runs take
from the resources, timers. Tasks start as if they were absent to each other and are settled one by one,
so the facets spread as they did in life. On a dependency cycle the facets may have several solutions;
the one found here is that nothing on it can run, which is true.

Every lease begins anew, with its full term. All other deadlines are where they were (rows.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING, Any

from actorsched.core import rows
from actorsched.core.edges import link
from actorsched.core.facets import ABSENT, settle
from actorsched.core.instant import Instant
from actorsched.core.journal import (
    batchers_row,
    control_items,
    has_no_progress,
    progress_row,
    task_row,
    worker_row,
)
from actorsched.core.policy import RetryPolicy
from actorsched.core.record import Notes, TaskRecord, Trouble
from actorsched.core.rows import ProgressRow, Rows, TaskRow
from actorsched.core.statuses import BATCH_RUNNING, DISABLED, FAILED, LIVE, PENDING, RUNNING
from actorsched.core.timers import Kind
from actorsched.core.worker import WorkerRecord
from actorsched.core.workersets import WorkerSet, WorkerSets

if TYPE_CHECKING:
    from actorsched.core.state import State


def load(state: State, stored: Rows, now: Instant) -> None:
    """Fill a new state from rows.

    Args:
        state: just made; capacities that it was made with count as said by whoever starts it.
        stored: all rows.
        now: the time, on the scale of the rows.

    Raises:
        KeyError, ValueError: rows that contradict each other.
    """
    items: dict[str, dict[str, Any]] = {kind: {} for kind in rows.ITEM_KINDS}
    for kind, key, row in stored.items:
        items[kind][key] = row
    _load_control(state, items)
    ids = _load_workers(state, items[rows.WORKER], now)
    crews, stakes = _load_sets(state, items[rows.WORKER_SET], ids)
    loader = _TaskLoader(state, crews, stakes)
    for seq, task, progress in stored.tasks:
        loader.add(seq, task, progress)
    loader.run()
    for record in state.tasks.values():
        if record.deps:
            link(state, record)
    for record in state.tasks.values():
        settle(state, record)
    state.crews.sweep()
    state.stakes.sweep()
    if state.journal is not None:
        state.journal.forget_sets(crews)
    _load_batchers(state, items[rows.BATCHERS])


def _load_control(state: State, items: dict[str, dict[str, Any]]) -> None:
    for row in items[rows.PAUSED].values():
        state.paused = row.paused
    for row in items[rows.RESOURCES].values():
        said = state.configured
        state.configured = {**row.configured, **said}
        # what somebody changed since the start before stays, unless that start said something else
        changed = {name: amount for name, amount in said.items() if row.configured.get(name) != amount}
        state.resources.capacities = {**row.capacities, **changed}
    state.touch_control()
    for key, row in sorted(items[rows.ANNOUNCED].items(), key=lambda item: int(item[0])):
        state.n_announced = int(key)
        state.scheduling_failures.append(row.announced)


def _load_workers(state: State, stored: dict[str, rows.WorkerRow], now: Instant) -> dict[int, str]:
    """Make the workers; their ids by serial number."""
    ids: dict[int, str] = {}
    for worker_id, row in sorted(stored.items(), key=lambda item: item[1].serial):
        worker = WorkerRecord(worker_id, now, row.serial)
        worker.started = Instant(*row.started)
        worker.last_get_work = now.monotonic if row.asks else None
        worker.host = row.host
        worker.info = row.info
        worker.disabled = row.disabled
        worker.known = row.known
        worker.incarnation = row.incarnation
        worker.former_incarnations = row.former_incarnations
        worker.rpc_messages = row.rpc_messages
        state.workers[worker_id] = worker
        state.set_assistant(worker, bool(row.info.get("assistant", False)))
        state.timers.arm(now.monotonic + state.settings.worker_disconnect_delay, Kind.SILENCE, worker)
        ids[row.serial] = worker_id
        state.skip_serials(row.serial)
    return ids


def _load_sets(
    state: State, stored: dict[str, rows.WorkerSetRow], ids: dict[int, str]
) -> tuple[dict[int, WorkerSet], dict[int, WorkerSet]]:
    """Make the worker sets from those that are still there; for crews, also not disabled."""
    able = {serial: worker_id for serial, worker_id in ids.items() if not state.workers[worker_id].disabled}
    crews = {0: state.crews.nobody}
    stakes = {0: state.stakes.nobody}
    for key, row in stored.items():
        crews[int(key)] = _set_of(state.crews, row.serials, able)
        stakes[int(key)] = _set_of(state.stakes, row.serials, ids)
        state.skip_serials(max(row.serials, default=0))
    return crews, stakes


def _set_of(registry: WorkerSets, serials: Iterable[int], ids: dict[int, str]) -> WorkerSet:
    return registry.intern(tuple([ids[serial] for serial in serials if serial in ids]))


def _load_batchers(state: State, stored: dict[str, rows.BatchersRow]) -> None:
    ready = [entry[2] for group in state.ready.classes for entry in group.entries()]
    for worker_id, row in stored.items():
        for family, (args, max_size) in row.families.items():
            size = inf if max_size is None else max_size
            state.batches.set_batcher(worker_id, family, tuple(args), size, ready)


class _TaskLoader:
    def __init__(self, state: State, crews: dict[int, WorkerSet], stakes: dict[int, WorkerSet]) -> None:
        self._state = state
        self._crews = crews
        self._stakes = stakes
        self._live: list[TaskRecord] = []
        #: equal texts of many tasks are one object, as in life
        self._texts: dict[str | None, str | None] = {}

    def add(self, seq: int, row: TaskRow, progress: ProgressRow | None) -> None:
        """Make a record in all indexes that need no other record."""
        state = self._state
        status = PENDING if progress is None else progress.status
        crew, stake = self._crews[row.crew], self._stakes[row.stake]
        record = TaskRecord(
            row.task_id,
            seq,
            status,
            row.priority,
            row.start_time,
            crew,
            stake,
            state.resources.demand(row.resources),
            self._policy(row),
            ABSENT,
        )
        share = self._texts.setdefault
        record.family = share(row.family, row.family) or ""
        record.module = share(row.module, row.module)
        record.params = row.params
        record.visibilities = row.visibilities
        record.deps = tuple(row.deps)  # packed by link()
        record.runnable = row.runnable
        record.batchable = row.batchable
        record.accepts_messages = row.accepts_messages
        state.crews.join(record, crew)
        state.stakes.join(record, stake)
        if row.cyclic:
            state.cyclic[record] = None
        if progress is not None:
            self._add_progress(record, progress)
        state.enter(record)
        if not stake.ids and record.remove_at is None:
            state.unwanted.append(record)
        if state.journal is not None:
            if row.crew:
                state.journal.know_set(row.crew, crew)
            if row.stake:
                state.journal.know_set(row.stake, stake)

    def _policy(self, row: TaskRow) -> RetryPolicy:
        known = self._state.policy
        if row.policy is None and row.retry is None:
            return known
        return self._state.intern_policy(RetryPolicy(*(row.policy or known[:3]), *(row.retry or known[3:])))

    def _add_progress(self, record: TaskRecord, row: ProgressRow) -> None:
        share = self._texts.setdefault
        record.updated = row.updated
        record.run_id = row.run_id
        record.worker_running = share(row.worker_running, row.worker_running)
        record.time_running = row.time_running
        record.resources_running = row.resources_running
        record.batch_id = row.batch_id
        record.done_at = row.done_at
        record.remove_at = row.remove_at
        record.expl = row.expl
        if row.remove_at is not None:
            self._state.timers.arm(row.remove_at, Kind.REMOVE, record)
        if row.trouble is not None:
            self._add_trouble(record, row.trouble)
        if row.notes is not None:
            notes = record.notes = Notes()
            notes.tracking_url = row.notes.tracking_url
            notes.status_message = row.notes.status_message
            notes.progress_percentage = row.notes.progress_percentage
            notes.statistics = row.notes.statistics
            notes.responses = row.notes.responses
        if record.status in LIVE:
            self._live.append(record)

    def _add_trouble(self, record: TaskRecord, row: rows.TroubleRow) -> None:
        state = self._state
        trouble = record.trouble = Trouble()
        trouble.failures = row.failures
        trouble.first_failure = row.first_failure
        trouble.retry_at = row.retry_at
        trouble.disabled_at = row.disabled_at
        trouble.deaths = row.deaths
        trouble.lost = row.lost
        trouble.cancelled = row.cancelled
        trouble.streak = row.streak
        trouble.silent = row.silent
        trouble.complete = row.complete
        for worker_id, _ in trouble.silent:
            state.silent.setdefault(worker_id, {})[record] = None
        if trouble.lost:
            state.lost[record] = None
        elif record.status == FAILED and row.retry_at is not None and record.policy.retry_delay >= 0:
            state.timers.arm(row.retry_at, Kind.RETRY, record)
        elif record.status == DISABLED and row.disabled_at is not None:
            state.timers.arm(row.disabled_at + state.settings.disable_persist, Kind.ENABLE, record)

    def run(self) -> None:
        """Give what is live its worker, its batch and its resources, in the order of the grants."""
        state = self._state
        for record in sorted(self._live, key=_order_of_grant):
            assert record.worker_running is not None
            state.workers[record.worker_running].runs[record] = None
            index = state.by_status[record.status]
            index[record.task_id] = index.pop(record.task_id)
            if record.status == RUNNING:
                state.resources.charge(record.runs_with())
                if record.batch_id is not None:
                    state.batches.stand_in(record.batch_id)
            else:
                assert record.status == BATCH_RUNNING
                state.batches.enter(record)


def _order_of_grant(record: TaskRecord) -> tuple[float, float, int]:
    return record.time_running or 0.0, -record.priority, record.seq


def export(state: State) -> Rows:
    """All rows of a state."""
    numbers: dict[WorkerSet, int] = {state.crews.nobody: 0, state.stakes.nobody: 0}
    tasks = []
    for seq, record in sorted((record.seq, record) for record in state.tasks.values()):
        crew, stake = (numbers.setdefault(group, len(numbers)) for group in (record.crew, record.stake))
        progress = None if has_no_progress(record) else progress_row(record)
        tasks.append((seq, task_row(state, record, crew, stake), progress))
    items: list[tuple[str, str, rows.ItemRow]] = [
        (rows.WORKER, worker_id, worker_row(worker)) for worker_id, worker in state.workers.items()
    ]
    for group, number in numbers.items():
        serials = [state.workers[worker_id].serial for worker_id in group.ids]
        if number:
            items.append((rows.WORKER_SET, str(number), rows.WorkerSetRow(serials)))
    for worker_id in state.batches.batchers:
        batchers = batchers_row(state, worker_id)
        if batchers is not None:
            items.append((rows.BATCHERS, worker_id, batchers))
    items += [(kind, key, row) for kind, key, row in control_items(state) if row is not None]
    first = state.n_announced - len(state.scheduling_failures) + 1
    for number, failure in enumerate(state.scheduling_failures, first):
        items.append((rows.ANNOUNCED, str(number), rows.AnnouncedRow(failure)))
    return Rows(tasks, items)
