"""Hints from a server to whoever listens: a PUB socket, and the SUB socket for it.

Everything about hints may fail: one that finds no listener, or a slow one, is dropped. The first frame of a
hint is the id of a worker, which is also what a listener subscribes to; the second is what it is about.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from actorsched.transport.address import Address
from actorsched.transport.binding import Binding
from actorsched.transport.context import context
from actorsched.transport.family import wants_ipv6
from actorsched.transport.keys import Keys
from actorsched.transport.req import identify
from actorsched.transport.zap import Door

if TYPE_CHECKING:
    import zmq

#: hints that wait for one slow listener
MAX_UNREAD = 1000
#: a subscription that is longer ends its connection, and a hint that is longer that of its listener
MAX_TOPIC_BYTES = 4096
#: time between two questions whether a publisher is still there
HEARTBEAT_MS = 10_000


class PubSocket:
    """A bound PUB socket; belongs to the thread that made it.

    Attributes:
        address: where it is, with the real port.

    Args:
        address: as `parse_bind` returns it.
        door: who is let in; None: whoever reaches the address.

    Raises:
        AddressInUseError, AddressError: as `RepSocket`.
    """

    def __init__(self, address: Address, *, door: Door | None = None) -> None:
        import zmq

        self._again = zmq.Again
        guarded = door is not None and address.scheme != "inproc"
        self._socket: zmq.Socket[bytes] = (
            door.context if door is not None and guarded else context()
        ).socket(zmq.PUB)
        self._socket.linger = 0
        self._socket.sndhwm = MAX_UNREAD
        self._socket.maxmsgsize = MAX_TOPIC_BYTES
        if door is not None and guarded:
            door.protect(self._socket)
        try:
            self._binding = Binding(self._socket, address)
        except BaseException:
            self._socket.close(0)
            raise
        self.address = self._binding.address

    def publish(self, worker: str, about: str) -> None:
        """Tell those who subscribed to this worker; never waits."""
        topic = worker.encode("utf-8", "replace")
        if len(topic) < MAX_TOPIC_BYTES:
            with contextlib.suppress(self._again):
                self._socket.send_multipart([topic, about.encode()], 1)

    def close(self) -> None:
        if self._socket.closed:
            return
        self._binding.release()
        self._socket.close(0)


class SubSocket:
    """A SUB socket for one address; belongs to the thread that made it. Making it does not wait.

    Attributes:
        socket: to be polled.
    """

    def __init__(self, address: Address, *, keys: Keys | None = None) -> None:
        import zmq

        self._again = zmq.Again
        self.address = address
        self.socket: zmq.Socket[bytes] = context().socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.maxmsgsize = 2 * MAX_TOPIC_BYTES
        self.socket.ipv6 = wants_ipv6(address.host)
        self.socket.reconnect_ivl = 100
        self.socket.reconnect_ivl_max = 2000
        # nothing is ever sent from here, so that only a question shows that the other machine is gone
        self.socket.heartbeat_ivl = HEARTBEAT_MS
        self.socket.heartbeat_timeout = 3 * HEARTBEAT_MS
        if address.scheme != "inproc":
            identify(self.socket, address, keys)
        self.socket.connect(address.endpoint)

    def subscribe(self, worker: str) -> None:
        """Listen to the hints for this worker, too."""
        topic = worker.encode("utf-8", "replace")
        if (
            len(topic) < MAX_TOPIC_BYTES
        ):  # with a longer one it would lose its connection, and all other hints
            self.socket.subscribe(topic)

    def unsubscribe(self, worker: str) -> None:
        """Listen to them no more."""
        topic = worker.encode("utf-8", "replace")
        if len(topic) < MAX_TOPIC_BYTES:
            self.socket.unsubscribe(topic)

    def receive(self) -> tuple[str, str] | None:
        """The next hint, worker and what it is about; None if there is none. Never waits."""
        while True:
            try:
                frames = self.socket.recv_multipart(1)  # zmq.NOBLOCK
            except self._again:
                return None
            if len(frames) == 2:
                return frames[0].decode("utf-8", "replace"), frames[1].decode("utf-8", "replace")

    def close(self) -> None:
        if not self.socket.closed:
            self.socket.close(0)
