"""The network of the simulation: REQ and REP sockets between nodes, and what can happen to a frame.

A socket has the methods of the one that ships (`transport/req.py`, `rep.py`) and keeps their promises;
a connection is made after a round trip and breaks as TCP's does, so a client can know it (`lost`), or
never learn of it when the other side cannot be reached.

Each frame may be lost (the connection hangs, or breaks), arrive twice (the copy comes later, as from a
connection that was given up, and its answer goes to nobody) or late. What is sent into a partition is
lost, or held back until it heals. There is no order between connections.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actorsched.errors import AddressInUseError
from actorsched.simulation.actors import Source
from actorsched.simulation.hub import Hub, is_silenced
from actorsched.simulation.node import Node
from actorsched.simulation.trace import Trace
from actorsched.simulation.wire import WireWatcher, calls_in, identity_of
from actorsched.transport.address import Address
from actorsched.transport.keys import KeyPair, Keys
from actorsched.transport.zap import Door
from actorsched.transport.zeromq import ZeroMq

#: a REQ socket tries to connect again after so long, twice as long each time (as `transport/req.py`)
RECONNECT_S = 0.05
RECONNECT_S_MAX = 1.0
#: frames that wait for a REP socket; more than that, and nobody can send (ZeroMQ's default mark)
QUEUE_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What happens to frames; the shares are of all frames, from 0 to 1.

    Attributes:
        delay_s: shortest and longest time on the way.
        late_s: the longest time on the way of a frame that is late.
        breaks: of the lost frames, those whose connection breaks; the others just never arrive.
        held: of the frames sent into a partition, those that arrive when it heals.
        queue: frames that can wait at one server.
    """

    delay_s: tuple[float, float] = (0.0005, 0.005)
    drop: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    late_s: float = 5.0
    breaks: float = 0.5
    held: float = 0.5
    queue: int = QUEUE_MAX


class Network:
    """All links between all nodes."""

    def __init__(self, hub: Hub, trace: Trace, weather: Weather | None = None) -> None:
        self.hub = hub
        self.trace = trace
        self.weather = weather or Weather()
        self.listeners: dict[str, RepEnd] = {}
        self.publishers: dict[str, PubEnd] = {}
        #: pairs of names of nodes that nothing gets through, one way
        self.cut: dict[tuple[str, str], int] = {}
        self.watchers: list[WireWatcher] = []
        self._held: list[tuple[Node, Node, str, Callable[[], None]]] = []
        self._ports = 40_000

    def passes(self, source: Node, target: Node) -> bool:
        return not self.cut.get((source.name, target.name))

    def sever(self, pairs: list[tuple[str, str]]) -> None:
        """Let nothing through from the first to the second of each pair; may be done several times."""
        for pair in pairs:
            self.cut[pair] = self.cut.get(pair, 0) + 1

    def mend(self, pairs: list[tuple[str, str]]) -> None:
        """Undo one `sever`; what was held back is under way again."""
        for pair in pairs:
            self.cut[pair] = max(0, self.cut.get(pair, 0) - 1)
        held, self._held = self._held, []
        for source, target, what, deliver in held:
            if self.passes(source, target):
                self.hub.after(self.delay(), deliver)
            else:
                self._held.append((source, target, what, deliver))

    def mend_all(self) -> None:
        """Everything gets through everywhere; what was held back is under way again."""
        pairs, self.cut = list(self.cut), {}
        self.cut = dict.fromkeys(pairs, 1)
        self.mend(pairs)

    def delay(self) -> float:
        random, weather = self.hub.random, self.weather
        if weather.late and random.random() < weather.late:
            return random.uniform(0, weather.late_s)
        return random.uniform(*weather.delay_s)

    def transmit(
        self,
        source: Node,
        target: Node,
        what: str,
        deliver: Callable[[], None],
        again: Callable[[], None],
        broken: Callable[[], None],
    ) -> None:
        """Send something from node to node.

        Args:
            deliver: called when it arrives.
            again: called when a copy of it arrives.
            broken: called when the connection breaks by it.
        """
        if is_silenced():
            return
        random, weather = self.hub.random, self.weather
        if not self.passes(source, target):
            held = random.random() < weather.held
            self.trace.add("held" if held else "cut", source.name, target.name, what)
            if held:
                self._held.append((source, target, what, deliver))
            return
        if weather.drop and random.random() < weather.drop:
            breaks = random.random() < weather.breaks
            self.trace.add("broken" if breaks else "dropped", source.name, target.name, what)
            if breaks:
                self.hub.after(self.delay(), broken)
            return
        self.trace.add("sent", source.name, target.name, what)
        self.hub.after(self.delay(), deliver)
        if weather.duplicate and random.random() < weather.duplicate:
            self.trace.add("doubled", source.name, target.name, what)
            self.hub.after(self.delay() * 3, again)

    def port(self) -> int:
        self._ports += 1
        return self._ports


