"""When a worker without work goes on waiting; the rule alone, no actor.

A worker stops when the scheduler says that none of its tasks can still become done without a retry
delay or a person (`n_can_run`). With `keep_alive` it waits for those too, bounded by Luigi's settings.
A worker that serves others (`forever`) stops when it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorsched.config import WorkerSettings

#: between two questions where the scheduler tells when there is work; only for hints that got lost
HINTED_S = 5.0
#: where it does not (Luigi's)
UNHINTED_S = 1.0


class Waiting:
    """Remembers the scheduler's last word on what is left, and since when there was nothing."""

    def __init__(self, settings: WorkerSettings, *, assistant: bool, forever: bool) -> None:
        self._settings = settings
        self._assistant = assistant
        self._forever = forever
        self._reply: Mapping[str, Any] = {}
        self._idle_since: float | None = None

    def hear(self, reply: Mapping[str, Any], *, got_work: bool) -> None:
        """Take note of a reply to `get_work` or `count_pending`."""
        self._reply = reply
        if got_work:
            self._idle_since = None

    @property
    def interval_s(self) -> float:
        """How long to wait before asking again, when nobody says that there is something."""
        if self._settings.wait_interval is not None:
            return self._settings.wait_interval
        return HINTED_S if "lease_s" in self._reply or "n_can_run" in self._reply else UNHINTED_S

    def goes_on(self, now: float) -> bool:
        """Whether something may still come; `now` in seconds of the monotonic clock."""
        if self._forever:
            return True
        reply, settings = self._reply, self._settings
        can_run = reply.get("n_can_run")
        if can_run is None:  # a scheduler that is not ours: what others run is the best guess
            can_run = len(reply.get("running_tasks", ()))
        if can_run:
            self._idle_since = None
            return True
        if not settings.keep_alive:
            return False
        if self._idle_since is None:
            self._idle_since = now
        limit_s = settings.max_keep_alive_idle_duration
        if limit_s and now - self._idle_since >= limit_s:
            return False
        if self._assistant:
            return True
        if settings.count_last_scheduled:
            return bool(reply.get("n_pending_last_scheduled"))
        if settings.count_uniques:
            return bool(reply.get("n_unique_pending"))
        return bool(reply.get("n_pending_tasks"))
