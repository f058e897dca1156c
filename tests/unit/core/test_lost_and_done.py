"""A run is lost with its worker, and somebody has found its task complete before that was known."""

from __future__ import annotations

import pytest

from actorsched.core.journal import Journal
from tests.machines import Driven


def running() -> Driven:
    driven = Driven(record_task_history=True)
    driven.machine.journal = Journal()
    driven.add_worker("w", {}, incarnation="w-1")
    driven.add_task(worker="w", task_id="t", incarnation="w-1")
    assert driven.get_work(worker="w", incarnation="w-1")["task_id"] == "t"
    driven.add_worker("v", {}, incarnation="v-1")
    driven.add_task(worker="v", task_id="t", status="DONE", runnable=False, incarnation="v-1")
    return driven


def test_what_somebody_found_complete_is_done_when_its_run_is_lost() -> None:
    """Nobody would say it again; and whoever could run it has gone, so that it would wait for ever."""
    driven = running()
    assert driven.status("t") == "RUNNING"
    driven.add_worker("w", {}, incarnation="w-2", replaces="w-1")
    assert driven.status("t") == "DONE"
    (run,) = driven.machine.take_changes().runs
    assert run.outcome == "LOST"


@pytest.mark.parametrize("status", ["FAILED", "PENDING"])
def test_an_end_that_the_run_tells_itself_counts_for_more(status: str) -> None:
    """Its worker is the one who knows."""
    driven = running()
    run_id = driven.machine.tasks["t"].run_id
    driven.add_task(worker="w", task_id="t", status=status, incarnation="w-1", run_id=run_id)
    assert driven.status("t") == status
    assert driven.machine.tasks["t"].trouble is not None
    assert not driven.machine.tasks["t"].trouble.complete
