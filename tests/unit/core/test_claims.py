"""A worker says that it runs a task, with the id of a run that the scheduler does not know."""

from __future__ import annotations

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.invariants import check_invariants

NOW = Instant(0.0, 0.0)


def machine_with(status: str) -> SchedulerMachine:
    machine = SchedulerMachine(SchedulerSettings(), epoch="new")
    if status:
        machine.add_task(NOW, worker="v", task_id="t", resources={"r": 1})
        if status == "RUNNING":
            machine.get_work(NOW, worker="v")
        elif status != "PENDING":
            machine.add_task(NOW, worker="v", task_id="t", status=status)
    return machine


@pytest.mark.parametrize("status", ["", "PENDING", "FAILED", "UNKNOWN"])
def test_a_run_that_nobody_disputes_goes_on_under_its_old_id(status: str) -> None:
    """The scheduler lost its memory, or the worker its lease: handing the task out would run it twice."""
    machine = machine_with(status)
    assert machine.add_task(NOW, worker="w", task_id="t", status="RUNNING", run_id="old-1") is None
    assert machine.tasks["t"].status == "RUNNING"
    assert machine.get_work(NOW, worker="v")["task_id"] is None
    check_invariants(machine)
    machine.add_task(NOW, worker="w", task_id="t", status="DONE", run_id="old-1")
    assert machine.tasks["t"].status == "DONE"
    check_invariants(machine)


@pytest.mark.parametrize("status", ["RUNNING", "DONE", "DISABLED"])
def test_a_run_that_is_superseded_is_refused(status: str) -> None:
    machine = machine_with(status)
    before = machine.tasks["t"].run_id
    answer = machine.add_task(NOW, worker="w", task_id="t", status="RUNNING", run_id="old-1")
    assert answer == {"refused": "stale_run", "task_id": "t", "run_id": "old-1"}
    assert (machine.tasks["t"].status, machine.tasks["t"].run_id) == (status, before)


@pytest.mark.parametrize("introduced", [True, False])
def test_whoever_tells_its_incarnation_is_known_when_it_has_introduced_itself(introduced: bool) -> None:
    """Or a report that crosses with being forgotten would hide it from both sides."""
    machine = SchedulerMachine(SchedulerSettings(), epoch="e")
    if introduced:
        machine.add_worker(NOW, worker="w", info={}, incarnation="i")
    machine.add_task(NOW, worker="w", task_id="t", incarnation="i")
    assert machine.ping(NOW, worker="w", incarnation="i")["known"] is introduced
    assert machine.get_work(NOW, worker="w", incarnation="i")["known"] is introduced


def test_a_stock_client_is_known_by_what_it_registers() -> None:
    machine = SchedulerMachine(SchedulerSettings(), epoch="e")
    machine.add_task(NOW, worker="w", task_id="t")
    assert machine.get_work(NOW, worker="w")["known"] is True


def test_a_batch_that_is_named_as_running_keeps_its_members() -> None:
    machine = SchedulerMachine(SchedulerSettings(), epoch="e")
    machine.add_task_batcher(NOW, worker="w", task_family="F", batched_args=["n"])
    for n in "12":
        machine.add_task(NOW, worker="w", task_id=f"t{n}", family="F", params={"n": n}, batchable=True)
    batch_id = machine.get_work(NOW, worker="w")["batch_id"]
    machine.get_work(NOW, worker="w", current_tasks=[batch_id])
    assert {record.status for record in machine.tasks.values()} == {"BATCH_RUNNING"}
    again = machine.get_work(NOW, worker="w", current_tasks=[])
    assert again["batch_id"] != batch_id, "it was lost on the way, and is handed out again"
