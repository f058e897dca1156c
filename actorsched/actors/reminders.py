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
class EndAgain:
    """The end of a run that was to be ended should have come by now."""

    run_id: str
    cause: str
    at_once: bool
    lost: str
    ahead: RunJob | None


@dataclass(frozen=True, slots=True)
class Lingered:
    """A while ago something waited."""
