"""One thread, one clock, one die: where everything in a simulation happens.

A `Strand` is a greenlet: an actor, a child process, or a program that uses them. It runs until it waits
for a `Signal` or for time, and only then another one runs. The hub chooses by its die among those that
can go on, and when nobody can, it moves the clock to the next moment at which something is due. So a
run is a function of the seed, and an hour costs what happens in it.

A strand belongs to a node. The strands of a paused node stay where they are until it goes on; those of
a crashed node end where they stand: `Killed` is raised in them, no answer, promise or frame of theirs
reaches anybody any more, and what they then wait for raises `Killed` again.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from actorsched.errors import InternalError

if TYPE_CHECKING:
    from actorsched.simulation.node import Node

#: so many steps at one moment of the clock are no progress but a system that spins
SPIN_MAX = 200_000
#: nobody waits for less, because the sum of a late moment and less than this may be the same moment
SHORTEST_S = 1e-6


class Killed(BaseException):
    """The strand ends here: its node has crashed, or its process was killed."""


class SpinError(InternalError):
    """The system does something again and again without letting time pass."""


class Moment:
    """Something that is due; `cancel()` forgets it."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], object]) -> None:
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        self.action = None


class Strand(greenlet):
    """A line of execution on a node.

    Attributes:
        name: for the trace.
        killed: it ends, or has ended, without a word.
        owner: what it executes: an actor, a child process.
    """

    def __init__(self, hub: Hub, node: Node, name: str, run: Callable[[], object], owner: Any = None) -> None:
        super().__init__(self._execute, hub.main)
        self.hub = hub
        self.node = node
        self.name = name
        self.owner = owner
        self.killed = False
        self.parked = True
        self.queued = False
        self._work = run

    def _execute(self) -> None:
        try:
            self._work()
        except Killed:
            pass
        except BaseException as error:  # a program of the simulation, or a loop of Pykka, is broken
            self.hub.failures.append((self.name, error))
        finally:
            self.node.strands.pop(self, None)

    def wake(self) -> None:
        """Let it go on, if it waits."""
        if self.parked and not self.queued and not self.killed:
            self.queued = True
            self.node.admit(self)

    def kill(self) -> None:
        """End it where it stands; at once, unless it is itself who says so."""
        if self.killed or self.dead:
            return
        self.killed = True
        self.node.strands.pop(self, None)
        if getcurrent() is self:
            raise Killed
        if getcurrent() is not self.hub.main:
            self.hub.after(0.0, self._end)
        else:
            self._end()

    def _end(self) -> None:
        if self.dead:
            return
        try:
            self.throw(Killed)
        except Killed:
            return  # it had not begun


