"""A machine of the simulation: its clocks, what runs on it, and what can happen to it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from actorsched.simulation.hub import Hub, Strand

if TYPE_CHECKING:
    from actorsched.simulation.disk import SimulatedDisk
    from actorsched.simulation.network import Network

#: where wall time begins: a day in 2025
EPOCH_WALL = 1_750_000_000.0


class NodeClock:
    """The clocks of one node: the monotonic one may run a little fast or slow, the other one may step."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.step_s = 0.0

    def monotonic(self) -> float:
        node = self._node
        return node.offset_s + node.hub.now * node.rate

    def wall(self) -> float:
        return EPOCH_WALL + self._node.hub.now * self._node.rate + self.step_s


class Node:
    """See the top of the module.

    Args:
        name: unique.
        rate: seconds of its monotonic clock in one true second.

    Attributes:
        lives: how often it was started; a crash ends a life.
        sluggish_s: the longest time that a strand of a slow node waits for its turn.
        no_children: the share of starts of child processes that fail, from 0 to 1.
        disk: where a scheduler keeps its state; None where nothing is kept.
    """

    def __init__(self, hub: Hub, network: Network, name: str, rate: float = 1.0) -> None:
        self.hub = hub
        self.network = network
        self.name = name
        self.rate = rate
        self.offset_s = hub.random.uniform(0, 100_000)
        self.clock = NodeClock(self)
        self.up = True
        self.lives = 1
        self.paused = False
        self.sluggish_s = 0.0
        self.no_children = 0.0
        self.disk: SimulatedDisk | None = None
        self.strands: dict[Strand, None] = {}
        self.sockets: dict[Any, None] = {}
        self._held: list[Strand] = []
        self._urns = 0

    def __repr__(self) -> str:
        return f"<node {self.name}>"

    def spawn(self, run: Callable[[], object], name: str, owner: Any = None) -> Strand:
        """Start a strand on this node."""
        strand = Strand(self.hub, self, f"{self.name}/{name}", run, owner)
        self.strands[strand] = None
        strand.wake()
        return strand

    def admit(self, strand: Strand) -> None:
        """A strand may go on, as soon as the node lets it."""
        if self.paused:
            self._held.append(strand)
        elif self.sluggish_s:
            self.hub.after(self.hub.random.uniform(0, self.sluggish_s), lambda: self._let(strand))
        else:
            self.hub.ready.append(strand)

    def _let(self, strand: Strand) -> None:
        if self.paused:
            self._held.append(strand)
        else:
            self.hub.ready.append(strand)

    def pause(self) -> None:
        """Nothing on the node goes on; what arrives for it waits."""
        self.paused = True
        still = [strand for strand in self.hub.ready if strand.node is self]
        self.hub.ready[:] = [strand for strand in self.hub.ready if strand.node is not self]
        self._held.extend(still)

    def unpause(self) -> None:
        self.paused = False
        held, self._held = self._held, []
        self.hub.ready.extend(held)

    def crash(self) -> None:
        """End everything on the node without a word; its connections break."""
        self.up = False
        self.paused = False
        self._held.clear()
        while self.strands:
            next(iter(self.strands)).kill()
        for socket in list(self.sockets):
            socket.break_off()
        self.sockets.clear()

    def boot(self) -> None:
        """A new life, with nothing running."""
        self.up = True
        self.lives += 1

    def urn(self, kind: str) -> str:
        """A name for an actor that says where and what it is."""
        self._urns += 1
        return f"urn:simulation:{self.name}:{kind}:{self._urns}"

    def make_random(self) -> random.Random:
        return random.Random(self.hub.random.getrandbits(64))
