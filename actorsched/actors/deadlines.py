"""What a worker tells itself to do later, while it is being stopped."""

from __future__ import annotations

from dataclasses import dataclass

#: when what ran has been ended, so many seconds are spent on telling the scheduler
TELLING_S = 2.0
#: and so many on saying goodbye to it
GOODBYE_S = 2.0


@dataclass(frozen=True, slots=True)
class DrainOver:
    """What still runs has had its time."""

    reason: str


@dataclass(frozen=True, slots=True)
class WaitedEnough:
    """The user wanted an end of this run of the worker (its number), and it is not reached yet."""

    run: int
