"""How a task speaks while it runs, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

#: takes what a task says while it runs: the name of the method that it called, and the value
Reporter = Callable[[str, Any], None]


class Messages(Protocol):
    """Where a task that accepts messages finds those that were sent to it."""

    def empty(self) -> bool: ...
    def get(self, block: bool = True, timeout: float | None = None) -> Any: ...


class Voice:
    """The methods by which a task says something about its run; arguments are named as in Luigi."""

    def __init__(self, report: Reporter, messages: Messages | None) -> None:
        self._report = report
        #: a queue of messages for the task, if it accepts any
        self.scheduler_messages = messages

    def set_status_message(self, message: str) -> None:
        self._report("set_status_message", message)

    def set_progress_percentage(self, percentage: float) -> None:
        self._report("set_progress_percentage", percentage)

    def set_tracking_url(self, tracking_url: str) -> None:
        self._report("set_tracking_url", tracking_url)

    def decrease_running_resources(self, decrease_resources: Mapping[str, int]) -> None:
        self._report("decrease_running_resources", dict(decrease_resources))
