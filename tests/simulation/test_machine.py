"""A state machine of a user finds a bug of a user's worker, and what is left of it is small."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from actorsched.actors.messages import SlotEnded
from actorsched.actors.worker import WorkerActor
from actorsched.simulation import Options, Plan, SimulationMachine


class ForgivingWorker(WorkerActor):
    """Takes a run whose process was lost for a good one. This is the bug."""

    def handle(self, message: object) -> Any:
        if isinstance(message, SlotEnded) and message.outcome.lost:
            outcome = msgspec.structs.replace(message.outcome, status="DONE", lost="")
            message = replace(message, outcome=outcome)
        return super().handle(message)


class InBadCompany(SimulationMachine):
    """What a user writes, and beside it a note of what was done in the last example."""

    options = Options(workers=2, assistants=0, lease_s=10.0, bound_s=60.0)
    worker_class = ForgivingWorker
    made: ClassVar[list[InBadCompany]] = []

    def __init__(self) -> None:
        super().__init__()
        self.made[:] = [self]

    @property
    def plans(self) -> list[Plan]:
        return list(self.simulation.world.plans.values())


def test_a_bug_in_a_worker_of_ones_own_is_found_and_made_small() -> None:
    """One process of a run is lost, and nothing else goes wrong; hardly another task is left.

    Where Hypothesis begins to look depends on the constants in all modules that are loaded, so the smallest
    of all is not found each time.
    """
    bounded = settings(
        max_examples=100,
        stateful_step_count=10,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    with pytest.raises(AssertionError, match="ExitStatus"):
        run_state_machine_as_test(InBadCompany, settings=bounded)  # type: ignore[no-untyped-call]
    [least] = InBadCompany.made
    assert [finding.checker for finding in least.simulation.findings] == ["ExitStatus"]
    assert len(least.plans) <= 3
    endings = [ending for plan in least.plans for ending in plan.endings if ending != "ok"]
    counts = least.simulation.report().counts
    assert counts.get("fault", 0) + len(endings) == 1, "its process dies, or is killed"
    for plan in least.plans:
        assert (plan.resources, plan.priority, plan.deps, plan.more) == ({}, 0, (), ())
