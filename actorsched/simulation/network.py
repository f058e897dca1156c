"""The network of the simulation: the links between nodes, and what can happen to a frame.

Each frame may be lost (the connection hangs, or breaks), arrive twice (the copy comes later, as from a
connection that was given up, and its answer goes to nobody) or late. What is sent into a partition is
lost, or held back until it heals. There is no order between connections.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actorsched.simulation.hint_sockets import PubEnd, SubEnd
from actorsched.simulation.hub import Hub, is_silenced
from actorsched.simulation.node import Node
from actorsched.simulation.passage import Passage
from actorsched.simulation.request_sockets import RepEnd, ReqEnd
from actorsched.simulation.trace import Trace
from actorsched.simulation.wire import WireWatcher
from actorsched.transport.address import Address
from actorsched.transport.keys import KeyPair, Keys
from actorsched.transport.zap import Door
from actorsched.transport.zeromq import ZeroMq

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
        queue: frames that can wait at one server, and hints at one worker.
        uneven: some links are up to so many times slower than others.
    """

    delay_s: tuple[float, float] = (0.0005, 0.005)
    drop: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    late_s: float = 5.0
    breaks: float = 0.5
    held: float = 0.5
    queue: int = QUEUE_MAX
    uneven: float = 1.0


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
        #: sees each frame first, and may keep it: then it returns True, and the frame is its business
        self.script: Callable[[Passage], bool] | None = None
        self._held: list[Passage] = []
        #: pairs of names of nodes → how many times slower than others the link is
        self._slowness: dict[tuple[str, str], float] = {}
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
        for passage in held:
            if self.passes(passage.source, passage.target):
                self.hub.after(self.delay(), passage.deliver)
            else:
                self._held.append(passage)

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

    def _delay_on(self, link: tuple[str, str]) -> float:
        delay_s, uneven = self.delay(), self.weather.uneven
        if uneven <= 1.0:
            return delay_s
        if link not in self._slowness:
            self._slowness[link] = self.hub.random.choice((1.0, self.hub.random.uniform(1.0, uneven)))
        return delay_s * self._slowness[link]

    def transmit(self, passage: Passage) -> None:
        """Send something from node to node."""
        if is_silenced() or (self.script is not None and self.script(passage)):
            return
        random, weather = self.hub.random, self.weather
        link = passage.source.name, passage.target.name
        if not self.passes(passage.source, passage.target):
            held = random.random() < weather.held
            self.trace.add("held" if held else "cut", *link, passage.what)
            if held:
                self._held.append(passage)
            return
        if weather.drop and random.random() < weather.drop:
            breaks = random.random() < weather.breaks
            self.trace.add("broken" if breaks else "dropped", *link, passage.what)
            if breaks:
                self.hub.after(self.delay(), passage.broken)
            return
        self.trace.add("sent", *link, passage.what)
        self.hub.after(self._delay_on(link), passage.deliver)
        if weather.duplicate and random.random() < weather.duplicate:
            self.trace.add("doubled", *link, passage.what)
            self.hub.after(self.delay() * 3, passage.again)

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
