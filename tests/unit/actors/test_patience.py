"""What is said when the patience is over."""

from __future__ import annotations

import threading

import pytest
import structlog

from actorsched.actors.messages import Resume
from actorsched.actors.patience import NoAnswerError, NotNowError, Patience, TooLateError
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


def test_a_loss_that_several_threads_have_noticed_is_told_of_once() -> None:
    """Their frames are sent again one after the other, and the first one has its answer before the next."""
    now = [0.0]
    runtime = Runtime(clock=CallableClock(lambda: now[0]))
    settings = ClientSettings(retry_wait_min=0.0, retry_wait_max=0.0)
    patience = Patience("tcp://there", settings, runtime, threading.Event(), lambda: None)
    broke = NoAnswerError("the connection broke")

    def go_on(since: float, noticed: float) -> None:
        failed = Resume(frame=b"", number=1, since=since, noticed=noticed, failure=broke)
        now[0] += 1.0
        patience.keep_trying(lambda timeout_s: None, failed=failed)

    with structlog.testing.capture_logs() as logs:
        patience.contact.find(5.5)  # the last answer before
        now[0] = 6.0
        for since in (5.0, 5.4, 5.6):
            go_on(since, 6.0)
    assert [entry["event"] for entry in logs] == [
        "lost contact with the scheduler",
        "contact with the scheduler is back",
    ]


def test_an_answer_that_is_late_gets_more_time_the_next_time() -> None:
    """A large one through a slow line would else never come: it would be begun again and again."""
    settings = ClientSettings(connect_timeout=10.0, retry_wait_min=0.0, retry_wait_max=0.0)
    patience = Patience("tcp://there", settings, Runtime(), threading.Event(), lambda: None)
    errors: list[Exception] = [TooLateError("no answer")] * 3
    errors += [NoAnswerError("no connection")] + [TooLateError("no answer")] * 3
    allowed: list[float] = []

    def attempt(timeout_s: float) -> str:
        allowed.append(timeout_s)
        if errors:
            raise errors.pop(0)
        return "answer"

    failed = Resume(frame=b"", number=1, since=0.0, noticed=0.0, failure=TooLateError("no answer"))
    assert patience.keep_trying(attempt, 0.0) == "answer"
    assert allowed == [10.0, 20.0, 40.0, 80.0, 80.0, 160.0, 160.0, 160.0]
    assert patience.keep_trying(attempt, 0.0, failed=failed) == "answer"
    assert allowed[-1] == 20.0
