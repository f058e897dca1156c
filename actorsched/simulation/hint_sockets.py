"""PUB and SUB sockets of the simulation; see `transport/pub.py`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from actorsched.simulation.actors import Source
from actorsched.simulation.node import Node
from actorsched.simulation.passage import Passage
from actorsched.transport.address import Address

if TYPE_CHECKING:
    from actorsched.simulation.network import Network

#: a SUB socket tries to connect again within so long
RECONNECT_S_MAX = 1.0


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
                self._send(listener, worker, about)

    def _send(self, listener: SubEnd, worker: str, about: str) -> None:
        self._network.transmit(
            Passage(
                source=self.node,
                target=listener.node,
                direction="hint",
                what=f"hint of {about} for {worker}",
                deliver=lambda: listener.arrive(worker, about),
                again=lambda: listener.arrive(worker, about),
                broken=lambda: listener.broke(self),
            )
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
        full = len(self._heard) >= self._network.weather.queue  # then a PUB socket drops it
        if not self._closed and self.node.up and not full:
            self._heard.append((worker, about))
            self.socket.readable = True

    def break_off(self) -> None:
        """The node has crashed."""
        self.close()
