"""What an observer of a worker is told; see `Worker(observer=…)`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """So many tasks were found so far, so many of them complete; `done` when there are no more.

    `asked` is how many have answered; the others were only named by those.
    """

    found: int
    complete: int
    done: bool
    asked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    task_id: str
    name: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSaid:
    """What a run of ours told of itself: a status message or a percentage; the other one is None."""

    task_id: str
    message: str | None = None
    percentage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """`status` is DONE, FAILED or PENDING (it asked for more, or was given back); `cause` one line."""

    task_id: str
    name: str
    slot: int
    status: str
    cause: str
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsElsewhere:
    """Tasks of this worker that other workers run: (task id, name, worker) of each."""

    runs: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Tasks of this worker by state, wherever they run."""

    pending: int
    running: int
    done: int
    failed: int


Event = Discovery | RunStarted | RunSaid | RunEnded | RunsElsewhere | Counts
