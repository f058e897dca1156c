"""The asking end: a REQ socket in the manner of the lazy pirate.

A REQ socket that got no answer can do nothing more, so it is closed and a new one is opened: the
policy of that (when, how often, to which address) is the business of the caller, who holds one
`ReqSocket` for each attempt that went wrong, and the same one for as long as all goes well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.transport.address import Address
from actorsched.transport.context import context

if TYPE_CHECKING:
    import zmq


class ReqSocket:
    """A REQ socket for one address; belongs to the thread that made it. Making it does not wait.

    Attributes:
        address: where it asks.
        socket: to be polled.

    Args:
        address: as `parse_address` returns it.
        patient: `send` may queue a frame for a peer that is not there yet.
        max_frame_bytes: an answer that is longer ends the connection.
    """

    def __init__(self, address: Address, *, patient: bool = False, max_frame_bytes: int = -1) -> None:
        import zmq

        self.address = address
        self._again = zmq.Again
        self._monitor: zmq.Socket[bytes] | None = None
        self._receive_timeout_ms = -1
        self.socket: zmq.Socket[bytes] = context().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.immediate = not patient
        self.socket.maxmsgsize = max_frame_bytes
        self.socket.ipv6 = ":" in address.host
        self.socket.reconnect_ivl = 50
        self.socket.reconnect_ivl_max = 1000
        if address.scheme != "inproc":
            self._monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.socket.connect(address.endpoint)

    def send(self, frame: bytes, timeout_s: float = 0.0) -> bool:
        """Send a request; False if there was no connection within the time."""
        try:
            self.socket.send(frame, 1)  # zmq.NOBLOCK
        except self._again:
            if timeout_s <= 0 or not self.socket.poll(_ms(timeout_s), 2):  # zmq.POLLOUT
                return False
            return self.send(frame)
        return True

    def receive(self, timeout_s: float = 0.0) -> list[bytes] | None:
        """Take the answer; None if there was none within the time."""
        timeout_ms = _ms(timeout_s)
        if timeout_ms != self._receive_timeout_ms:
            self.socket.rcvtimeo = self._receive_timeout_ms = timeout_ms
        try:
            return self.socket.recv_multipart()
        except self._again:
            return None

    def lost(self) -> bool:
        """Whether the connection broke, so that the answer to what was sent cannot come any more."""
        return self._monitor is not None and bool(self._monitor.poll(0))

    def close(self) -> None:
        if self.socket.closed:
            return
        if self._monitor is not None:
            self.socket.disable_monitor()
            self._monitor.close(0)
        self.socket.close(0)


def _ms(seconds: float) -> int:
    return max(0, int(seconds * 1000 + 0.999))
