"""The truth about tasks, outside of all that schedules them: outputs that exist, runs that are live.

Checkers hear of each event here (`Watcher`); nothing of the system under test reads or writes this, but
for the tasks themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from actorsched.simulation.hub import Hub
from actorsched.simulation.trace import Trace

if TYPE_CHECKING:
    from actorsched.simulation.children import SimulatedChild


class Attempt:
    """One run of a task, as it really is.

    Attributes:
        number: the how many-th run of this task, from 1.
        holds: what it takes from the resources now.
        ending: how its plan wants it to end; "" while that is open.
        superseded_at: when somebody else was given the same task, or the run was given up.
    """

    def __init__(self, name: str, task_id: str, child: SimulatedChild, number: int, at: float) -> None:
        assert child.job is not None
        self.name = name
        self.task_id = task_id
        self.run_id = child.job.run_id
        self.node = child.node
        self.life = child.node.lives
        self.child = child
        self.number = number
        self.started_at = at
        self.ended_at: float | None = None
        self.holds: dict[str, int] = {}
        self.ending = ""
        self.superseded_at: float | None = None

    def __repr__(self) -> str:
        return f"{self.name}/{self.run_id} on {self.node.name}"


class Watcher:
    """What a checker may hear of; all of it from outside."""

    def run_started(self, attempt: Attempt) -> None: ...
    def run_ended(self, attempt: Attempt) -> None: ...
    def output_made(self, name: str) -> None: ...

    def broke(self, who: str, error: BaseException) -> None:
        """An actor has ended a message with an error that it did not expect."""


class World:
    """See the top of the module.

    Attributes:
        plans: by name.
        outputs: name → when it was made.
        live: task id → runs that are live.
        attempts: name → runs so far.
        moved_at: when a run began or ended last, or an output was made.
    """

    def __init__(self, hub: Hub, trace: Trace) -> None:
        self.hub = hub
        self.trace = trace
        self.plans: dict[str, Any] = {}
        self.outputs: dict[str, float] = {}
        self.made: dict[str, int] = {}
        self.live: dict[str, list[Attempt]] = {}
        self.attempts: dict[str, int] = {}
        self.moved_at = 0.0
        self.watchers: list[Watcher] = []
        #: takes down the machine of a child; set by who has the machines
        self.ruin: Callable[[SimulatedChild], None] = lambda child: None

    def has(self, name: str) -> bool:
        """Whether the output is there."""
        if name in self.outputs:
            return True
        appears = self.plans[name].appears_s
        return appears is not None and self.hub.now >= appears

    def put(self, name: str) -> None:
        """Make the output, at once and as a whole."""
        self.outputs.setdefault(name, self.hub.now)
        self.made[name] = self.made.get(name, 0) + 1
        self.moved_at = self.hub.now
        self.trace.add("output", name)
        for watcher in self.watchers:
            watcher.output_made(name)

    @contextmanager
    def running(
        self, plan: Any, child: SimulatedChild, task_id: str = "", *, holds: bool = True
    ) -> Iterator[Attempt]:
        """A run is live for as long as the block lasts, however it ends.

        Args:
            task_id: of the task, where the run is that of a batch.
            holds: it takes what its plan says from the resources.
        """
        assert child.job is not None
        number = self.attempts[plan.name] = self.attempts.get(plan.name, 0) + 1
        attempt = Attempt(plan.name, task_id or child.job.task_id, child, number, self.hub.now)
        attempt.holds = dict(plan.resources) if holds else {}
        self.live.setdefault(attempt.task_id, []).append(attempt)
        self.moved_at = self.hub.now
        self.trace.add("run", attempt)
        try:
            for watcher in self.watchers:
                watcher.run_started(attempt)
            yield attempt
        finally:
            attempt.ended_at = self.moved_at = self.hub.now
            self.live[attempt.task_id].remove(attempt)
            self.trace.add("end", attempt, attempt.ending or "ended from outside")
            for watcher in self.watchers:
                watcher.run_ended(attempt)

    def all_live(self) -> list[Attempt]:
        return [attempt for attempts in self.live.values() for attempt in attempts]
