"""What has changed in a state since somebody looked, and its rows.

Whoever changes something that has a row says so here, by one of the `touch` methods of the state; what
is written is what is true when the changes are taken, however often it was touched. A machine that nobody
stores has no journal (`state.journal` is None), and pays for none.

That no touch is forgotten is checked by tests: after each call of random sequences of all methods, the
rows that were taken so far must be those of a full export.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from sys import float_info
from typing import TYPE_CHECKING, TypeAlias

from actorsched.core import rows
from actorsched.core.instant import Instant
from actorsched.core.record import PUBLIC, TaskRecord
from actorsched.core.rows import (
    Changes,
    ItemChange,
    NotesRow,
    ProgressRow,
    RunRow,
    TaskRow,
    TroubleRow,
)
from actorsched.core.statuses import DISABLED, DONE, FAILED, PENDING
from actorsched.core.worker import WorkerRecord
from actorsched.core.workersets import WorkerSet

if TYPE_CHECKING:
    from actorsched.core.state import State

#: so many rows of worker sets before the first look for unused ones
SWEEP_MIN = 64

#: outcomes of runs that are no status of a task
LOST = "LOST"
CANCELLED = "CANCELLED"
#: in place of a value that is not public
MASK = "***"
#: characters of an error that the history keeps
ERROR_MAX = 10_000


#: seconds that a run took, and seconds from its grant to its end, where somebody has told them
Times: TypeAlias = tuple[float | None, float | None]
UNTOLD: Times = (None, None)


class Journal:
    def __init__(self) -> None:
        # dicts serve as ordered sets
        self._created: dict[TaskRecord, None] = {}
        #: tasks whose definition, and whose progress, has changed
        self.defined: dict[TaskRecord, None] = {}
        self.moved: dict[TaskRecord, None] = {}
        self._gone: list[int] = []
        self._workers: dict[str, None] = {}
        self._batchers: dict[str, None] = {}
        self._control = False
        self._runs: list[RunRow] = []
        #: of the runs that end now: how long they took, and how long their worker had had them
        self.told_times: Times = UNTOLD
        self._announced: list[ItemChange] = []
        self._unused_sets: list[int] = []
        #: the worker sets that have rows, by number; several numbers may stand for one set
        self._sets: dict[int, WorkerSet] = {}
        self._last_number = 0
        self._sweep_at = SWEEP_MIN

    # -- touching

    def create(self, record: TaskRecord) -> None:
        self._created[record] = None
        self.defined[record] = None
        self.moved[record] = None

    def remove(self, record: TaskRecord) -> None:
        self.defined.pop(record, None)
        self.moved.pop(record, None)
        if record in self._created:
            del self._created[record]
        else:
            self._gone.append(record.seq)

    def touch_worker(self, worker: WorkerRecord) -> None:
        """The worker is new, gone, or has changed in something other than when it was heard."""
        self._workers[worker.worker_id] = None

    def touch_batchers(self, worker_id: str) -> None:
        self._batchers[worker_id] = None

    def touch_control(self) -> None:
        """Whether work is handed out, or a capacity, has changed."""
        self._control = True

    def announce(self, key: str, row: rows.AnnouncedRow | None) -> None:
        self._announced.append((rows.ANNOUNCED, key, row))

    def end_run(self, state: State, record: TaskRecord, new: str, now: Instant) -> None:
        """The run of the record ends, because it becomes `new`; nothing of the run is cleared yet."""
        self._runs.append(run_row(state, record, new, now, self.told_times))

    # -- taking

    def take(self, state: State) -> Changes:
        """The rows of all that was touched; nothing is touched afterwards."""
        created, moved = self._created, self.moved
        items: list[ItemChange] = []
        if (
            self._workers or self._batchers or self._control or self._unused_sets or self._announced
        ):  # seldom, and this is done for each message
            items = self._take_items(state)
        tasks: list[tuple[int, TaskRow]] = []
        if self.defined:
            tasks = [(record.seq, self._task_row(state, record, items)) for record in self.defined]
        if created:
            progress = [
                (record.seq, progress_row(record))
                for record in moved
                if not (record in created and has_no_progress(record))
            ]
        else:
            progress = [(record.seq, progress_row(record)) for record in moved]
        changes = Changes(tasks, progress, self._gone, items, self._runs)
        if len(self._sets) > self._sweep_at:
            self._sweep(items)
        if self.defined:
            self._created, self.defined = {}, {}
        if moved:
            self.moved = {}
        if self._gone:
            self._gone = []
        if self._runs:
            self._runs = []
        return changes

    def _take_items(self, state: State) -> list[ItemChange]:
        items: list[ItemChange] = []
        if self._workers:
            for worker_id in self._workers:
                worker = state.workers.get(worker_id)
                items.append((rows.WORKER, worker_id, None if worker is None else worker_row(worker)))
            self._workers = {}
        if self._batchers:
            items += [
                (rows.BATCHERS, worker_id, batchers_row(state, worker_id)) for worker_id in self._batchers
            ]
            self._batchers = {}
        if self._control:
            items += control_items(state)
            self._control = False
        if self._unused_sets:
            items += [(rows.WORKER_SET, str(number), None) for number in self._unused_sets]
            self._unused_sets = []
        if self._announced:
            items += self._announced
            self._announced = []
        return items

    def _task_row(self, state: State, record: TaskRecord, items: list[ItemChange]) -> TaskRow:
        return task_row(
            state, record, self._number(state, record.crew, items), self._number(state, record.stake, items)
        )

    def _number(self, state: State, group: WorkerSet, items: list[ItemChange]) -> int:
        """The number of the set; a new one has a new row."""
        if group.number is None:
            if not group.ids:
                return 0
            self._last_number += 1
            group.number = self._last_number
            self._sets[group.number] = group
            serials = [state.workers[worker_id].serial for worker_id in group.ids]
            items.append((rows.WORKER_SET, str(group.number), rows.WorkerSetRow(serials)))
        return group.number

    def _sweep(self, items: list[ItemChange]) -> None:
        """Delete the rows of sets that no task has."""
        for number, group in list(self._sets.items()):
            if not group.size:
                del self._sets[number]
                if group.number == number:
                    group.number = None
                items.append((rows.WORKER_SET, str(number), None))
        self._sweep_at = max(SWEEP_MIN, 2 * len(self._sets))

    def know_set(self, number: int, group: WorkerSet) -> None:
        """While rows are read: this set has this row."""
        self._sets[number] = group
        self._last_number = max(self._last_number, number)
        if group.ids:
            group.number = number

    def forget_sets(self, numbers: Iterable[int]) -> None:
        """After rows were read: delete the rows of these sets, other than the known ones."""
        self._unused_sets = [number for number in numbers if number and number not in self._sets]


def task_row(state: State, record: TaskRecord, crew: int, stake: int) -> TaskRow:
    policy = record.policy
    return TaskRow(
        record.task_id,
        record.family,
        record.module,
        record.params,
        list(record.deps),
        finite(record.priority),
        record.demand.needs,
        crew,
        stake,
        record.runnable,
        record.batchable,
        record.accepts_messages,
        record in state.cyclic,
        record.start_time,
        record.visibilities,
        None if policy is state.policy else (finite(policy[0]), finite(policy[1]), finite(policy[2])),
        None
        if policy[3:] == state.policy[3:]
        else (finite(policy[3]), finite(policy[4]), finite(policy[5]), finite(policy[6])),
    )


def has_no_progress(record: TaskRecord) -> bool:
    """Whether it is as it was registered."""
    return (
        record.status == PENDING
        and record.updated == record.start_time
        and record.worker_running is None
        and record.batch_id is None
        and record.remove_at is None
        and record.expl is None
        and record.trouble is None
        and record.notes is None
        and record.time_running is None
        and record.resources_running is None
    )


def progress_row(record: TaskRecord) -> ProgressRow:
    trouble, notes = record.trouble, record.notes
    return ProgressRow(
        record.status,
        record.updated,
        record.run_id,
        record.worker_running,
        record.time_running,
        record.resources_running,
        record.batch_id,
        record.done_at,
        record.remove_at,
        record.expl,
        None
        if trouble is None
        else TroubleRow(
            trouble.failures,
            trouble.first_failure,
            trouble.retry_at,
            trouble.disabled_at,
            trouble.deaths,
            trouble.lost,
            trouble.cancelled,
            trouble.streak,
            trouble.silent,
            trouble.complete,
        ),
        None
        if notes is None
        else NotesRow(
            notes.tracking_url,
            notes.status_message,
            notes.progress_percentage,
            notes.statistics,
            notes.responses,
        ),
    )


def worker_row(worker: WorkerRecord) -> rows.WorkerRow:
    return rows.WorkerRow(
        worker.serial,
        (worker.started.monotonic, worker.started.wall),
        worker.host,
        worker.info,
        worker.disabled,
        worker.known,
        worker.incarnation,
        worker.former_incarnations,
        worker.rpc_messages,
        worker.last_get_work is not None,
    )


def batchers_row(state: State, worker_id: str) -> rows.BatchersRow | None:
    found = state.batches.batchers.get(worker_id)
    if not found:
        return None
    return rows.BatchersRow(
        {
            family: (list(batcher.args), None if batcher.max_size == inf else batcher.max_size)
            for family, batcher in found.items()
        }
    )


def control_items(state: State) -> list[ItemChange]:
    return [
        (rows.PAUSED, "", rows.PausedRow(state.paused)),
        (rows.RESOURCES, "", rows.ResourcesRow(state.resources.capacities, state.configured)),
    ]


def run_row(state: State, record: TaskRecord, new: str, now: Instant, told: Times) -> RunRow:
    """The history of the live run of a record, which ends as the record becomes `new`.

    A report may come long after the end of the run, and a run may begin long after its grant: from its
    grant on, its worker is the one who knows. Durations need no clocks that agree.
    """
    took_s, held_s = told
    started, ended = record.time_running, now.wall
    if started is not None and held_s is not None:
        ended = min(ended, started + held_s)
    if took_s is not None:
        started = ended - took_s
    elif started is not None:
        started = min(started, ended)  # the wall clock may have been set back
    trouble = record.trouble
    outcome = new
    if trouble is not None and new == DONE and trouble.complete:
        outcome = LOST  # what made it DONE is that somebody has found it so
    elif trouble is not None and new in (FAILED, DISABLED):
        if trouble.lost:
            outcome = LOST
        elif new == DISABLED and trouble.disabled_at is None:
            outcome = CANCELLED
        elif new == DISABLED:
            outcome = LOST if trouble.deaths else FAILED
    worker = state.workers.get(record.worker_running or "")
    failures = 0 if trouble is None else len(trouble.failures)
    shown = record.visibilities or {}
    return RunRow(
        record.task_id,
        record.family,
        {name: value if shown.get(name, PUBLIC) == PUBLIC else MASK for name, value in record.params.items()},
        record.run_id,
        record.worker_running,
        None if worker is None else worker.host,
        started,
        ended,
        outcome,
        _text(record.expl) if outcome not in (DONE, PENDING) else None,
        failures - (outcome == FAILED),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:ERROR_MAX]


def finite(number: float) -> float:
    """The number, or the nearest one that JSON has."""
    return max(-float_info.max, min(number, float_info.max))
