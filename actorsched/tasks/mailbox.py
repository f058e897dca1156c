"""What a task that accepts messages finds in `self.scheduler_messages`; shaped like a queue, as in Luigi."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable

from actorsched.tasks.voice import Reporter, SchedulerMessage


class Mailbox:
    """The messages for one task, oldest first.

    Args:
        fetch: waits so many seconds (None: without end) for (message id, content); None: none came.
        report: where answers go.
    """

    def __init__(self, fetch: Callable[[float | None], tuple[str, str] | None], report: Reporter) -> None:
        self._fetch = fetch
        self._report = report
        self._kept: deque[SchedulerMessage] = deque()

    def empty(self) -> bool:
        return not self._kept and not self._wait(0)

    def get(self, block: bool = True, timeout: float | None = None) -> SchedulerMessage:
        """Take the next message.

        Raises:
            queue.Empty: there is none, after so many seconds.
        """
        if not self._kept and not self._wait(timeout if block else 0):
            raise queue.Empty
        return self._kept.popleft()

    def get_nowait(self) -> SchedulerMessage:
        return self.get(block=False)

    def _wait(self, timeout: float | None) -> bool:
        found = self._fetch(timeout)
        if found is not None:
            self._kept.append(SchedulerMessage(*found, self._report))
        return found is not None
