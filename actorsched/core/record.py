"""What the scheduler knows about one task.

A million of these must fit, so the record has slots, keeps its few dependencies in a tuple, shares what
many tasks have in common (demand, policy, worker sets), and moves what most tasks never have into two
side objects: `Trouble` for failures and `Notes` for what a running task says about itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorsched.core.demands import Demand
    from actorsched.core.policy import RetryPolicy
    from actorsched.core.ready import Entry
    from actorsched.core.workersets import WorkerSet

#: up to so many dependencies stay in a tuple; a tuple of 8 is searched as fast as a dict and takes a third
TUPLE_DEPS_MAX = 8

#: a parameter with this visibility is shown to everybody (Luigi's ParameterVisibility.PUBLIC)
PUBLIC = 0


class Trouble:
    """Failures of a task and what came of them. Times are monotonic seconds."""

    __slots__ = (
        "cancelled",
        "complete",
        "deaths",
        "disabled_at",
        "failures",
        "first_failure",
        "lost",
        "retry_at",
        "silent",
        "streak",
    )

    def __init__(self) -> None:
        #: within the window of the policy
        self.failures: list[float] = []
        #: failures in a row, however long ago
        self.streak = 0
        self.first_failure: float | None = None
        self.retry_at: float | None = None
        #: when the scheduler disabled the task; None when its author did, or when it is not disabled
        self.disabled_at: float | None = None
        #: workers that died in a row while they ran this task
        self.deaths = 0
        #: those of them that were only silent so far (deaths.py): worker id and incarnation
        self.silent: list[tuple[str, Any]] = []
        #: FAILED because the worker died: not the fault of the task, due again at once
        self.lost = False
        #: the run that is live is to be ended, and the task is not to be tried again
        self.cancelled = False
        #: while its run is live, somebody has found it complete: it is DONE should the run be lost
        self.complete = False

    def pardon(self) -> None:
        """Forget all failures and lift what the scheduler imposed. Deaths are forgotten in deaths.py."""
        self.failures.clear()
        self.streak = 0
        self.first_failure = None
        self.disabled_at = None


class Notes:
    """What a task says while it runs."""

    __slots__ = ("progress_percentage", "responses", "statistics", "status_message", "tracking_url")

    def __init__(self) -> None:
        self.tracking_url: str | None = None
        self.status_message: str | None = None
        self.progress_percentage: float | None = None
        #: what the worker reported last about its resources, see `report_task_statistics`
        self.statistics: dict[str, Any] | None = None
        #: answers to scheduler messages that nobody fetched yet, by message id
        self.responses: dict[str, Any] = {}


_NO_NOTES = Notes()


class TaskRecord:
    __slots__ = (
        "accepts_messages",
        "batch_id",
        "batchable",
        "crew",
        "demand",
        "dependents",
        "deps",
        "done_at",
        "entry",
        "expl",
        "facets",
        "family",
        "module",
        "n_barred",
        "n_missing",
        "n_stuck",
        "notes",
        "params",
        "policy",
        "priority",
        "remove_at",
        "resources_running",
        "run_id",
        "runnable",
        "seq",
        "stake",
        "start_time",
        "status",
        "task_id",
        "time_running",
        "trouble",
        "updated",
        "visibilities",
        "worker_running",
    )

    def __init__(
        self,
        task_id: str,
        seq: int,
        status: str,
        priority: float,
        wall: float,
        crew: WorkerSet,
        stake: WorkerSet,
        demand: Demand,
        policy: RetryPolicy,
        facets: int,
    ) -> None:
        self.task_id = task_id
        #: order of first registration; with the priority it is the order in which work is handed out
        self.seq = seq
        self.status = status
        self.priority = priority
        self.family = ""
        self.module: str | None = None
        self.params: dict[str, Any] = {}
        self.visibilities: dict[str, int] | None = None
        self.demand = demand
        self.policy = policy
        #: ids of what must be DONE first; small ones a tuple, large ones a dict; no duplicates
        self.deps: tuple[str, ...] | dict[str, None] = ()
        #: records that name this one in `deps`; the common single one without a container
        self.dependents: TaskRecord | dict[TaskRecord, None] | None = None
        #: dependencies that are not DONE, counted by their `facets` (see facets.py); likewise the two next
        self.n_missing = 0
        self.n_stuck = 0
        self.n_barred = 0
        #: what is accounted for this record at present (see facets.py)
        self.facets = facets
        #: its live entry in the ready queue
        self.entry: Entry | None = None
        #: workers that can run it
        self.crew = crew
        #: workers that keep it alive
        self.stake = stake
        self.runnable = False
        self.batchable = False
        self.batch_id: str | None = None
        self.accepts_messages: bool = False
        #: wall times, to show
        self.start_time = wall
        self.updated = wall
        self.time_running: float | None = None
        #: monotonic; only while DONE
        self.done_at: float | None = None
        #: who runs it, or ran it last
        self.worker_running: str | None = None
        #: what its run takes, if that was fixed when the run was granted; stays visible after the end
        self.resources_running: dict[str, float] | None = None
        #: the live run; None when no run is live
        self.run_id: str | None = None
        self.expl: Any = None
        self.notes: Notes | None = None
        self.trouble: Trouble | None = None
        #: monotonic; the record goes at this time
        self.remove_at: float | None = None

    def __repr__(self) -> str:
        return f"<{self.task_id} {self.status} #{self.seq}>"

    def iter_dependents(self) -> Iterator[TaskRecord]:
        found = self.dependents
        if found is None:
            return iter(())
        if isinstance(found, TaskRecord):
            return iter((found,))
        return iter(found)

    def add_dependent(self, record: TaskRecord) -> None:
        found = self.dependents
        if found is None:
            self.dependents = record
        elif isinstance(found, dict):
            found[record] = None
        elif found is not record:
            self.dependents = {found: None, record: None}

    def drop_dependent(self, record: TaskRecord) -> None:
        found = self.dependents
        if found is record:
            self.dependents = None
        elif isinstance(found, dict):
            del found[record]
            if not found:
                self.dependents = None

    @property
    def place(self) -> tuple[float, int]:
        """Its place in the order: priority, then first registered."""
        return -self.priority, self.seq

    @property
    def is_suspect(self) -> bool:
        """Whether a worker died while it ran this, and it has not ended since."""
        return self.trouble is not None and self.trouble.deaths > 0

    def get_trouble(self) -> Trouble:
        if self.trouble is None:
            self.trouble = Trouble()
        return self.trouble

    def get_notes(self) -> Notes:
        """Notes to write on."""
        if self.notes is None:
            self.notes = Notes()
        return self.notes

    def see_notes(self) -> Notes:
        """Notes to read only."""
        return self.notes or _NO_NOTES

    def public_params(self) -> dict[str, Any]:
        shown = self.visibilities
        if not shown:
            return self.params
        return {name: value for name, value in self.params.items() if shown.get(name, PUBLIC) == PUBLIC}

    def display_name(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in sorted(self.public_params().items()))
        return f"{self.family}({shown})"

    def runs_with(self) -> dict[str, float]:
        """What its live run takes from the resources."""
        if self.resources_running is not None:
            return self.resources_running
        return self.demand.needs
