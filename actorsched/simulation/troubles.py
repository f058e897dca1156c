"""Inflicting the faults of a plan, and remembering who was disturbed when."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from actorsched.actors.scheduler import AWAY_S, AWAY_SHARE
from actorsched.simulation.faults import SCHEDULERS, Fault
from actorsched.simulation.network import Weather
from actorsched.simulation.node import Node

if TYPE_CHECKING:
    from actorsched.simulation.children import SimulatedChild
    from actorsched.simulation.simulation import Simulation

#: ends a fault; None: it has no end
Undo: TypeAlias = Callable[[], None] | None

#: how long a strand of a slow node waits for each of its turns, at most
SLUGGISH_S = 0.5


class Troubles:
    """Does to the nodes and the network of a simulation what its plan says, until all is healed."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._hub = simulation.hub
        self._network = simulation.network
        self._nodes = simulation.nodes
        self._last: dict[str, float] = {}
        self._present: dict[str, int] = {}
        #: when the scheduler was last back from an absence that it must have noticed
        self._noticed_at = 0.0
        #: the absences before, each from when the scheduler could not listen to when it was back
        self._absences: list[tuple[float, float]] = []
        #: when the scheduler was last stopped
        self._stopped_at = 0.0
        #: some of what was stored is lost, and nobody has read the rest yet
        self._bereft = False
        #: faults that last, in order, with what ends them
        self._open: dict[int, tuple[Fault, Callable[[], None]]] = {}
        self._numbers = 0
        self.healed = False
        #: runs whose process was killed
        self.killed: set[str] = set()

    def inflict(self, fault: Fault) -> None:
        """Let something go wrong, and be well again after its time."""
        node = self._nodes.get(fault.node)
        if self.healed or node is None:
            return
        trace = self._simulation.trace
        trace.add("fault", fault.kind, fault.node, fault.for_s)
        undo: Undo = getattr(self, f"_{fault.kind}")(node, fault.for_s)
        if undo is None:
            self.note(node.name)
            return
        self._present[node.name] = self._present.get(node.name, 0) + 1
        self._numbers += 1
        number = self._numbers
        self._open[number] = fault, undo
        self._hub.after(fault.for_s, lambda: self._end(number))

    def ruin(self, child: SimulatedChild) -> None:
        """What runs in this process takes its machine down; once all is healed, only its process."""
        node = child.node
        for_s = self._hub.random.uniform(1.0, 1.5 * self._simulation.options.lease_s)

        def strike() -> None:
            if self.healed:
                child.end(-signal.SIGKILL)
            else:
                self.inflict(Fault(at_s=self._hub.now, kind="crash", node=node.name, for_s=for_s))

        self._hub.after(0.0, strike)  # not by one of those that go down

    def mend(self) -> None:
        """End all faults that last; others may come."""
        for number in list(self._open):
            self._end(number)

    def _end(self, number: int) -> None:
        found = self._open.pop(number, None)
        if found is None:
            return
        fault, undo = found
        if not self.healed:
            self._simulation.trace.add("over", fault.kind, fault.node)
            undo()
        self._present[fault.node] -= 1
        self.note(fault.node)

    def heal(self) -> None:
        """From now on everything works."""
        self.healed = True
        self._simulation.trace.add("healed")
        self._network.weather = Weather()
        self._simulation.calm_disk()
        for node in self._nodes.values():
            node.sluggish_s = 0.0
            node.no_children = 0.0
            if node.paused:
                node.unpause()
            if not node.up:
                self._simulation.boot(node)
            self.note(node.name)
            self._present[node.name] = 0
        self._network.mend_all()

    # -- what checkers ask ------------------------------------------------------------------------

    def note(self, name: str) -> None:
        """The node is disturbed now."""
        self._last[name] = self._hub.now

    def last_at(self, name: str) -> float:
        """When something last disturbed the node, the scheduler, or what is between them."""
        weather = self._network.weather
        stormy = weather.drop or weather.late or weather.queue < 10
        if stormy or any(self._present.get(each, 0) > 0 for each in (name, *SCHEDULERS)):
            return self._hub.now
        return max(self._last.get(each, 0.0) for each in (name, *SCHEDULERS))

    def listening_for(self, since: float) -> float:
        """The longest silence since then that the scheduler may hold against a worker, in seconds.

        It gives all of them a full lease when it comes back from an absence; a short one it does not notice.
        But whom it has given up before, it has given up.
        """
        longest_s = 0.0
        for began, ended in self._absences:
            if ended > since:
                longest_s = max(longest_s, began - since)
                since = ended
        return max(longest_s, self._hub.now - since)

    def state_read(self) -> None:
        """A scheduler has read the state, and gives every worker a full lease."""
        if self._bereft:  # what was granted just before begins just after, and nobody knows of it
            self._bereft = False
            self._simulation.forget()
        alone = "standby" not in self._nodes  # else nobody can say which of the two was listening until when
        self._was_away(self._stopped_at if alone and self._stopped_at > self._noticed_at else self._hub.now)

    def _was_away(self, since: float) -> None:
        self._absences.append((since, self._hub.now))
        self._noticed_at = self._hub.now

    @property
    def noticed_at(self) -> float:
        """When the scheduler last gave every worker a full lease."""
        return self._noticed_at

    # -- faults by kind ---------------------------------------------------------------------------

    def _partition(self, node: Node, for_s: float) -> Undo:
        pairs = [(node.name, other) for other in self._nodes if other != node.name]
        return self._cut(pairs + [(b, a) for a, b in pairs])

    def _mute(self, node: Node, for_s: float) -> Undo:
        return self._cut([(node.name, other) for other in self._nodes if other != node.name])

    def _deafen(self, node: Node, for_s: float) -> Undo:
        return self._cut([(other, node.name) for other in self._nodes if other != node.name])

    def _cut(self, pairs: list[tuple[str, str]]) -> Undo:
        self._network.sever(pairs)
        return lambda: self._network.mend(pairs)

    def _pause(self, node: Node, for_s: float) -> Undo:
        if not node.up or node.paused:
            return None
        node.pause()
        since, life = self._hub.now, node.lives

        def undo() -> None:
            self._was_deaf(node, since)
            if node.lives == life and node.paused:
                node.unpause()

        return undo

    def _crash(self, node: Node, for_s: float) -> Undo:
        if not node.up:
            return None
        self._simulation.programs.forget(node)
        node.crash()
        since = self._hub.now
        if node.name == "scheduler":
            self._stopped_at = since

        def undo() -> None:
            self._was_deaf(node, since)
            if not node.up:
                self._simulation.boot(node)

        return undo

    def _kill(self, node: Node, for_s: float) -> Undo:
        live = [attempt for attempt in self._simulation.world.all_live() if attempt.node is node]
        if live:
            attempt = self._hub.random.choice(live)
            self.killed.add(attempt.run_id)
            attempt.child.end(-signal.SIGKILL)
        return None

    def _slow(self, node: Node, for_s: float) -> Undo:
        node.sluggish_s = SLUGGISH_S

        def undo() -> None:
            node.sluggish_s = 0.0

        return undo

    def _step(self, node: Node, for_s: float) -> Undo:
        node.clock.step_s += for_s * self._hub.random.choice((-1, 1))
        return None

    def _full(self, node: Node, for_s: float) -> Undo:
        disk = self._simulation.disk
        if disk is None or node.name not in SCHEDULERS:
            return None
        disk.full = True

        def undo() -> None:
            disk.full = False

        return undo

    def _power(self, node: Node, for_s: float) -> Undo:
        holds = self._simulation.serving() is node
        undo = self._crash(node, for_s)
        disk = self._simulation.disk
        if undo is not None and disk is not None and holds and disk.lose_power():
            self._bereft = True
            self._simulation.forget()
        return undo

    def _was_deaf(self, node: Node, since: float) -> None:
        if node.name == "scheduler" and self._simulation.disk is None:
            options = self._simulation.options
            away_s = min(AWAY_S, options.lease_s / AWAY_SHARE)
            if self._hub.now - since > away_s * (1 + 2 * options.skew):
                self._was_away(since)