class NodeNetwork(ZeroMq):
    """The network as one node sees it."""

    def __init__(self, network: Network, node: Node) -> None:
        self._network = network
        self._node = node

    def make_poller(self) -> Any:
        raise NotImplementedError("a simulated inbox waits without a poller")

    def open_req(
        self,
        address: Address,
        *,
        patient: bool = False,
        max_frame_bytes: int = -1,
        keys: Keys | None = None,
    ) -> Any:
        return ReqEnd(self._network, self._node, address, patient=patient)

    def open_rep(self, address: Address, *, max_frame_bytes: int, door: Door | None = None) -> Any:
        return RepEnd(self._network, self._node, address)

    def open_pub(self, address: Address, *, door: Door | None = None) -> Any:
        return PubEnd(self._network, self._node, address)

    def open_sub(self, address: Address, *, keys: Keys | None = None) -> Any:
        return SubEnd(self._network, self._node, address)

    def open_door(self, keys: KeyPair | None) -> Any:
        raise NotImplementedError("the simulation has no keys: what they keep out is not what it is about")


class ReqEnd:
    """A REQ socket; see `transport/req.py`."""

    def __init__(self, network: Network, node: Node, address: Address, *, patient: bool) -> None:
        self.address = address
        self.socket = Source(network.hub)
        self.refused = ""
        self.denied = False
        self._network = network
        self.node = node
        self._patient = patient
        self._peer: RepEnd | None = None
        self._waiting: bytes | None = None  # sent by a patient one before there was a connection
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
        if self._patient:
            if self._peer is None:
                self._waiting = frame
                return True
        elif not self._is_open() and (
            timeout_s <= 0 or not self.socket.signal.wait_for(self._is_open, timeout_s)
        ):
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

    def _transmit(self, frame: bytes) -> None:
        assert self._peer is not None
        peer = self._peer
        self._asked += 1
        number = self._asked
        self._frame = frame
        self._network.transmit(
            self.node,
            peer.node,
            f"request of {len(frame)} bytes",
            lambda: peer.arrive(self, number, frame),
            lambda: peer.arrive(None, 0, frame),
            self._broke,
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
        if self._waiting is not None:
            frame, self._waiting = self._waiting, None
            self._transmit(frame)
        self.socket.signal.give()

    def _broke(self) -> None:
        """The connection is gone, and this side knows it."""
        if self._closed or self._peer is None:
            return
        self._peer.connections.pop(self, None)
        self._peer = None
        self._lost = True
        self.socket.signal.give()
        self._connect_later()

    def hear_of_end(self, peer: RepEnd) -> None:
        """The other side has closed, and says so if it can be heard."""
        if self._network.passes(peer.node, self.node):
            self._network.hub.after(self._network.delay(), self._broke)

    def arrive(self, number: int, frame: bytes) -> None:
        if not self._closed and self.node.up and number == self._asked:
            self._answer = frame
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
        self.queue: deque[tuple[ReqEnd | None, int, bytes]] = deque()
        self._network = network
        self._asking: tuple[ReqEnd | None, int, bytes] | None = None
        self._seen: dict[str, int] = {}
        self._closed = False
        node.sockets[self] = None
        network.listeners[str(address)] = self

    # -- what the actors use ----------------------------------------------------------------------

    def receive(self) -> list[bytes] | None:
        if not self.queue:
            return None
        assert self._asking is None, "a REP socket that owes an answer takes no request"
        connection, number, frame = self.queue.popleft()
        self._asking = connection, number, frame
        self.socket.readable = bool(self.queue)
        if connection is not None:
            connection.socket.signal.give()  # there is room again
        return [frame]

    def send(self, frame: bytes) -> None:
        assert self._asking is not None, "a REP socket that was asked nothing answers nothing"
        (connection, number, request), self._asking = self._asking, None
        if is_silenced():
            return
        identity = identity_of(request)
        fresh = identity is None or self._seen.get(identity[0], -1) < identity[1]
        if identity is not None and fresh:
            self._seen[identity[0]] = identity[1]
        for call in calls_in(connection.node.name if connection else "", request, frame, fresh=fresh):
            for watcher in self._network.watchers:
                watcher.served(call)
        if connection is None or connection not in self.connections:
            return
        self._network.transmit(
            self.node,
            connection.node,
            f"answer of {len(frame)} bytes",
            lambda: connection.arrive(number, frame),
            lambda: None,
            connection._broke,
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
        self.queue.clear()
        self.close()


class PubEnd:
    """A PUB socket; see `transport/pub.py`."""

    def __init__(self, network: Network, node: Node, address: Address) -> None:
        if address.scheme == "tcp" and address.port == 0:
            address = Address(scheme="tcp", host=address.host, port=network.port())
        self.address = address
        self.node = node
        self.listeners: dict[SubEnd, None] = {}
        self._network = network
        node.sockets[self] = None
        network.publishers[str(address)] = self

    def publish(self, worker: str, about: str) -> None:
        for listener in list(self.listeners):
            if worker in listener.topics:
                self._network.transmit(
                    self.node,
                    listener.node,
                    f"hint of {about} for {worker}",
                    lambda listener=listener: listener.arrive(worker, about),  # type: ignore[misc]
                    lambda listener=listener: listener.arrive(worker, about),  # type: ignore[misc]
                    lambda listener=listener: listener.broke(self),  # type: ignore[misc]
                )

    def close(self) -> None:
        self.node.sockets.pop(self, None)
        if self._network.publishers.get(str(self.address)) is self:
            del self._network.publishers[str(self.address)]
        for listener in list(self.listeners):
            listener.broke(self)

    def break_off(self) -> None:
        """The node has crashed."""
        self.close()


class SubEnd:
    """A SUB socket; see `transport/pub.py`."""

    def __init__(self, network: Network, node: Node, address: Address) -> None:
        self.address = address
        self.node = node
        self.socket = Source(network.hub)
        self.topics: dict[str, None] = {}
        self._network = network
        self._heard: deque[tuple[str, str]] = deque()
        self._closed = False
        node.sockets[self] = None
        self._connect_later()

    # -- what the actors use ----------------------------------------------------------------------

    def subscribe(self, worker: str) -> None:
        self.topics[worker] = None

    def unsubscribe(self, worker: str) -> None:
        self.topics.pop(worker, None)

    def receive(self) -> tuple[str, str] | None:
        found = self._heard.popleft() if self._heard else None
        self.socket.readable = bool(self._heard)
        return found

    def close(self) -> None:
        self._closed = True
        self.node.sockets.pop(self, None)
        peer = self._network.publishers.get(str(self.address))
        if peer is not None:
            peer.listeners.pop(self, None)

    # -- what the network does --------------------------------------------------------------------

    def _connect_later(self) -> None:
        self._network.hub.after(RECONNECT_S_MAX * self._network.hub.random.uniform(0.1, 1.0), self._connect)

    def _connect(self) -> None:
        if self._closed or not self.node.up:
            return
        peer = self._network.publishers.get(str(self.address))
        if peer is None or not self._network.passes(self.node, peer.node):
            self._connect_later()
        else:
            peer.listeners[self] = None

    def broke(self, peer: PubEnd) -> None:
        """The connection is gone; another one is made."""
        if peer.listeners.pop(self, self) is None and not self._closed:
            self._connect_later()

    def arrive(self, worker: str, about: str) -> None:
        if not self._closed and self.node.up:
            self._heard.append((worker, about))
            self.socket.readable = True

    def break_off(self) -> None:
        """The node has crashed."""
        self.close()
