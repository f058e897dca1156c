"""What actors need from the outside, handed to them in one piece.

The simulation hands out another `Runtime`; the actors do not know which they have.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from actorsched.core.instant import Instant


class Clock(Protocol):
    """Two readings, in seconds: `monotonic` decides, `wall` is shown to people."""

    def monotonic(self) -> float: ...
    def wall(self) -> float: ...


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class CallableClock:
    """A plain callable that serves as both clocks; for tests and replay."""

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    def monotonic(self) -> float:
        return self._read()

    def wall(self) -> float:
        return self._read()


def clock_from(clock: Clock | Callable[[], float] | None) -> Clock:
    """`None` is the clock of the system; a callable becomes both clocks."""
    if clock is None:
        return SystemClock()
    if callable(clock):
        return CallableClock(clock)
    return clock


@dataclass(frozen=True)
class Runtime:
    """Clock and chance of an actor."""

    clock: Clock = field(default_factory=SystemClock)
    random: random.Random = field(default_factory=random.Random)

    def now(self) -> Instant:
        """Read both clocks."""
        return Instant(self.clock.monotonic(), self.clock.wall())
