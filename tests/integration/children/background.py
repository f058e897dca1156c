"""What goes on beside a test: a worker's `run()` in a thread, and waiting for what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from actorsched import Worker


def until(condition: Callable[[], Any]) -> None:
    """Bounded by the test runner's limit."""
    while not condition():
        threading.Event().wait(0.01)


class Running:
    """A worker whose `run()` goes on in a thread, for so many seconds after `end()` at most."""

    def __init__(self, worker: Worker, longest_s: float = 60) -> None:
        self.worker = worker
        self.answer: bool | BaseException | None = None
        self._longest_s = longest_s
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.answer = self.worker.run()
        except BaseException as error:
            self.answer = error

    def end(self) -> bool | BaseException | None:
        self.thread.join(timeout=self._longest_s)
        assert not self.thread.is_alive()
        return self.answer
