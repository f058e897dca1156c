"""Calls that wait to be sent to the scheduler, in order, with the promises that hang on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from actorsched.actors.messages import Call, Settable


@dataclass(frozen=True, slots=True)
class Posted:
    """A call that waits to be sent; `acknowledged` is set when its answer is there."""

    call: Call
    acknowledged: Settable | None = None


class Outbox:
    """A queue of calls; false when nothing waits."""

    def __init__(self) -> None:
        self._waiting: deque[Posted] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def post(self, call: Call, acknowledged: Settable | None = None) -> None:
        self._waiting.append(Posted(call, acknowledged))

    def post_first(self, call: Call) -> None:
        """Put a call before everything that waits."""
        self._waiting.appendleft(Posted(call))

    def post_all(self, calls: Iterable[Call], acknowledged: Settable | None) -> None:
        """Post calls; the promise hangs on the last of all that wait, and is kept at once if none do."""
        self._waiting.extend(map(Posted, calls))
        if acknowledged is None:
            return
        if self._waiting and self._waiting[-1].acknowledged is None:
            self._waiting.append(Posted(self._waiting.pop().call, acknowledged))
        else:
            acknowledged.set(None)

    def take(self, most: int) -> list[Posted]:
        """The next calls to send, at most so many."""
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]


def answer(promise: Settable | None, error: Exception | None) -> None:
    """Keep a promise, or break it with an error."""
    if promise is None:
        return
    if error is None:
        promise.set(None)
    else:
        promise.set_exception((type(error), error, error.__traceback__))
