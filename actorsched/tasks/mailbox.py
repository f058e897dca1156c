"""What a task that accepts messages finds in `self.scheduler_messages`; shaped like a queue, as in Luigi."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from typing import Any


class TaskMessage:
    """A message that somebody sent to a running task. `str()` is its content."""

    def __init__(self, content: str, respond: Callable[[Any], None]) -> None:
        self.content = content
        self._respond = respond

    def __str__(self) -> str:
        return self.content

    def __eq__(self, other: object) -> bool:
        return self.content == (other.content if isinstance(other, TaskMessage) else other)

    def __hash__(self) -> int:
        return hash(self.content)

    def respond(self, response: Any) -> None:
        """Answer whoever sent it; the answer is fetched from the scheduler."""
        self._respond(response)


class Mailbox:
    """The messages for one task, oldest first.

    Args:
        fetch: waits so many seconds (None: without end) for (message id, content); None: none came.
        respond: called with (message id, response).
    """

    def __init__(
        self,
        fetch: Callable[[float | None], tuple[str, str] | None],
        respond: Callable[[str, Any], None],
    ) -> None:
        self._fetch = fetch
        self._respond = respond
        self._kept: deque[TaskMessage] = deque()

    def empty(self) -> bool:
        return not self._kept and not self._wait(0)

    def get(self, block: bool = True, timeout: float | None = None) -> TaskMessage:
        """Take the next message.

        Raises:
            queue.Empty: there is none, after so many seconds.
        """
        if not self._kept and not self._wait(timeout if block else 0):
            raise queue.Empty
        return self._kept.popleft()

    def get_nowait(self) -> TaskMessage:
        return self.get(block=False)

    def _wait(self, timeout: float | None) -> bool:
        found = self._fetch(timeout)
        if found is None:
            return False
        message_id, content = found
        self._kept.append(TaskMessage(content, lambda response: self._respond(message_id, response)))
        return True
