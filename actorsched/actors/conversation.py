"""The conversation with a server: one frame and its answer, however often that must be tried.

It is a straight line: send, wait, and if no answer comes send the very same frame again, on a
new socket, perhaps to the next address, until the patience is used up (`patience.py`). Waiting is cut into
slices, and between two of them the owner does its other duties.

A new socket greets first: `hello` says whether the two sides understand each other, and where the server
gives its hints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from actorsched._version import __version__
from actorsched.actors.contact import Contact
from actorsched.actors.messages import Resume
from actorsched.actors.patience import SLICE_S, NoAnswerError, NotNowError, Patience, TooLateError
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings
from actorsched.errors import (
    AccessDeniedError,
    InvalidParamsError,
    ProtocolError,
    VersionError,
)
from actorsched.rpc import envelope
from actorsched.rpc.envelope import PROTOCOL_VERSION, Response
from actorsched.rpc.errors import error_from
from actorsched.transport.address import Address
from actorsched.transport.keys import Keys
from actorsched.transport.req import ReqSocket

#: a frame is given a second more for each so many bytes: a slow line must not make it be sent for ever
BYTES_PER_S = 1024 * 1024
#: where there are several addresses, one that accepts no connection for so long is passed over
FIRST_CONTACT_S = 2.0

#: who has answered less than so long ago is still the same: a broken connection is not made again before
#: (`reconnect_ivl` of the sockets, which is twice as long)
SAME_S = 0.025

#: the first frame on a new socket
HELLO = envelope.write_call(
    "hello", {"protocol_version": PROTOCOL_VERSION, "client": f"actorsched {__version__}"}, 0
)


class Conversation:
    """Belongs to one thread at a time, that of its owner.

    Attributes:
        url: for messages; without passwords.
        socket: the open one, if there is one.
        current: number of the endpoint that it uses, or will use next.
        answered_at: when the last answer came.

    Args:
        url: for messages; without passwords.
        endpoints: tried in turn.
        keys: for servers that ask for them.
        settings: how to wait and retry.
        runtime: clock, chance and the network.
        closing: set to end a pause at once.
        meanwhile: the other duties of the owner; may raise, which ends the conversation.
        greeted: is told what a server said to `hello`, and its address.
        contact: where it is shared with other conversations.
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
        contact: Contact | None = None,
    ) -> None:
        self.url = url
        self.socket: ReqSocket | None = None
        self.current = 0
        self.answered_at = -inf
        self._endpoints = endpoints
        self._keys = keys
        self._runtime = runtime
        self._now = runtime.clock.monotonic
        self._patience = Patience(url, settings, runtime, closing, meanwhile, contact)
        self._meanwhile = meanwhile
        self._greeted = greeted
        self._contact_s = settings.connect_timeout
        if len(endpoints) > 1:
            self._contact_s = min(self._contact_s, FIRST_CONTACT_S)

    def converse(self, frame: bytes, patience_s: float | None = None) -> Response | list[Response]:
        """Send a frame until it is answered.

        Args:
            patience_s: None for that of the settings; 0 is for ever.

        Raises:
            SchedulerUnreachableError: nobody answered within the patience.
            ProtocolError, VersionError, AccessDeniedError: somebody did, and it was of no use.
            InvalidParamsError: the frame is too long.
        """
        check_length(frame)
        return self._patience.keep_trying(lambda timeout_s: self._attempt(frame, timeout_s), patience_s)

    def go_on(self, resume: Resume) -> Response | list[Response]:
        """As `converse`, for a frame that was sent in vain once already."""
        return self._patience.keep_trying(
            lambda timeout_s: self._attempt(resume.frame, timeout_s), failed=resume
        )

    def attempt(self, frame: bytes, timeout_s: float) -> Response | list[Response]:
        """Send a frame once.

        Raises:
            NoAnswerError: there was no answer.
            Exception: as from `converse`.
        """
        check_length(frame)
        response = self._attempt(frame, timeout_s)
        self._patience.contact.find(self.answered_at)
        return response

    def note_missed_pings(self, since: float, sent_at: float) -> None:
        """The pings beside this conversation are without an answer: it is lost before it says anything."""
        self._patience.contact.miss("the heartbeats are not answered", since, sent_at)

    def note_heard_pings(self) -> None:
        """They are answered, so it is not lost any more."""
        self._patience.contact.find(self._now())

    def prefer(self, endpoint: int) -> None:
        """Somebody answers at this endpoint: begin there, where the connection to another one is gone.

        Only between two frames.
        """
        if endpoint != self.current and (self.socket is None or self.socket.lost()):
            self.close()
            self.current = endpoint

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    # -- one attempt ----------------------------------------------------------------------------

    def _attempt(self, frame: bytes, timeout_s: float) -> Response | list[Response]:
        """Send a frame once and wait for its answer.

        Raises:
            NoAnswerError: there was none; the socket is closed.
            ProtocolError: what came is no answer.
        """
        self._meanwhile()
        try:
            if self.socket is None or self._is_gone(self.socket) or not self.socket.send(frame):
                self.close()  # the server was away: whoever is there now must be greeted
                self.socket = self._runtime.network.open_req(self._endpoints[self.current], keys=self._keys)
                self._greet(self.socket, timeout_s)
                self._send(self.socket, frame, timeout_s)
            return self._hear(self.socket, frame, timeout_s)
        except NoAnswerError:
            self.close()
            self.current = (self.current + 1) % len(self._endpoints)
            raise
        except BaseException:  # a socket that waits for an answer can send nothing else
            self.close()
            raise

    def _is_gone(self, socket: ReqSocket) -> bool:
        """Whether the one who was greeted may be another one by now; a look costs a system call."""
        return self._now() - self.answered_at > SAME_S and socket.lost()

    def _greet(self, socket: ReqSocket, timeout_s: float) -> None:
        self._send(socket, HELLO, timeout_s)
        response = self._hear(socket, HELLO, timeout_s)
        if isinstance(response, list):
            raise ProtocolError(f"{self.url} answered a single request with a batch")
        if response.error is not None:
            if response.error.code == envelope.METHOD_NOT_FOUND:
                raise VersionError(
                    f"{self.url} is no scheduler of actorsched, or a very old one: it knows no handshake"
                )
            raise error_from(response.error)
        said = response.result
        version = said.get("protocol_version") if isinstance(said, Mapping) else None
        if version != PROTOCOL_VERSION:
            raise VersionError(
                f"{self.url} speaks version {version!r} of the protocol, and this client"
                f" ({__version__}) version {PROTOCOL_VERSION}; install the same version on both sides"
            )
        self._greeted(said, socket.address)

    def _hear(self, socket: ReqSocket, frame: bytes, timeout_s: float) -> Response | list[Response]:
        """Wait for the answer to a frame that was sent."""
        frames = self._receive(socket, frame, timeout_s)
        if len(frames) != 1:
            raise ProtocolError(f"{self.url} answered with {len(frames)} frames instead of one")
        try:
            response = envelope.read_responses(frames[0])
        except ValueError as error:
            raise ProtocolError(f"{self.url} answered with something that is no answer: {error}") from None
        if isinstance(response, Response) and response.error and response.error.code == envelope.UNAVAILABLE:
            raise NotNowError(response.error.message)
        self.answered_at = self._now()
        return response

    def _receive(self, socket: ReqSocket, frame: bytes, timeout_s: float) -> list[bytes]:
        timeout_s += len(frame) // BYTES_PER_S
        deadline = self._now() + timeout_s
        while (frames := socket.receive(min(SLICE_S, timeout_s))) is None:
            self._meanwhile()
            if socket.lost():
                raise NoAnswerError(f"the connection to {socket.address} broke")
            if self._now() >= deadline:
                raise TooLateError(f"no answer from {socket.address} within {timeout_s:.3g} s")
        return frames

    def _send(self, socket: ReqSocket, frame: bytes, timeout_s: float) -> None:
        """Send a frame as soon as there is a connection."""
        if socket.send(frame):
            return
        contact_s = min(timeout_s, self._contact_s)
        deadline = self._now() + contact_s
        while not socket.send(frame, min(SLICE_S, max(0.001, deadline - self._now()))):
            self._meanwhile()
            socket.check()
            if socket.denied and not self._patience.contact.was_there:
                raise AccessDeniedError(
                    f"{socket.address} does not let this {'key' if self._keys else 'user'} in; ask whoever"
                    " runs the scheduler to authorise it"
                )
            if socket.refused:
                raise NoAnswerError(f"no connection to {socket.address}: {socket.refused}")
            if self._now() >= deadline:
                raise NoAnswerError(f"no connection to {socket.address} within {contact_s:.3g} s")


def check_length(frame: bytes, most: int = envelope.MAX_FRAME_BYTES) -> None:
    """See whether a frame may be sent.

    Raises:
        InvalidParamsError: it is too long.
    """
    if len(frame) > most:
        raise InvalidParamsError(f"a request of {len(frame)} bytes is longer than {most}; make it smaller")
