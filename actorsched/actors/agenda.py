"""What the thread in `Worker.run()` waits for: a promise that hands out things to do until it is kept."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """The promise that the worker answers when nothing is left to wait for, and what to do until then."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[T | BaseException | None] = queue.SimpleQueue()

    def add(self, item: T) -> None:
        """Note something to do; any thread."""
        self._items.put(item)

    def set(self, value: Any | None = None) -> None:
        self._items.put(None)

    def set_exception(self, exc_info: Any | None = None) -> None:
        assert exc_info is not None
        self._items.put(exc_info[1])

    def items(self) -> Iterator[T]:
        """Wait for things to do, until the worker says that all is over.

        Raises:
            Exception: what the worker ended with.
        """
        while (item := self._items.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
