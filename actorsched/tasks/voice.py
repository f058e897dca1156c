"""What a task can say while it runs, and hear: the names and arguments are Luigi's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from actorsched.tasks import luigi_bridge

#: takes what a task says while it runs: the name of the method that it called, and the value
Reporter = Callable[[str, Any], None]


class SchedulerMessage:
    """A message that somebody sent to a running task; it compares and prints as its content.

    Tasks with `accepts_messages = True` find them in the queue `scheduler_messages` while `run()` runs.
    """

    def __init__(self, message_id: str, content: Any, report: Reporter, **payload: Any) -> None:
        self.content = content
        self.payload = payload
        self._message_id = message_id
        self._report = report

    def respond(self, response: Any) -> None:
        """Answer it; whoever sent it can fetch the answer from the scheduler."""
        self._report("respond", {"message_id": self._message_id, "response": response})

    def __str__(self) -> str:
        return str(self.content)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class Voice:
    """The methods that a task has while it runs.

    Attributes:
        scheduler_messages: the queue of messages for the task; None when it accepts none.
    """

    def __init__(self, report: Reporter, messages: Any = None) -> None:
        self._report = report
        self.scheduler_messages = messages

    def set_status_message(self, message: str) -> None:
        self._report("set_status_message", message)

    def set_progress_percentage(self, percentage: float) -> None:
        self._report("set_progress_percentage", percentage)

    def set_tracking_url(self, tracking_url: str) -> None:
        self._report("set_tracking_url", tracking_url)

    def decrease_running_resources(self, decrease_resources: Mapping[str, int]) -> None:
        self._report("decrease_running_resources", dict(decrease_resources))


@contextmanager
def speaking(task: Any, report: Reporter, messages: Any = None) -> Iterator[None]:
    """Let the task speak while it runs; afterwards it is as before, and can be pickled."""
    state = vars(task)
    before = {name: state[name] for name in luigi_bridge.FORWARDED if name in state}
    voice = Voice(report, messages)
    for name in luigi_bridge.FORWARDED:
        state[name] = getattr(voice, name)
    try:
        yield
    finally:
        for name in luigi_bridge.FORWARDED:
            state.pop(name, None)
        state.update(before)
