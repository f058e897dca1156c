"""Who was turned away at the door, for the log: once a minute for each address, and how often meanwhile.

Somebody whose key was struck off goes on knocking for as long as his process lives, several times a second,
and a port scanner does not stop either: a line for each of them would fill the disk and hide the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from actorsched.actors.log import log

#: from one line about an address to the next one
QUIET_S = 60.0
#: addresses that are kept in mind; the one that was told of longest ago is forgotten first
MAX_ADDRESSES = 1000


class Strangers:
    """See the top of the module.

    Args:
        now: a monotonic clock.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def turn_away(self, address: str, mechanism: str) -> None:
        """Say that somebody was, unless that was said just now."""
        who = address, mechanism
        now = self._now()
        told_at, hushed = self._told.get(who, (-inf, 0))
        if now - told_at < QUIET_S:
            self._told[who] = told_at, hushed + 1
            return
        more = {"and_before": hushed} if hushed else {}
        log.warning("a stranger was turned away", address=address, mechanism=mechanism, **more)
        self._told.pop(who, None)
        self._told[who] = now, 0
        if len(self._told) > MAX_ADDRESSES:
            del self._told[next(iter(self._told))]
