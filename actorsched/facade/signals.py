"""What signals mean to a worker.

SIGINT, SIGTERM  take no more work; what runs may end until the deadline, then it is ended and given back
                 to the scheduler; the second one ends it now
SIGUSR1          take no more work; what runs may end, however long it takes

The numbers come through a pipe that the interpreter writes at the moment of the signal, and a thread of
its own acts on them. A handler would not do: it runs in the main thread when that gets to it (which may
wait for something for a long time, and may begin to wait just when the signal comes), and in the middle
of whatever that does, so that it must take no lock, and talking to an actor takes one. So the worker may
run in any thread; only entering and leaving the context has to happen in the main thread, because
Python lets nobody else install handlers. Elsewhere the context does nothing, and `Worker.stop` is there for
whoever notices that it is time.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Protocol


class Stoppable(Protocol):
    """What signals need of a worker."""

    def stop(self, drain_s: float | None = None, *, at_once: bool = False) -> None: ...
    def phase_out(self) -> None: ...


#: missing on some platforms
PHASE_OUT = getattr(signal, "SIGUSR1", None)
STOP = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """While this context is open, signals stop the worker.

    Args:
        worker: a `Worker`.
        drain_s: as for `Worker.stop`.
        notify: called with a line of text for people when a signal is acted on, in another thread.

    Attributes:
        received: the first signal that asked to stop; None if there was none.
        installed: whether the handlers are in place; they are not outside of the main thread.
    """

    def __init__(
        self, worker: Stoppable, drain_s: float | None = None, notify: Callable[[str], None] | None = None
    ) -> None:
        self.received: signal.Signals | None = None
        self.installed = False
        self._worker = worker
        self._drain_s = drain_s
        self._notify = notify
        self._read = self._write = self._woken_before = -1
        self._before: dict[int, Any] = {}
        self._thread: threading.Thread | None = None

    @property
    def exit_code(self) -> int | None:
        """What a process that was stopped so exits with, by convention; None if it was not."""
        return None if self.received is None else 128 + self.received

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._woken_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._act, name="actorsched-signals", daemon=True)
        self._thread.start()
        for number in (*STOP, PHASE_OUT):
            # one that is ignored stays so: the program was started in the background, to outlive a Ctrl-C
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, _notice)
        self.installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.installed = False
        for number, handler in self._before.items():
            # None: it was not installed from Python, and cannot be put back from here
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before.clear()
        if self._thread is not None:
            signal.set_wakeup_fd(self._woken_before)
            os.write(self._write, b"\0")
            self._thread.join()
            self._thread = None
            os.close(self._read)
            os.close(self._write)

    def deliver(self) -> None:
        """After the context: let the signal that stopped the worker do what it would have done without us.

        Raises:
            KeyboardInterrupt: it was SIGINT, and Python's own handler is in place.
        """
        if self.received is not None:
            signal.raise_signal(self.received)

    def _act(self) -> None:
        while (number := os.read(self._read, 1)[0]) != 0:
            if number == PHASE_OUT:
                self._say("taking no more work; what runs may end")
                self._worker.phase_out()
            elif number not in STOP:
                continue  # a signal that somebody else handles
            elif self.received is None:
                self.received = signal.Signals(number)
                self._say(f"{self.received.name}: finishing what runs; once more to end it at once")
                self._worker.stop(self._drain_s)
            else:
                self._say("ending what runs")
                self._worker.stop(0, at_once=True)

    def _say(self, text: str) -> None:
        if self._notify is not None:
            self._notify(text)


def _notice(_number: int, _frame: FrameType | None) -> None:
    """There has to be a handler; the pipe has told all."""


def are_free() -> bool:
    """Whether nobody in this program has something of their own in mind with the signals that stop."""
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        and signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN)
    )
