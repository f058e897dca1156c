"""A scheduler that is away for ten minutes costs no worker its life and no finished run its report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from actorsched.actors.log import log
from actorsched.simulation.faults import Fault, FaultKind
from actorsched.simulation.options import Options
from actorsched.simulation.simulation import Simulation
from tests.simulation.seeds import describe

AWAY_S = 600.0
FROM_S = 40.0


class Lines:
    """What was logged, whatever else in this process has been told about logging."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def debug(self, event: str, **fields: Any) -> None:
        self.events.append(event)

    info = warning = error = debug


@pytest.fixture
def logged() -> Iterator[list[str]]:
    lines = Lines()
    log.use(lambda: lines)
    yield lines.events
    log.use(None)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kind", "workers"), [("pause", 2), ("partition", 2), ("crash", 1)])
def test_ten_minutes_without_a_scheduler(kind: FaultKind, workers: int, seed: int, logged: list[str]) -> None:
    """It stands still, cannot be reached, or comes back and knows nothing; its lease is a minute.

    The runs that were under way end in the meantime, each worker goes on where it was, no task is run a
    second time, and there is one line when contact is lost and one when it is back.
    """
    options = Options(
        seed=seed,
        workers=workers,
        slots=2,
        assistants=0,
        lease_s=60.0,
        tasks=24,
        shape="layers",
        duration_s=60.0,
        hostile_s=FROM_S + AWAY_S + 60.0,
        patience_s=0.0,
    )
    simulation = Simulation(
        options,
        faults=[Fault(at_s=FROM_S, kind=kind, node="scheduler", for_s=AWAY_S)],
        keep=None,
        logs=True,
    )
    under_way: list[str] = []
    simulation.hub.after(FROM_S, lambda: under_way.extend(a.name for a in simulation.world.all_live()))
    ended: list[str] = []
    simulation.hub.after(FROM_S + AWAY_S - 1, lambda: ended.extend(simulation.world.outputs))
    report = simulation.run()
    assert report.ok, describe(report)
    assert under_way
    assert set(under_way) <= set(ended)
    # one that cannot be reached is awake: a lease that runs out is somebody else's chance. (And one that has
    # forgotten what a worker has done would have another one do it that comes back first, so there is one.)
    if kind != "partition":
        assert simulation.world.attempts == dict.fromkeys(simulation.world.plans, 1)
    assert sorted(report.exits) == [(f"w{number + 1}", True) for number in range(workers)]
    lost = [line for line in logged if line.startswith("lost contact")]
    back = [line for line in logged if line.startswith("contact with the scheduler is back")]
    assert (len(lost), len(back)) == (workers, workers), logged
