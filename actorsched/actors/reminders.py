"""What a slot tells itself after a while."""

from __future__ import annotations

from dataclasses import dataclass

from actorsched.actors.messages import RunJob


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The run has taken as long as it may."""

    run_id: str


@dataclass(frozen=True, slots=True)
class GraceOver:
    """The run was asked to end, and has had its time for that."""

    run_id: str


@dataclass(frozen=True, slots=True)
class EndRun:
    """A run is to be ended. While it is not known which one is on, this comes again after a while.

    Attributes:
        cause, lost: as in an `Ending`.
        at_once: without any grace.
        ahead: the first of those that were ahead when this was not known, for the last time.
    """

    run_id: str
    cause: str
    at_once: bool = False
    lost: str = ""
    ahead: RunJob | None = None


@dataclass(frozen=True, slots=True)
class TryAgain:
    """There was no child for the run; there may be one now."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Lingered:
    """A while ago something waited."""
