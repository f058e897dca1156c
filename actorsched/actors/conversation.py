"""The conversation with a server: one frame and its answer, however often that must be tried.

It is a straight line: send, wait, and if no answer comes send the very same frame again, on a
new socket, perhaps to the next address, until the patience is used up. Waiting is cut into slices, and
between two of them the owner does its other duties.

A new socket greets first: `hello` says whether the two sides understand each other, and where the server
gives its hints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorsched._version import __version__
from actorsched.actors.log import log
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings
from actorsched.errors import (
    AccessDeniedError,
    InvalidParamsError,
    ProtocolError,
    SchedulerUnreachableError,
    VersionError,
)
from actorsched.rpc import envelope
from actorsched.rpc.envelope import PROTOCOL_VERSION, Response
from actorsched.rpc.errors import error_from
from actorsched.transport.address import Address
from actorsched.transport.keys import Keys
from actorsched.transport.req import ReqSocket

#: the longest time between two looks at the other duties; nobody notices it, and it costs nothing
SLICE_S = 0.05
#: where there are several addresses, one that accepts no connection for so long is passed over
FIRST_CONTACT_S = 2.0

_HELLO = envelope.write_call(
    "hello", {"protocol_version": PROTOCOL_VERSION, "client": f"actorsched {__version__}"}, 0
)


class NoAnswerError(Exception):
    """One attempt was in vain; the text says why."""


class Conversation:
    """Belongs to the thread of its owner.

    Attributes:
        socket: the open one, if there is one.
        current: number of the endpoint that it uses, or will use next.

    Args:
        url: for messages; without passwords.
        endpoints: tried in turn.
        keys: for servers that ask for them.
        settings: how to wait and retry.
        runtime: clock, chance and the network.
        closing: set to end a pause at once.
        meanwhile: the other duties of the owner; may raise, which ends the conversation.
        greeted: is told what a server said to `hello`, and its address.
    """

    def __init__(
        self,
        url: str,
        endpoints: tuple[Address, ...],
        keys: Keys | None,
        settings: ClientSettings,
        runtime: Runtime,
        closing: Event,
        meanwhile: Callable[[], None],
        greeted: Callable[[Mapping[str, Any], Address], None],
    ) -> None:
        self.socket: ReqSocket | None = None
        self.current = 0
        self._url = url
        self._endpoints = endpoints
        self._keys = keys
        self._settings = settings
        self._runtime = runtime
        self._now = runtime.clock.monotonic
        self._closing = closing
        self._meanwhile = meanwhile
        self._greeted = greeted
        self._away_since: float | None = None
        self._was_in_contact = False

    def converse(self, frame: bytes, patience_s: float | None = None) -> Response | list[Response]:
        """Send a frame until it is answered.

        Args:
            patience_s: None for that of the settings; 0 is for ever.

        Raises:
            SchedulerUnreachableError: nobody answered within the patience.
            ProtocolError, VersionError, AccessDeniedError: somebody did, and it was of no use.
            InvalidParamsError: the frame is too long.
        """
        if len(frame) > envelope.MAX_FRAME_BYTES:
            raise InvalidParamsError(
                f"a request of {len(frame)} bytes is longer than {envelope.MAX_FRAME_BYTES}; make it smaller"
            )
        patience_s = self._settings.patience if patience_s is None else patience_s
        started = self._now()
        until = started + patience_s if patience_s > 0 else None
        try:
            return self._attempt(frame, until)
        except NoAnswerError as error:
            self._note_lost(error, patience_s)
            first = error
        # loaded when something goes wrong for the first time, which is never in most programs
        from tenacity import RetryCallState, Retrying, retry_if_exception_type

        settings = self._settings

        def is_over(state: RetryCallState) -> bool:
            attempts = 1 + state.attempt_number
            return (until is not None and self._now() >= until) or 0 < settings.retry_attempts <= attempts

        def backoff(state: RetryCallState) -> float:
            return self._backoff(state.attempt_number)

        retrying = Retrying(
            sleep=self._pause,
            wait=backoff,
            stop=is_over,
            retry=retry_if_exception_type(NoAnswerError),
            reraise=True,
        )
        last, attempts = first, 1
        if settings.retry_attempts != 1 and (until is None or self._now() < until):
            self._pause(self._backoff(1))
            try:
                for attempt in retrying:
                    with attempt:
                        return self._attempt(frame, until)
            except NoAnswerError as error:
                last, attempts = error, 1 + retrying.statistics.get("attempt_number", 0)
        raise SchedulerUnreachableError(
            f"no scheduler answered at {self._url} within {self._now() - started:.3g} s"
            f" ({attempts} attempts; the last one: {last}); is it running, and is the address right?"
        )

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _backoff(self, attempt: int) -> float:
        settings = self._settings
        longest = min(settings.retry_wait_max, settings.retry_wait_min * 2.0 ** min(attempt - 1, 30))
        return longest * self._runtime.random.uniform(1.0 - settings.retry_jitter, 1.0)

    # -- one attempt ----------------------------------------------------------------------------

    def _attempt(self, frame: bytes, until: float | None) -> Response | list[Response]:
        """Send a frame once and wait for its answer.

        Raises:
            NoAnswerError: there was none; the socket is closed.
            ProtocolError: what came is no answer.
        """
        self._meanwhile()
        started = self._now()
        if self.socket is not None and self.socket.lost():
            self.close()  # the server was away: whoever is there now must be greeted
        timeout_s = self._settings.connect_timeout
        if until is not None:
            timeout_s = min(timeout_s, max(SLICE_S, until - started))
        try:
            if self.socket is None:
                self.socket = self._runtime.network.open_req(self._endpoints[self.current], keys=self._keys)
                self._greet(self.socket, timeout_s)
            response = self._ask(self.socket, frame, timeout_s)
        except NoAnswerError:
            self.close()
            self.current = (self.current + 1) % len(self._endpoints)
            raise
        except BaseException:  # a socket that waits for an answer can send nothing else
            self.close()
            raise
        self._was_in_contact = True
        if self._away_since is not None:
            self._note_back()
        return response

    def _greet(self, socket: ReqSocket, timeout_s: float) -> None:
        response = self._ask(socket, _HELLO, timeout_s)
        if isinstance(response, list):
            raise ProtocolError(f"{self._url} answered a single request with a batch")
        if response.error is not None:
            if response.error.code == envelope.METHOD_NOT_FOUND:
                raise VersionError(
                    f"{self._url} is no scheduler of actorsched, or a very old one: it knows no handshake"
                )
            raise error_from(response.error)
        said = response.result
        version = said.get("protocol_version") if isinstance(said, Mapping) else None
        if version != PROTOCOL_VERSION:
            raise VersionError(
                f"{self._url} speaks version {version!r} of the protocol, and this client"
                f" ({__version__}) version {PROTOCOL_VERSION}; install the same version on both sides"
            )
        self._greeted(said, socket.address)

    def _ask(self, socket: ReqSocket, frame: bytes, timeout_s: float) -> Response | list[Response]:
        frames = self._receive(socket, frame, timeout_s)
        if len(frames) != 1:
            raise ProtocolError(f"{self._url} answered with {len(frames)} frames instead of one")
        try:
            response = envelope.read_responses(frames[0])
        except ValueError as error:
            raise ProtocolError(f"{self._url} answered with something that is no answer: {error}") from None
        if isinstance(response, Response) and response.error and response.error.code == envelope.UNAVAILABLE:
            raise NoAnswerError(response.error.message)
        return response

    def _receive(self, socket: ReqSocket, frame: bytes, timeout_s: float) -> list[bytes]:
        if not socket.send(frame):
            self._connect(socket, frame, timeout_s)
        deadline = self._now() + timeout_s
        while (frames := socket.receive(min(SLICE_S, timeout_s))) is None:
            self._meanwhile()
            if socket.lost():
                raise NoAnswerError(f"the connection to {socket.address} broke")
            if self._now() >= deadline:
                raise NoAnswerError(f"no answer from {socket.address} within {timeout_s:.3g} s")
        return frames

    def _connect(self, socket: ReqSocket, frame: bytes, timeout_s: float) -> None:
        """Send a frame as soon as there is a connection."""
        contact_s = timeout_s if len(self._endpoints) == 1 else min(timeout_s, FIRST_CONTACT_S)
        deadline = self._now() + contact_s
        while not socket.send(frame, min(SLICE_S, max(0.001, deadline - self._now()))):
            self._meanwhile()
            socket.check()
            if socket.denied and not self._was_in_contact:
                raise AccessDeniedError(
                    f"{socket.address} does not let this {'key' if self._keys else 'user'} in; ask whoever"
                    " runs the scheduler to authorise it"
                )
            if socket.refused:
                raise NoAnswerError(f"no connection to {socket.address}: {socket.refused}")
            if self._now() >= deadline:
                raise NoAnswerError(f"no connection to {socket.address} within {contact_s:.3g} s")

    # -- waiting --------------------------------------------------------------------------------

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, without neglecting the other duties."""
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            self._meanwhile()
            self._closing.wait(min(SLICE_S, left))

    def _note_lost(self, error: NoAnswerError, patience_s: float) -> None:
        if self._away_since is None:
            self._away_since = self._now()
            log.warning(
                "lost contact with the scheduler",
                url=self._url,
                cause=str(error),
                patience_s=patience_s or "no end",
            )

    def _note_back(self) -> None:
        assert self._away_since is not None
        away_s = round(self._now() - self._away_since, 3)
        self._away_since = None
        log.info("contact with the scheduler is back", url=self._url, away_s=away_s)
