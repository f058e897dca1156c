"""A machine that tests drive by hand, and the watch over all that they make."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine, check_invariants
from actorsched.core.state import State

#: of the machines that one test makes, so many are looked at; Hypothesis makes thousands
KEPT_MAX = 100


class Driven:
    """A machine whose time goes by as it is told; every method is called at the present time.

    Attributes:
        time: monotonic seconds; the wall clock shows a million more.
    """

    def __init__(self, resources: dict[str, int] | None = None, epoch: str = "e", **settings: Any) -> None:
        self.machine = SchedulerMachine(SchedulerSettings(**settings), resources=resources, epoch=epoch)
        self.time = 1000.0

    @property
    def now(self) -> Instant:
        return Instant(self.time, 1_000_000 + self.time)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.machine, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return method(self.now, *args, **kwargs)

        return call

    def after(self, seconds: float) -> None:
        """Let time go by, with nobody falling silent, and look at it."""
        self.time += seconds
        self.machine.renew_all(self.now)
        self.prune()

    def status(self, task_id: str) -> str:
        return self.machine.tasks[task_id].status

    def fail(self, task_id: str = "t", worker: str = "w") -> Any:
        """The worker gets this task, and it fails."""
        work = self.get_work(worker=worker)
        assert work["task_id"] == task_id, work
        return self.add_task(task_id=task_id, worker=worker, status="FAILED", run_id=work["run_id"])


def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the machines that are made from now on, and check their invariants in the end."""
    made: deque[State] = deque(maxlen=KEPT_MAX)
    make = State.__init__

    def make_and_keep(state: State, *args: Any, **kwargs: Any) -> None:
        make(state, *args, **kwargs)
        made.append(state)

    monkeypatch.setattr(State, "__init__", make_and_keep)
    yield
    for state in made:
        check_invariants(state)
