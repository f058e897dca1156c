"""What SIGINT, SIGTERM and SIGUSR1 mean to a command: stop well, then at once; take no more work.

The first SIGINT or SIGTERM asks for a clean stop, a second one for an immediate one. Before there is
anything to stop (user code is being asked what there is to do) both end the command as a Ctrl-C would.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: longer than any run, and short enough for every kind of timer
FOREVER_S = 10 * 86_400.0


class StoppedError(KeyboardInterrupt):
    """SIGINT or SIGTERM came; a KeyboardInterrupt, so that no task can take it for an error of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        return 128 + self.number


class StopSignals:
    """The handlers of a command.

    Attributes:
        received: the number of the first signal that asked for a stop; None as long as there was none.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    @contextmanager
    def installed(self) -> Iterator[StopSignals]:
        """Handle the signals for as long as the block lasts; outside of the main thread do nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        handlers: dict[int, Callable[[int, Any], None]] = {
            signal.SIGINT: self._on_stop,
            signal.SIGTERM: self._on_stop,
        }
        if hasattr(signal, "SIGUSR1"):
            handlers[signal.SIGUSR1] = _on_no_more
        before = {
            number: signal.signal(number, handler)
            for number, handler in handlers.items()
            if signal.getsignal(number) is not signal.SIG_IGN  # as for a command in the background
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def stopping(self, stop: Callable[[float | None], Any]) -> Iterator[None]:
        """While the block lasts, a signal calls `stop` with the seconds that running tasks still have.

        None stands for the time that the settings give. It is called in another thread.
        """
        from actorsched.facade.signals import Signals

        with Signals(_Told(stop)) as signals:
            yield
        if self.received is None:
            self.received = signals.received

    def _on_stop(self, number: int, _frame: Any) -> None:
        self.received = number
        raise StoppedError(number)


class _Told:
    """What `stopping` calls, in the shape of a worker."""

    def __init__(self, stop: Callable[[float | None], Any]) -> None:
        self._stop = stop

    def stop(self, drain_s: float | None = None, *, at_once: bool = False) -> None:
        self._stop(0.0 if at_once else drain_s)

    def phase_out(self) -> None:
        self._stop(FOREVER_S)


def _on_no_more(_number: int, _frame: Any) -> None:
    """Nothing has been begun yet."""
