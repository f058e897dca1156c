"""What is said when the patience is over."""

from __future__ import annotations

import threading

import pytest

from actorsched.actors.patience import NoAnswerError, NotNowError, Patience
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.config import ClientSettings
from actorsched.errors import SchedulerUnreachableError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            NoAnswerError("no connection"),
            r"no scheduler answered at tcp://there within \S+ s \(2 attempts; the last one: no connection\);"
            r" is it running, and is the address right\?",
        ),
        (
            NotNowError("the disk is full"),
            r"the scheduler at tcp://there could not serve for \S+ s: the disk is full",
        ),
    ],
)
def test_a_scheduler_that_says_why_is_told_from_one_that_says_nothing(error: Exception, told: str) -> None:
    """Nobody shall look for a wrong address when a disk is full."""
    settings = ClientSettings(retry_attempts=2, retry_wait_min=0.0, retry_wait_max=0.0)
    patience = Patience("tcp://there", settings, Runtime(), threading.Event(), lambda: None)

    def attempt(timeout_s: float) -> None:
        raise error

    with pytest.raises(SchedulerUnreachableError, match=f"^{told}$"):
        patience.keep_trying(attempt)


def test_an_attempt_without_time_does_not_hide_what_the_scheduler_has_said() -> None:
    """The last one is cut short by the patience, and would only say that nobody answered so soon."""
    now = [0.0]
    settings = ClientSettings(connect_timeout=10.0, patience=3.0, retry_wait_min=0.0, retry_wait_max=0.0)
    runtime = Runtime(clock=CallableClock(lambda: now[0]))
    patience = Patience("tcp://there", settings, runtime, threading.Event(), lambda: None)
    answers = iter([NotNowError("the disk is full"), NoAnswerError("no connection within 0.05 s")])

    def attempt(timeout_s: float) -> None:
        now[0] += 2.0
        raise next(answers)

    with pytest.raises(SchedulerUnreachableError, match="could not serve for 4 s: the disk is full"):
        patience.keep_trying(attempt)


def test_no_pause_is_longer_than_the_patience() -> None:
    """Whoever is to be told within a second must not wait for five before the last attempt."""
    now = [0.0]

    class Pause(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            now[0] += timeout or 0.0
            return False

    settings = ClientSettings(patience=1.0, retry_wait_min=0.75, retry_wait_max=50.0, retry_jitter=0.0)
    runtime = Runtime(clock=CallableClock(lambda: now[0]))
    patience = Patience("tcp://there", settings, runtime, Pause(), lambda: None)
    attempts: list[float] = []

    def attempt(timeout_s: float) -> None:
        attempts.append(now[0])
        raise NoAnswerError("no connection")

    with pytest.raises(SchedulerUnreachableError, match=r"within 1 s \(3 attempts"):
        patience.keep_trying(attempt)
    assert attempts == pytest.approx([0.0, 0.75, 1.0])
