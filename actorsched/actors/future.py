"""What somebody waits on who asked an actor: Pykka's future, on a lock instead of a condition.

Every question to an actor makes one, and a condition costs a quarter of what the question costs.
"""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any

import pykka


class AskFuture(pykka.Future[Any]):
    """Behaves like a `pykka.ThreadingFuture`."""

    def __init__(self) -> None:
        super().__init__()
        self._answered = threading.Lock()  # held until there is an answer
        self._answered.acquire()
        self._claimed = threading.Lock()  # acquired by the one who answers, and never given back
        self._value: Any = None
        self._exc_info: Any = None

    def get(self, *, timeout: float | None = None) -> Any:
        if self._get_hook is not None:
            return super().get(timeout=timeout)
        if not self._answered.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise pykka.Timeout(f"{timeout} seconds")
        self._answered.release()  # for whoever else asks
        if self._exc_info is None:
            return self._value
        kind, error, traceback = self._exc_info
        error = kind() if error is None else error
        raise error if error.__traceback__ is traceback else error.with_traceback(traceback)

    def set(self, value: Any | None = None) -> None:
        self._claim()
        self._value = value
        self._answered.release()

    def set_exception(self, exc_info: Any | None = None) -> None:
        self._claim()
        self._exc_info = sys.exc_info() if exc_info is None else exc_info
        self._answered.release()

    def set_get_hook(self, func: Any) -> None:
        if not self._claimed.acquire(blocking=False):
            raise queue.Full
        super().set_get_hook(func)

    def _claim(self) -> None:
        if not self._claimed.acquire(blocking=False):
            raise queue.Full
