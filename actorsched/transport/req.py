"""The asking end: a REQ socket in the manner of the lazy pirate.

A REQ socket that got no answer can do nothing more, so it is closed and a new one is opened: the
policy of that (when, how often, to which address) is the business of the caller, who holds one
`ReqSocket` for each attempt that went wrong, and the same one for as long as all goes well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched.transport.address import Address
from actorsched.transport.context import context
from actorsched.transport.family import wants_ipv6
from actorsched.transport.keys import Keys

if TYPE_CHECKING:
    import zmq


def identify(socket: zmq.Socket[bytes], address: Address, keys: Keys | None) -> None:
    """Have a socket show keys, or user and password, when it connects."""
    if keys is not None:
        socket.curve_serverkey = keys.server
        socket.curve_publickey = keys.own.public
        socket.curve_secretkey = keys.own.secret
    elif address.user:
        socket.plain_username = address.user.encode()
        socket.plain_password = address.password.encode()


class ReqSocket:
    """A REQ socket for one address; belongs to the thread that made it. Making it does not wait.

    Attributes:
        address: where it asks.
        socket: to be polled.
        refused: why there will be no connection, in words; "" as long as nobody has said so.
        denied: whether the server knows who this is, and will not have it.

    Args:
        address: as `parse_address` returns it.
        patient: `send` may queue a frame for a peer that is not there yet.
        max_frame_bytes: an answer that is longer ends the connection.
        keys: for a server that asks for them.
    """

    def __init__(
        self,
        address: Address,
        *,
        patient: bool = False,
        max_frame_bytes: int = -1,
        keys: Keys | None = None,
    ) -> None:
        import zmq

        self.address = address
        self.refused = ""
        self.denied = False
        self._again = zmq.Again
        self._monitor: zmq.Socket[bytes] | None = None
        self._receive_timeout_ms = -1
        self._broke = False  # since the last frame was sent
        self.socket: zmq.Socket[bytes] = context().socket(zmq.REQ)
        self.socket.linger = 0
        # an answer that comes late, or twice, must not be taken for that to the next request
        self.socket.req_correlate = True
        self.socket.immediate = not patient
        self.socket.maxmsgsize = max_frame_bytes
        self.socket.ipv6 = wants_ipv6(address.host)
        self.socket.reconnect_ivl = 50
        self.socket.reconnect_ivl_max = 1000
        if address.scheme != "inproc":
            self._monitor = self.socket.get_monitor_socket(
                zmq.EVENT_DISCONNECTED
                | zmq.EVENT_HANDSHAKE_FAILED_AUTH
                | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
                | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
            )
            identify(self.socket, address, keys)
        self.socket.connect(address.endpoint)

    def send(self, frame: bytes, timeout_s: float = 0.0) -> bool:
        """Send a request; False if there was no connection within the time."""
        try:
            self.socket.send(frame, 1)  # zmq.NOBLOCK
        except self._again:
            if timeout_s <= 0 or not self.socket.poll(_ms(timeout_s), 2):  # zmq.POLLOUT
                return False
            return self.send(frame)
        self._broke = False
        return True

    def receive(self, timeout_s: float = 0.0) -> list[bytes] | None:
        """Take the answer; None if there was none within the time."""
        timeout_ms = _ms(timeout_s)
        if timeout_ms != self._receive_timeout_ms:
            self.socket.rcvtimeo = self._receive_timeout_ms = timeout_ms
        try:
            part: Any = self.socket.recv(0, False)
        except self._again:
            return None
        frames: list[bytes] = [part.bytes]
        while part.more:  # by hand, because `recv_multipart` takes twice as long
            part = self.socket.recv(0, False)
            frames.append(part.bytes)
        return frames

    def lost(self) -> bool:
        """Whether the connection broke, so that the answer to what was sent cannot come any more.

        Whoever asks, the next one hears the same.
        """
        self._broke = self._look() or self._broke
        return self._broke

    def check(self) -> None:
        """Take note of what became of the handshake; sets `refused`."""
        self._look()

    def _look(self) -> bool:
        """Read what ZeroMQ tells of the connection; whether it broke."""
        # the option of what is waiting (zmq.EVENTS) costs less than a poll
        if self._monitor is None or not int(self._monitor.getsockopt(15)) & 1:
            return False
        import zmq
        from zmq.utils.monitor import recv_monitor_message

        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            if event["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self.denied = event["value"] == _UNAUTHORISED
                self.refused = "it does not let this key or user in" if self.denied else "it is too busy"
            elif event["event"] != zmq.EVENT_DISCONNECTED and not self.refused:
                self.refused = (
                    "the handshake failed: one side asks for keys or a password and the other has none,"
                    " or the key of the server is another one"
                )
        return True

    def close(self) -> None:
        if self.socket.closed:
            return
        if self._monitor is not None:
            self.socket.disable_monitor()
            self._monitor.close(0)
        self.socket.close(0)


#: what the server's door answers to strangers (`zap.py`); 300 is "come back later"
_UNAUTHORISED = 400


def _ms(seconds: float) -> int:
    return max(0, int(seconds * 1000 + 0.999))
