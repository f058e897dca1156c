"""A record that goes hears nothing of its own going, whatever depends on what."""

from __future__ import annotations

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.invariants import check_invariants


@pytest.mark.parametrize(
    "edges",
    [
        {"A": ["A", "B"]},
        {"A": ["B"], "B": ["A"]},
        {"A": ["B"], "B": ["C"], "C": ["A"]},
        {"A": ["A"], "B": ["A", "B"]},
    ],
)
@pytest.mark.parametrize("done", ["A", "B"])
def test_a_record_on_a_cycle_is_forgotten_altogether(edges: dict[str, list[str]], done: str) -> None:
    """Found by random frames: it was counted again after it had gone."""
    machine = SchedulerMachine(SchedulerSettings(remove_delay=10.0), epoch="e")

    def at(second: float) -> Instant:
        return Instant(1000.0 + second, 2000.0 + second)

    for task_id, deps in edges.items():
        machine.add_task(at(0), worker="w", task_id=task_id, deps=deps)
    machine.cancel_task(at(1), task_id=done)
    machine.mark_as_done(at(2), task_id=done)
    check_invariants(machine)
    for second in range(60, 120, 3):  # the worker is given up, then its tasks go one after the other
        machine.prune(at(second))
        check_invariants(machine)
    assert machine.tasks == {}