class Hub:
    """See the top of the module.

    Args:
        seed: of the die.

    Attributes:
        now: seconds since the beginning; the true time, which no node knows.
        after_step: called after each step of a strand or of the clock.
        failures: (strand, error) of whatever ended with an error that nobody caught.
    """

    def __init__(self, seed: int | str = 0) -> None:
        self.now = 0.0
        self.random = random.Random(seed)
        self.main = getcurrent()
        self.ready: list[Strand] = []
        self.steps = 0
        self.failures: list[tuple[str, BaseException]] = []
        self.after_step: Callable[[], None] | None = None
        #: the `World` of the tasks
        self.world: Any = None
        self._moments: list[tuple[float, int, Moment]] = []
        self._ticket = 0
        self._spins = 0

    def activate(self) -> None:
        """Make this the hub of actors, futures and signals that are made from now on."""
        global _active
        _active = self
        self.main = getcurrent()

    def after(self, delay_s: float, action: Callable[[], object]) -> Moment:
        """Do something, so many seconds from now."""
        moment = Moment(action)
        self._ticket += 1
        heapq.heappush(self._moments, (self.now + delay_s, self._ticket, moment))
        return moment

    def run(self, until: Callable[[], bool] = lambda: False, for_s: float | None = None) -> bool:
        """Let things happen until something is so, or the time is over, or nothing can happen any more.

        Returns:
            whether it is so.

        Raises:
            SpinError: time does not pass.
            BaseException: what a strand ended with, if nobody caught it.
        """
        assert getcurrent() is self.main, "only the outside may let time pass"
        deadline = None if for_s is None else self.now + for_s
        while not until():
            if self.ready:
                self._resume(self._choose())
            elif not self._advance(deadline):
                break
            if self.failures:
                name, error = self.failures.pop(0)
                raise InternalError(f"{name} ended with {error!r} at {self.now:.6f}") from error
            if self.after_step is not None:
                self.after_step()
        return until()

    def _choose(self) -> Strand:
        ready = self.ready
        if len(ready) > 1:
            index = int(self.random.random() * len(ready))
            ready[index], ready[-1] = ready[-1], ready[index]
        return ready.pop()

    def _resume(self, strand: Strand) -> None:
        self.steps += 1
        self._spins += 1
        if self._spins > SPIN_MAX:
            raise SpinError(f"{self._spins} steps at {self.now:.6f} s, the last one by {strand.name}")
        strand.queued = False
        if strand.killed or strand.dead:
            return
        strand.parked = False
        strand.switch()

    def _advance(self, deadline: float | None) -> bool:
        """Move the clock to what is due next; False when it reached the deadline, or nothing is due."""
        moments = self._moments
        while moments and moments[0][2].action is None:
            heapq.heappop(moments)
        if not moments or (deadline is not None and moments[0][0] > deadline):
            if deadline is not None:
                self.now = max(self.now, deadline)
            return False
        at, _, moment = heapq.heappop(moments)
        if at > self.now:
            self.now = at
            self._spins = 0
        self.steps += 1
        action, moment.action = moment.action, None
        assert action is not None
        action()
        return True

    def park(self, signal: Signal | None, timeout_s: float | None) -> None:
        """Wait in the current strand until the signal is given or the time is over.

        Args:
            signal: None to wait for time alone.
            timeout_s: of the node's clock.
        """
        strand = current_strand()
        if strand.killed:
            raise Killed
        moment = None
        if timeout_s is not None:
            moment = self.after(max(0.0, timeout_s) / strand.node.rate, strand.wake)
        if signal is not None:
            signal.waiting.append(strand)
        strand.parked = True
        self.main.switch()
        if moment is not None:
            moment.cancel()
        if signal is not None and strand in signal.waiting:
            signal.waiting.remove(strand)
        if strand.killed:
            raise Killed


class Signal:
    """What strands wait for."""

    __slots__ = ("hub", "waiting")

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.waiting: list[Strand] = []

    def give(self) -> None:
        """Wake everybody who waits."""
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            for strand in waiting:
                strand.wake()

    def wait_for(self, is_so: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until something is so; it is looked at whenever the signal is given.

        The outside may wait too: then it lets time pass.

        Returns:
            False when the time was over before.
        """
        if getcurrent() is self.hub.main:
            return self.hub.run(is_so, timeout_s)
        node = current_strand().node
        deadline = None if timeout_s is None else node.clock.monotonic() + timeout_s
        while not is_so():
            left = None if deadline is None else deadline - node.clock.monotonic()
            if left is not None and left <= 0:
                return False
            self.hub.park(self, None if left is None else max(left, SHORTEST_S))
        return True


_active: Hub | None = None


def active_hub() -> Hub:
    """The hub of the simulation that is under way."""
    if _active is None:
        raise InternalError("no simulation is under way: make a Simulation first")
    return _active


def current_strand() -> Strand:
    """The strand that runs.

    Raises:
        InternalError: the outside runs, not a strand.
    """
    strand = getcurrent()
    if not isinstance(strand, Strand):
        raise InternalError("this can only be done inside of a simulation")
    return strand


def is_silenced() -> bool:
    """Whether the strand that runs was killed, so that nobody may hear of it."""
    strand = getcurrent()
    return isinstance(strand, Strand) and strand.killed


def sleep(seconds: float) -> None:
    """Let time pass for the current strand; for tasks and programs inside of a simulation."""
    strand = current_strand()
    strand.hub.park(None, seconds)
