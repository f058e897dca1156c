"""What a worker tells of the time of its runs, for the history."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from actorsched.core.rows import RunRow

#: the wall clock shows so much more than the other
WALL = 1_000_000.0


class Recorded:
    """A machine that keeps a history, and its time."""

    def __init__(self) -> None:
        self.machine = SchedulerMachine(SchedulerSettings(record_task_history=True), journal=True)
        self.time = 100.0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.machine, name)
        return lambda **kwargs: method(Instant(self.time, WALL + self.time), **kwargs)

    def rows(self) -> list[RunRow]:
        return self.machine.take_changes().runs


def spans(rows: list[RunRow]) -> list[tuple[float | None, float]]:
    return [(None if row.started is None else row.started - WALL, row.ended - WALL) for row in rows]


@pytest.mark.parametrize(
    ("told", "span"),
    [
        ({}, (100.0, 700.0)),
        ({"took_s": 5.0, "held_s": 6.0}, (101.0, 106.0)),
        ({"took_s": 5.0}, (695.0, 700.0)),
        ({"held_s": 6.0}, (100.0, 106.0)),
        ({"took_s": 5.0, "held_s": 10_000.0}, (695.0, 700.0)),
    ],
)
@pytest.mark.parametrize("status", ["DONE", "FAILED", "PENDING"])
def test_a_late_report_is_dated_by_what_it_says(
    status: str, told: dict[str, float], span: tuple[float, float]
) -> None:
    """As far as it says something, and never into the future."""
    recorded = Recorded()
    recorded.add_task(task_id="t", worker="w")
    run_id = recorded.get_work(worker="w")["run_id"]
    recorded.time = 700.0
    recorded.add_task(task_id="t", worker="w", status=status, run_id=run_id, **told)
    assert spans(recorded.rows()) == [span]


def test_a_wall_clock_that_was_set_back_makes_no_run_end_before_it_began() -> None:
    """Who tells nothing is dated by the clock of the scheduler."""
    recorded = Recorded()
    recorded.add_task(task_id="t", worker="w")
    run_id = recorded.get_work(worker="w")["run_id"]
    back = Instant(recorded.time + 1, recorded.time)
    recorded.machine.add_task(back, task_id="t", worker="w", status="DONE", run_id=run_id)
    assert spans(recorded.rows()) == [(recorded.time - WALL, recorded.time - WALL)]


def test_the_members_of_a_batch_took_what_it_took() -> None:
    """They are one run."""
    recorded = Recorded()
    recorded.add_task_batcher(worker="w", task_family="F", batched_args=["n"])
    for number in "12":
        recorded.add_task(task_id=f"t{number}", worker="w", family="F", params={"n": number}, batchable=True)
    work = recorded.get_work(worker="w")
    assert work["batch_task_ids"] == ["t1", "t2"]
    batch = {"batch_id": work["batch_id"], "run_id": work["run_id"]}
    recorded.add_task(task_id="both", worker="w", status="RUNNING", runnable=False, **batch)
    recorded.time = 700.0
    recorded.add_task(
        task_id="both", worker="w", status="DONE", run_id=work["run_id"], took_s=5.0, held_s=6.0
    )
    assert spans(recorded.rows()) == [(101.0, 106.0)] * 3


def test_what_is_told_of_one_run_is_not_taken_for_that_of_another() -> None:
    """A worker that dies later tells nothing."""
    recorded = Recorded()
    for task_id in ("t1", "t2"):
        recorded.add_task(task_id=task_id, worker="w")
    first = recorded.get_work(worker="w")
    recorded.get_work(worker="w")
    recorded.add_task(
        task_id=first["task_id"], worker="w", status="DONE", run_id=first["run_id"], took_s=0.0, held_s=0.0
    )
    recorded.time = 1000.0
    recorded.prune()
    told, untold = recorded.rows()
    assert (told.outcome, untold.outcome) == ("DONE", "LOST")
    assert spans([told, untold]) == [(100.0, 100.0), (100.0, 1000.0)]
