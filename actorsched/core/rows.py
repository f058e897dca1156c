"""The state as rows: what a store keeps, and all that a machine needs to become again what it was.

A task is two rows. Its definition (what it is, what it needs, who wants it) is written when it is
registered; its progress (status, run, failures) is small and is written at each step. A task that was
registered and has done nothing since has no progress row. Everything that follows from other rows
(queues, counters, facets, edges backwards) is not stored.

Worker sets have rows of their own, by number, as there are few of them for many tasks. They hold the
serial numbers of workers, not their ids, and never change: whoever is gone, or came back as somebody
new, is left out when rows are read. So the loss of a worker rewrites no task.

Monotonic times are seconds on the scale of the state's own life: it goes on where it stopped, however
long nobody served it. So a deadline keeps what was left of it, and no row is rewritten by a restart.

Fields are only ever added at the end, with a default; anything else is a new version of the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

#: kinds of the rows that are not of tasks
WORKER = "worker"
WORKER_SET = "worker set"
BATCHERS = "batchers"
RESOURCES = "resources"
PAUSED = "paused"
ANNOUNCED = "announced"


class TaskRow(msgspec.Struct, array_like=True, kw_only=False):
    """The definition of a task."""

    task_id: str
    family: str
    module: str | None
    params: dict[str, Any]
    deps: list[str]
    priority: int | float
    resources: dict[str, int | float]
    #: numbers of worker sets; 0 is nobody
    crew: int
    stake: int
    runnable: bool
    batchable: bool
    accepts_messages: bool
    #: it closes a dependency cycle
    cyclic: bool
    start_time: float
    visibilities: dict[str, int] | None = None
    #: where it is not that of the settings: Luigi's part of the policy
    policy: tuple[int | float, int | float, int | float] | None = None
    #: and ours: delay, backoff, longest delay, jitter; missing: as in the settings
    retry: tuple[int | float, int | float, int | float, int | float] | None = None


class TroubleRow(msgspec.Struct, array_like=True):
    failures: list[float]
    first_failure: float | None
    retry_at: float | None
    disabled_at: float | None
    deaths: int
    lost: bool
    cancelled: bool
    streak: int = 0
    #: of the deaths, those that were only silence so far: worker id and incarnation
    silent: list[tuple[str, Any]] = []
    complete: bool = False


class NotesRow(msgspec.Struct, array_like=True):
    tracking_url: str | None
    status_message: str | None
    progress_percentage: int | float | None
    statistics: dict[str, Any] | None
    responses: dict[str, Any]


class ProgressRow(msgspec.Struct, array_like=True):
    """What has become of a task."""

    status: str
    updated: float
    run_id: str | None = None
    worker_running: str | None = None
    time_running: float | None = None
    resources_running: dict[str, int | float] | None = None
    batch_id: str | None = None
    done_at: float | None = None
    remove_at: float | None = None
    expl: Any = None
    trouble: TroubleRow | None = None
    notes: NotesRow | None = None


class WorkerRow(msgspec.Struct, array_like=True):
    """A worker; when it was heard last is not kept, because a restart renews its lease."""

    serial: int
    #: monotonic, wall
    started: tuple[float, float]
    host: str | None
    info: dict[str, Any]
    disabled: bool
    known: bool
    incarnation: Any
    former_incarnations: list[Any]
    rpc_messages: list[dict[str, Any]]
    #: has ever asked for work
    asks: bool


class WorkerSetRow(msgspec.Struct, array_like=True):
    serials: list[int]


class BatchersRow(msgspec.Struct, array_like=True):
    """By family: the parameters that this worker can combine, and how many tasks at most (None: no limit)."""

    families: dict[str, tuple[list[str], int | float | None]]


class ResourcesRow(msgspec.Struct, array_like=True):
    capacities: dict[str, int]
    #: what the scheduler was started with
    configured: dict[str, int]


class PausedRow(msgspec.Struct, array_like=True):
    paused: bool


class AnnouncedRow(msgspec.Struct, array_like=True):
    """One scheduling failure."""

    announced: dict[str, Any]


class RunRow(msgspec.Struct, omit_defaults=True):
    """One run of a task that has ended, for the history; times are wall times."""

    task_id: str
    family: str
    #: values of parameters that are not public are masked
    params: dict[str, Any]
    run_id: str | None
    worker: str | None
    host: str | None
    started: float | None
    ended: float
    #: DONE, FAILED, LOST (its worker died), CANCELLED, or what else became of the task (PENDING: given back)
    outcome: str
    error: str | None = None
    #: failed runs of the task that still count, before this one
    retries: int = 0


ItemRow: TypeAlias = WorkerRow | WorkerSetRow | BatchersRow | ResourcesRow | PausedRow | AnnouncedRow

#: the record of each kind of item
ITEM_KINDS: Mapping[str, type[ItemRow]] = {
    WORKER: WorkerRow,
    WORKER_SET: WorkerSetRow,
    BATCHERS: BatchersRow,
    RESOURCES: ResourcesRow,
    PAUSED: PausedRow,
    ANNOUNCED: AnnouncedRow,
}

#: kind, key, row; no row: it is gone
ItemChange: TypeAlias = tuple[str, str, ItemRow | None]


class Changes(msgspec.Struct):
    """Rows to write, by key: the sequence number of a task, or kind and key of an item."""

    tasks: list[tuple[int, TaskRow]]
    progress: list[tuple[int, ProgressRow]]
    #: tasks to delete, before anything is written
    gone: list[int]
    items: list[ItemChange]
    #: not part of the state: runs that have ended, for the history
    runs: list[RunRow] = []

    def __bool__(self) -> bool:
        return bool(self.tasks or self.progress or self.gone or self.items)


class Rows(msgspec.Struct):
    """All rows of a state, as they are read: tasks by rising sequence number."""

    tasks: Iterable[tuple[int, TaskRow, ProgressRow | None]]
    items: Iterable[tuple[str, str, ItemRow]]
