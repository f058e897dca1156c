"""Calls that wait to be sent to the scheduler, in order, with the promises that hang on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from actorsched.actors.messages import Call, Settable


@dataclass(frozen=True, slots=True)
class Posted:
    """A call that waits to be sent; `acknowledged` is set when its answer is there.

    Attributes:
        joined: it goes in one exchange with the call after it.
    """

    call: Call
    acknowledged: Settable | None = None
    joined: bool = False

    def unpromised(self) -> Posted:
        """The same, with nobody who waits for the answer."""
        return replace(self, acknowledged=None)


class _Both:
    """Two promises that hang on one call."""

    def __init__(self, *promises: Settable) -> None:
        self._promises = promises

    def set(self, value: Any | None = None) -> None:
        for promise in self._promises:
            promise.set(value)

    def set_exception(self, exc_info: Any | None = None) -> None:
        for promise in self._promises:
            promise.set_exception(exc_info)


class Outbox:
    """A queue of calls; false when nothing waits."""

    def __init__(self) -> None:
        self._waiting: deque[Posted] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def post(self, call: Call, acknowledged: Settable | None = None) -> None:
        self._waiting.append(Posted(call, acknowledged))

    def post_all(self, calls: Iterable[Call]) -> None:
        self._waiting.extend(map(Posted, calls))

    def post_first(self, calls: Sequence[Call]) -> None:
        """Put calls before everything that waits, in their order; they go in one exchange, however many."""
        last = len(calls) - 1
        self.put_back(Posted(call, joined=number < last) for number, call in enumerate(calls))

    def put_back(self, entries: Iterable[Posted]) -> None:
        """Put what was taken before everything that waits."""
        self._waiting.extendleft(reversed(list(entries)))

    def promise(self, acknowledged: Settable | None) -> None:
        """Keep a promise when the last of all that wait is answered; at once if nothing waits."""
        if acknowledged is None:
            return
        if not self._waiting:
            acknowledged.set(None)
            return
        last = self._waiting.pop()
        both = acknowledged if last.acknowledged is None else _Both(last.acknowledged, acknowledged)
        self._waiting.append(replace(last, acknowledged=both))

    def take(self, most: int) -> list[Posted]:
        """The next calls to send, at most so many, and whatever is joined to them."""
        taken: list[Posted] = []
        while self._waiting and (len(taken) < most or taken[-1].joined):
            taken.append(self._waiting.popleft())
        return taken


def answer(promise: Settable | None, error: Exception | None) -> None:
    """Keep a promise, or break it with an error."""
    if promise is None:
        return
    if error is None:
        promise.set(None)
    else:
        promise.set_exception((type(error), error, error.__traceback__))
