"""Whether there is contact with a scheduler, for the log: one line when it is lost, and one when it is back.
Where there was none before, they say that it is not there yet, and then that it is.

How often it was tried in between stands in neither, because nobody can do anything about it. Calls and
pings go different ways to the same scheduler, and share this, so that each loss is told of once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import inf

from actorsched.actors.log import log


class Contact:
    """May be used from several threads.

    Attributes:
        was_there: whether there was ever an answer.

    Args:
        url: of the scheduler, without passwords.
        now: a monotonic clock.
        patience_s: how long calls are tried, to tell; 0 is for ever.
    """

    def __init__(self, url: str, now: Callable[[], float], patience_s: float) -> None:
        self.was_there = False
        self._url = url
        self._now = now
        self._patience_s = patience_s
        self._away_since: float | None = None
        self._heard_at = -inf
        self._lock = threading.Lock()

    def lose(self, cause: str, since: float, patience_s: float | None = None) -> None:
        """What was sent at the moment `since` was in vain; `patience_s`: where it is another one."""
        with self._lock:
            if self._away_since is not None:
                return
            self._away_since = since
        patience_s = self._patience_s if patience_s is None else patience_s
        event = "lost contact with the scheduler" if self.was_there else "no answer from the scheduler yet"
        log.warning(event, url=self._url, cause=cause, patience_s=patience_s or "no end")

    def miss(self, cause: str, since: float, noticed: float) -> None:
        """As `lose`, unless something else was answered after the moment `noticed`.

        A ping may go to an address where nobody is while a call finds one where somebody is; and of several
        threads whose connections have broken together, the first one finds the scheduler for all.
        """
        if noticed >= self._heard_at:
            self.lose(cause, since)

    def find(self, at: float) -> None:
        """There was an answer at this moment."""
        was_there, self.was_there = self.was_there, True
        self._heard_at = at
        if self._away_since is None:  # the usual case costs no more than this
            return
        with self._lock:
            since, self._away_since = self._away_since, None
        if since is not None:
            event = "contact with the scheduler is back" if was_there else "the scheduler has answered"
            log.info(event, url=self._url, away_s=round(self._now() - since, 3))
