"""REQ and REP sockets of the simulation.

Each has the methods of the one that ships (`transport/req.py`, `rep.py`) and keeps their promises; a
connection is made after a round trip and breaks as TCP's does, so a client can know it (`lost`), or
never learn of it when the other side cannot be reached.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from actorsched.errors import AddressInUseError
from actorsched.simulation.actors import Source
from actorsched.simulation.hub import is_silenced
from actorsched.simulation.node import Node
from actorsched.simulation.passage import Passage
from actorsched.simulation.wire import asked_in, calls_in, identity_of, was_put_off
from actorsched.transport.address import Address

if TYPE_CHECKING:
    from actorsched.simulation.network import Network

#: a REQ socket tries to connect again after so long, twice as long each time (as `transport/req.py`)
RECONNECT_S = 0.05
RECONNECT_S_MAX = 1.0


class ReqEnd:
    """A REQ socket; see `transport/req.py`."""

    def __init__(self, network: Network, node: Node, address: Address, *, patient: bool) -> None:
        self.address = address
        self.socket = Source(network.hub)
        self.refused = ""
        self.denied = False
        #: a frame was sent, and neither has its answer come nor is it known that none will
        self.waits = False
        self._network = network
        self.node = node
        self.patient = patient
        self._peer: RepEnd | None = None
        self._waiting: bytes | None = None  # sent by a patient one before there was room for it
        self._frame = b""
        self._answer: bytes | None = None
        self._asked = 0
        self._lost = False
        self._closed = False
        self._attempts = 0
        node.sockets[self] = None
        self._connect_later()

    # -- what the actors use ----------------------------------------------------------------------

    def send(self, frame: bytes, timeout_s: float = 0.0) -> bool:
        if self.patient:
            if not self._is_open():
                self._waiting = frame
                self._want_room()
                return True
        elif not self._is_open() and (timeout_s <= 0 or not self._wait_for_room(timeout_s)):
            return False
        self._transmit(frame)
        return True

    def receive(self, timeout_s: float = 0.0) -> list[bytes] | None:
        if self._answer is None and timeout_s > 0:
            self.socket.signal.wait_for(self._has_answer, timeout_s)
        answer, self._answer = self._answer, None
        self.socket.readable = False
        return None if answer is None else [answer]

    def lost(self) -> bool:
        return self._lost

    def check(self) -> None: ...

    def close(self) -> None:
        self._closed = True
        self.node.sockets.pop(self, None)
        if self._peer is not None:
            self._peer.connections.pop(self, None)
            self._peer = None

    # -- what the network does --------------------------------------------------------------------

    def _has_answer(self) -> bool:
        return self._answer is not None

    def _is_open(self) -> bool:
        """Whether a frame can be sent now."""
        return self._peer is not None and len(self._peer.queue) < self._network.weather.queue

    def _wait_for_room(self, timeout_s: float) -> bool:
        self._want_room()
        return self.socket.signal.wait_for(self._is_open, timeout_s)

    def _want_room(self) -> None:
        if self._peer is not None:
            self._peer.crowd[self] = None

    def _transmit(self, frame: bytes) -> None:
        assert self._peer is not None
        peer = self._peer
        self._asked += 1
        number = self._asked
        self._frame = frame
        self.waits = True
        self._network.transmit(
            Passage(
                source=self.node,
                target=peer.node,
                direction="request",
                what=f"request of {len(frame)} bytes",
                deliver=lambda: peer.arrive(self, number, frame),
                again=lambda: peer.arrive(None, 0, frame),
                broken=self.broke,
                frame=frame,
            )
        )

    def _connect_later(self) -> None:
        wait = min(RECONNECT_S_MAX, RECONNECT_S * 2.0**self._attempts) if self._attempts else 0.0
        self._attempts = min(self._attempts + 1, 10)
        round_trip = 2 * self._network.hub.random.uniform(*self._network.weather.delay_s)
        self._network.hub.after(wait + round_trip, self._connect)

    def _connect(self) -> None:
        if self._closed or not self.node.up or self._peer is not None:
            return
        peer = self._network.listeners.get(str(self.address))
        if peer is None or not (
            self._network.passes(self.node, peer.node) and self._network.passes(peer.node, self.node)
        ):
            self._connect_later()
            return
        self._peer = peer
        self._attempts = 1
        peer.connections[self] = None
        self.find_room()

    def find_room(self) -> None:
        """There may be room for a frame."""
        if self._waiting is not None and self._is_open():
            frame, self._waiting = self._waiting, None
            self._transmit(frame)
        self.socket.signal.give()

    def broke(self) -> None:
        """The connection is gone, and this side knows it."""
        if self._closed or self._peer is None:
            return
        self._peer.connections.pop(self, None)
        self._peer = None
        self._lost = True
        self.waits = False
        self.socket.signal.give()
        self._connect_later()

    def hear_of_end(self, peer: RepEnd) -> None:
        """The other side has closed, and says so if it can be heard."""
        if self._network.passes(peer.node, self.node):
            self._network.hub.after(self._network.delay(), self.broke)

    def arrive(self, number: int, frame: bytes) -> None:
        if not self._closed and self.node.up and number == self._asked:
            self._answer = frame
            self.waits = False
            for call in calls_in(self.node.name, self._frame, frame):
                for watcher in self._network.watchers:
                    watcher.delivered(call)
            self.socket.readable = True

    def break_off(self) -> None:
        """The node has crashed."""
        self.close()


class RepEnd:
    """A REP socket; see `transport/rep.py`."""

    def __init__(self, network: Network, node: Node, address: Address) -> None:
        if address.scheme == "tcp" and address.port == 0:
            address = Address(scheme="tcp", host=address.host, port=network.port())
        if str(address) in network.listeners:
            raise AddressInUseError(f"address {address}: somebody else listens there")
        self.address = address
        self.node = node
        self.user = ""
        self.socket = Source(network.hub)
        self.connections: dict[ReqEnd, None] = {}
        #: those that have waited for room since there was some
        self.crowd: dict[ReqEnd, None] = {}
        self.queue: deque[tuple[ReqEnd | None, int, bytes]] = deque()
        self._network = network
        #: as in `transport/rep.py`: who asked last, what, and when
        self.way: Any = None
        #: what was taken and is not answered, in order; by the identity of its way
        self.owed: dict[int, Any] = {}
        self._seen: dict[str, int] = {}
        self._closed = False
        node.sockets[self] = None
        network.listeners[str(address)] = self

    # -- what the actors use ----------------------------------------------------------------------

    def receive(self) -> list[bytes] | None:
        if not self.queue:
            return None
        connection, number, frame = self.queue.popleft()
        self.way = connection, number, frame, self._network.hub.now
        self.owed[id(self.way)] = self.way
        self.socket.readable = bool(self.queue)
        if self.crowd:
            crowd, self.crowd = self.crowd, {}
            for each in crowd:
                if each in self.connections:
                    each.find_room()
        return [frame]

    def waits(self) -> bool:
        return bool(self.queue)

    def send(self, frame: bytes, way: tuple[ReqEnd | None, int, bytes, float]) -> None:
        connection, number, request, taken_at = way
        if is_silenced():
            return
        self.owed.pop(id(way), None)
        identity = identity_of(request)
        fresh = identity is None or self._seen.get(identity[0], -1) < identity[1]
        name = connection.node.name if connection else ""
        calls = list(calls_in(name, request, frame, fresh=fresh, taken_at=taken_at))
        if identity is not None and fresh and not any(map(was_put_off, calls)):
            self._seen[identity[0]] = identity[1]
        for call in calls:
            for watcher in self._network.watchers:
                watcher.served(call)
        if connection is None or connection not in self.connections:
            return
        self._network.transmit(
            Passage(
                source=self.node,
                target=connection.node,
                direction="answer",
                what=f"answer of {len(frame)} bytes",
                deliver=lambda: connection.arrive(number, frame),
                again=lambda: None,
                broken=connection.broke,
                frame=frame,
                asked=request,
            )
        )

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.node.sockets.pop(self, None)
        if self._network.listeners.get(str(self.address)) is self:
            del self._network.listeners[str(self.address)]
        for connection in list(self.connections):
            connection.hear_of_end(self)

    # -- what the network does --------------------------------------------------------------------

    def arrive(self, connection: ReqEnd | None, number: int, frame: bytes) -> None:
        if self._closed or not self.node.up:
            if connection is not None:
                connection.hear_of_end(self)
            return
        self.queue.append((connection, number, frame))
        self.socket.readable = True

    def break_off(self) -> None:
        """The node has crashed."""
        for connection, _, request, _ in self.owed.values():
            for call in asked_in(connection.node.name if connection else "", request):
                for watcher in self._network.watchers:
                    watcher.unanswered(call)
        self.queue.clear()
        self.close()


def asks(node: Node) -> bool:
    """Whether somebody on the node has asked something, beside the heartbeats, that was not answered yet."""
    return any(isinstance(each, ReqEnd) and each.waits and not each.patient for each in node.sockets)
