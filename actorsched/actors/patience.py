"""How long and how often something is tried that may need several attempts; not what is tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from actorsched.actors.contact import Contact
from actorsched.actors.messages import Resume
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings
from actorsched.errors import SchedulerUnreachableError

T = TypeVar("T")

#: the longest time between two looks at the other duties; nobody notices it, and it costs nothing
SLICE_S = 0.05
#: an answer that did not come in time (a large one, through a slow line) gets twice the time at the next
#: attempt, up to so many times `connect_timeout`: it might else be begun again for ever
LONGER_MAX = 16


class NoAnswerError(Exception):
    """One attempt was in vain; the text says why."""


class TooLateError(NoAnswerError):
    """There was somebody to ask, and his answer did not come within the time."""


class NotNowError(NoAnswerError):
    """The scheduler itself has said that it cannot serve at present, and why."""


def closed_early(url: str) -> SchedulerUnreachableError:
    """The error of a request whose client was closed while it waited."""
    return SchedulerUnreachableError(
        f"the client of {url} was closed before its request was answered; whether the request took effect"
        " is unknown"
    )


def over_early(method: str, url: str) -> SchedulerUnreachableError:
    """The error of a request whose time was over while it waited for its turn."""
    return SchedulerUnreachableError(f"{method}: its time was over before it could be sent to {url}")


class Patience:
    """Belongs to the thread of its owner.

    Attributes:
        contact: is told of attempts in vain and of answers.

    Args:
        url: for messages; without passwords.
        settings: how to wait and retry.
        runtime: clock and chance.
        closing: set to end a pause at once.
        meanwhile: the other duties of the owner; may raise, which ends it all.
        contact: where it is shared with somebody.
    """

    def __init__(
        self,
        url: str,
        settings: ClientSettings,
        runtime: Runtime,
        closing: Event,
        meanwhile: Callable[[], None],
        contact: Contact | None = None,
    ) -> None:
        self.contact = contact or Contact(url, runtime.clock.monotonic, settings.patience)
        self._url = url
        self._settings = settings
        self._random = runtime.random
        self._now = runtime.clock.monotonic
        self._closing = closing
        self._meanwhile = meanwhile

    def keep_trying(
        self,
        attempt: Callable[[float], T],
        patience_s: float | None = None,
        failed: Resume | None = None,
    ) -> T:
        """Make attempts until one succeeds.

        Args:
            attempt: gets the longest time that it may take; raises `NoAnswerError` when it was in vain.
            patience_s: None for that of the settings; 0 is for ever.
            failed: the first attempt, which was made by somebody else.

        Raises:
            SchedulerUnreachableError: the patience or the number of attempts is used up.
            Exception: what else an attempt raises.
        """
        settings = self._settings
        wanted_s = patience_s
        patience_s = settings.patience if patience_s is None else patience_s
        started = self._now() if failed is None else failed.since
        until = started + patience_s if patience_s > 0 else None

        heard: NotNowError | None = None
        longer = 1

        def once() -> T:
            nonlocal heard, longer
            timeout_s = longer * settings.connect_timeout
            if until is not None:
                timeout_s = min(timeout_s, max(SLICE_S, until - self._now()))
            try:
                result = attempt(timeout_s)
            except NotNowError as error:
                heard = error
                raise
            except NoAnswerError as error:
                longer = _longer(longer, error)
                if heard is not None and timeout_s < settings.connect_timeout:
                    raise heard from None  # the patience left too little time to hear it again
                heard = None
                raise
            self.contact.find(self._now())
            return result

        try:
            if failed is not None:
                longer = _longer(longer, failed.failure)
                raise failed.failure
            return once()
        except NoAnswerError as error:
            if failed is None:
                self.contact.lose(str(error), started, wanted_s)
            else:  # a while ago, and since then another thread may have had its answer
                self.contact.miss(str(error), started, failed.noticed)
            last, attempts = error, 1
        if settings.retry_attempts != 1 and (until is None or self._now() < until):
            # loaded when something goes wrong for the first time, which is never in most programs
            from tenacity import RetryCallState, Retrying, retry_if_exception_type

            def is_over(state: RetryCallState) -> bool:
                late = until is not None and self._now() >= until
                return late or 0 < settings.retry_attempts <= 1 + state.attempt_number

            def backoff(state: RetryCallState) -> float:
                return self._backoff(state.attempt_number, until)

            retrying = Retrying(
                sleep=self._pause,
                wait=backoff,
                stop=is_over,
                retry=retry_if_exception_type(NoAnswerError),
                reraise=True,
            )
            self._pause(self._backoff(1, until))
            try:
                return retrying(once)
            except NoAnswerError as error:
                last, attempts = error, 1 + retrying.statistics.get("attempt_number", 0)
        if isinstance(last, NotNowError):
            raise SchedulerUnreachableError(
                f"the scheduler at {self._url} could not serve for {self._now() - started:.3g} s: {last}"
            )
        raise SchedulerUnreachableError(
            f"no scheduler answered at {self._url} within {self._now() - started:.3g} s"
            f" ({attempts} attempt{'s' if attempts != 1 else ''}; the last one: {last}); is it running,"
            " and is the address right?"
        )

    def _backoff(self, attempt: int, until: float | None) -> float:
        """How long to wait after so many attempts; not beyond the end of the patience."""
        settings = self._settings
        longest = min(settings.retry_wait_max, settings.retry_wait_min * 2.0 ** min(attempt - 1, 30))
        wait_s = longest * self._random.uniform(1.0 - settings.retry_jitter, 1.0)
        return wait_s if until is None else min(wait_s, max(0.0, until - self._now()))

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, without neglecting the other duties."""
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            self._meanwhile()
            self._closing.wait(min(SLICE_S, left))


def _longer(factor: int, failure: Exception) -> int:
    """How many times its time an answer gets after this failure."""
    return min(2 * factor, LONGER_MAX) if isinstance(failure, TooLateError) else factor
