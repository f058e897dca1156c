"""A worker of one's own that looks right, and a simulation that shows that it is not.

    python examples/simulated_worker.py

`ForgivingWorker` runs on machines that shoot processes for their memory, mostly when all has been written
already. So it takes a run whose process is gone for a good one. Most of the time that is even true.
Hypothesis draws tasks and faults until a simulation of it ends badly, and takes away whatever is not needed
for that; what is left is written to a file that `actorsched simulate --replay` plays again.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from hypothesis import Phase, find, settings

from actorsched.actors.messages import SlotEnded
from actorsched.actors.worker import WorkerActor
from actorsched.simulation import Case, Report, Simulation, cases, shrink, task_graphs, write_case

FILE = Path("forgiving.json")
SMALL = cases(graphs=task_graphs(max_tasks=4))


class ForgivingWorker(WorkerActor):
    """Believes that a process which was killed had done its work. This is the bug."""

    def handle(self, message: object) -> Any:
        if isinstance(message, SlotEnded) and message.outcome.lost:
            outcome = msgspec.structs.replace(message.outcome, status="DONE", lost="")
            message = replace(message, outcome=outcome)
        return super().handle(message)


def play(case: Case) -> Report:
    """Play a simulation in which it stands in for the worker that ships."""
    return Simulation.of(case, worker_class=ForgivingWorker).run()


def fails(case: Case) -> bool:
    return not play(case).ok


def main() -> int:
    logging.disable()  # what its actors log is in their simulation's time, and there is much of it
    bounded = settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )
    found = find(SMALL, fails, settings=bounded, random=Random(0))
    case = shrink(play(found).case, fails)  # what Hypothesis leaves is small, and may have a thing too many
    report = play(case)
    write_case(report.case, FILE)
    here = os.path.relpath(Path(__file__).parent)
    sys.stdout.write(
        f"{report.describe()}\n\n{len(case.plans or ())} task, {len(case.faults or ())} faults; again:"
        f" PYTHONPATH={here} actorsched simulate --replay {FILE}"
        " --worker-class simulated_worker:ForgivingWorker\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
