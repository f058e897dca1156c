"""The answering end of REQ/REP: takes one frame and gives one back.

What does not keep to that (several frames, none, a peer that is gone, a frame that is too long) is
answered or dropped by the socket itself, so that it can never block the honest peers.

To its peers it is a REP socket; here it is a ROUTER that keeps the envelope of a request itself: the
parts up to the first empty one, which go back in front of the answer. libzmq's own REP mislays the
envelope of the next peer after one that spoke something else and was disconnected in the middle of it,
so that a port scanner could cost an honest client the answer to a request.
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Any

from actorsched.transport.address import Address
from actorsched.transport.binding import Binding
from actorsched.transport.context import context
from actorsched.transport.zap import Door

if TYPE_CHECKING:
    import zmq

#: how long a closed socket goes on sending its last answers, in the background
LINGER_MS = 1000
#: answers that are kept for one peer that does not read; an honest one has at most one
MAX_UNREAD = 16
#: requests of one peer that wait to be taken, each of which may be 16 MiB long; an honest one has at most one
#: (ZeroMQ would take a thousand; with fewer than this, it wakes up its thread too often)
MAX_WAITING = 16
#: flags and options of ZeroMQ as plain numbers: the enumerations of pyzmq take longer than what they ask for
_NOBLOCK = 1
_NOBLOCK_SNDMORE = 1 | 2
_EVENTS = 15
_POLLIN = 1


class RepSocket:
    """A bound socket for REQ peers; belongs to the thread that made it.

    Attributes:
        address: where it listens, with the real port.
        socket: to be polled.
        user: who sent what was taken last, as the door named him; "" where there is no door.

    Args:
        address: as `parse_bind` returns it.
        max_frame_bytes: a peer that sends a longer frame is disconnected.
        door: who is let in; None: whoever reaches the address. `inproc` needs none.

    Raises:
        AddressInUseError: somebody else listens there.
        AddressError: this machine cannot listen there.
    """

    def __init__(self, address: Address, *, max_frame_bytes: int, door: Door | None = None) -> None:
        import zmq

        self._zmq_again = zmq.Again
        self._zmq_error = zmq.ZMQError
        self.user = ""
        #: leads back to the peer whose request was taken last; for `send`
        self.way: list[bytes] = []
        self._has_door = door is not None and address.scheme != "inproc"
        own = door.context if door is not None and self._has_door else context()
        self.socket: zmq.Socket[bytes] = own.socket(zmq.ROUTER)
        self.socket.linger = LINGER_MS
        self.socket.maxmsgsize = max_frame_bytes
        self.socket.sndhwm = MAX_UNREAD
        self.socket.rcvhwm = MAX_WAITING
        self.socket.router_mandatory = True  # say so when an answer cannot be sent, instead of dropping it
        if door is not None and self._has_door:
            door.protect(self.socket)
        try:
            self._binding = Binding(self.socket, address)
        except BaseException:
            self.socket.close(0)
            raise
        self.address = self._binding.address

    def receive(self) -> list[bytes] | None:
        """Take what a peer sent, or None when there is nothing; never waits.

        What is taken must be answered by `send`, with the `way` as it is then; the next may be taken before.
        """
        while True:
            try:
                part: Any = self.socket.recv(_NOBLOCK, False)
            except self._zmq_again:
                return None
            if self._has_door:
                user: object = part.get("User-Id")
                self.user = user if isinstance(user, str) else ""
            frames: list[bytes] = [part.bytes]
            while part.more:
                part = self.socket.recv(_NOBLOCK, False)
                frames.append(part.bytes)
            if b"" in frames:
                end = frames.index(b"") + 1
                self.way = frames[:end]
                return frames[end:]
            # without an envelope there is no way back; a REP socket drops it as well

    def waits(self) -> bool:
        """Whether there is something to take; costs less than to find that there is not."""
        return bool(int(self.socket.getsockopt(_EVENTS)) & _POLLIN)

    def send(self, frame: bytes, way: list[bytes]) -> None:
        """Answer what was taken, the way back; a peer that is gone or does not read gets nothing."""
        try:
            self._send(frame, way)
        except self._zmq_error as error:
            if error.errno != errno.EAGAIN:
                return  # the peer is gone
            # libzmq looks only once in a millisecond whether a peer has read, and until then takes one that
            # is fast for one that does not read; asking for the events makes it look
            self.socket.getsockopt(_EVENTS)
            with contextlib.suppress(self._zmq_error):
                self._send(frame, way)

    def _send(self, frame: bytes, way: list[bytes]) -> None:
        # by hand: `send_multipart` takes eight times as long, most of it for flags
        for part in way:
            self.socket.send(part, _NOBLOCK_SNDMORE)
        self.socket.send(frame, _NOBLOCK)

    def close(self) -> None:
        """Stop listening; when this returns, the address is free for others."""
        if self.socket.closed:
            return
        self._binding.release()
        self.socket.close()
