"""How ZeroMQ asks who may come in: its authentication protocol (ZAP, RFC 27), as a socket to be polled.

pyzmq has authenticators that do this; they write passwords into their log, run in a thread or an event
loop of their own, and have no second look at who was admitted. It takes one socket and six frames.

A ROUTER, so that an answer that takes long (the hash of a password) holds up nobody else.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actorsched.transport.keys import KeyPair

if TYPE_CHECKING:
    import zmq

ENDPOINT = "inproc://zeromq.zap.01"
VERSION = b"1.0"
DOMAIN = b"actorsched"
_ADMITTED, _LATER, _REFUSED = b"200", b"300", b"400"


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody wants to connect.

    Attributes:
        mechanism: how it identifies itself.
        address: of the peer, for the log.
        credentials: what it shows; never to be logged.
    """

    envelope: tuple[bytes, ...]
    request_id: bytes
    mechanism: str
    address: str
    credentials: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"<Knock by {self.mechanism} from {self.address}>"


class Door:
    """The door of some sockets. They have a context of their own, for there is one door in each.

    Attributes:
        socket: to be polled.
        context: for the sockets behind the door.

    Args:
        keys: the server's, where keys are asked for; None: user and password are.
    """

    def __init__(self, keys: KeyPair | None) -> None:
        import zmq

        self._again = zmq.Again
        self._keys = keys
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 65536)
        self.socket: zmq.Socket[bytes] = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)

    def protect(self, socket: zmq.Socket[bytes]) -> None:
        """Let nobody reach this socket, of the door's context, but through the door."""
        import zmq

        socket.zap_domain = DOMAIN
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        if self._keys is None:
            socket.plain_server = True
        else:
            socket.curve_server = True
            socket.curve_publickey = self._keys.public
            socket.curve_secretkey = self._keys.secret

    def receive(self) -> Knock | None:
        """The next one who knocks; None if there is nobody. Never waits."""
        while True:
            try:
                frames = self.socket.recv_multipart(1)  # zmq.NOBLOCK
            except self._again:
                return None
            if b"" not in frames:
                continue
            cut = frames.index(b"") + 1
            envelope, body = tuple(frames[:cut]), frames[cut:]
            if len(body) < 6 or body[0] != VERSION:
                continue
            mechanism, address = body[5].decode("ascii", "replace"), body[3].decode("ascii", "replace")
            return Knock(envelope, body[1], mechanism, address, tuple(body[6:]))

    def admit(self, knock: Knock, user: str) -> None:
        """Let it in, as this user."""
        self._answer(knock, _ADMITTED, b"OK", user.encode())

    def refuse(self, knock: Knock) -> None:
        """Turn it away, and say no more than that."""
        self._answer(knock, _REFUSED, b"not authorised")

    def put_off(self, knock: Knock) -> None:
        """Ask it to come back later."""
        self._answer(knock, _LATER, b"busy")

    def _answer(self, knock: Knock, status: bytes, text: bytes, user: bytes = b"") -> None:
        body = [VERSION, knock.request_id, status, text, user, b""]
        with contextlib.suppress(self._again):
            self.socket.send_multipart([*knock.envelope, *body], 1)

    def close(self) -> None:
        """Close the door and end the context; the sockets behind it must be closed already."""
        self.socket.close(0)
        self.context.term()
