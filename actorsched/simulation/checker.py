"""A checker watches from outside for one thing that must never happen, or that must be so at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from actorsched.actors.scheduler import SIGNS_OF_LIFE
from actorsched.simulation.wire import Served, WireWatcher
from actorsched.simulation.world import Watcher

if TYPE_CHECKING:
    from actorsched.core.machine import SchedulerMachine
    from actorsched.simulation.disk import SimulatedStore
    from actorsched.simulation.simulation import Simulation

#: why what another life than the present one says is refused
OTHER_LIVES = ("stale_incarnation", "unproven_incarnation")


class Finding(NamedTuple):
    """What a checker found."""

    checker: str
    at_s: float
    text: str


class Checker(Watcher, WireWatcher):
    """Base class. `self.fail(text)` reports.

    Users may add their own: subclass this, write the methods that are needed, and give the class to
    `Simulation(checkers=[…])`.
    """

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.hub = simulation.hub
        self.world = simulation.world

    def fail(self, text: str) -> None:
        finding = Finding(type(self).__name__, self.hub.now, text)
        self.simulation.findings.append(finding)
        self.simulation.trace.add("VIOLATION", finding.checker, finding.text)

    def each_second(self) -> None:
        """Called once in a second of virtual time."""

    def program_ended(self, node: str, succeeded: bool, wanted: tuple[str, ...]) -> None:
        """A worker's program has ended, with this exit status, for these tasks."""

    def restarted(self, node: str) -> None:
        """A node has begun a new life."""

    def committed(self, machine: SchedulerMachine, store: SimulatedStore) -> None:
        """A scheduler has written a commit."""

    def place_taken(self, store: SimulatedStore, former: SimulatedStore | None, silent_s: float) -> None:
        """A scheduler has taken the place in the store; for so long nothing was written by who had it."""

    def at_end(self) -> None:
        """Everything was healed, and every program has ended or the time is up."""


class Lives:
    """Which calls renew the lease of their worker.

    What another life than the present one says does not. A copy of a request does, if it is of the life that
    is the present one by now, whatever was answered to it when it came for the first time.
    """

    def __init__(self) -> None:
        #: worker → the life of which the scheduler has taken something last
        self.present: dict[str, object] = {}

    def renewed_by(self, call: Served) -> bool:
        """To be asked for each call, once."""
        if call.error is not None or call.method not in SIGNS_OF_LIFE:
            return False
        worker, life = str(call.params["worker"]), call.params.get("incarnation")
        if not call.fresh:
            return life == self.present.get(worker)
        if isinstance(call.result, dict) and call.result.get("refused") in OTHER_LIVES:
            return False
        self.present[worker] = life
        return True
