"""A worker says that it runs a task, with the id of a run that the scheduler does not know."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.invariants import check_invariants
from actorsched.errors import InvalidParamsError

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


def batch_of(machine: SchedulerMachine, now: Instant = NOW, needs: int = 1) -> str:
    machine.add_task_batcher(now, worker="w", task_family="F", batched_args=["n"])
    for n in "12":
        register(machine, f"t{n}", now, status="PENDING", resources={"r": needs})
    batch_id: str = machine.get_work(now, worker="w")["batch_id"]
    return batch_id


def register(machine: SchedulerMachine, task_id: str, now: Instant = NOW, **said: Any) -> Any:
    params = {"n": task_id}
    return machine.add_task(
        now, worker="w", task_id=task_id, family="F", params=params, batchable=True, **said
    )


def combine(machine: SchedulerMachine, batch_id: str, now: Instant = NOW) -> Any:
    return machine.add_task(
        now,
        worker="w",
        task_id="t1+t2",
        status="RUNNING",
        run_id=batch_id,
        batch_id=batch_id,
        runnable=False,
    )


@pytest.mark.parametrize("combined", [True, False])
@pytest.mark.parametrize("forgotten", ["with the memory", "after a silence"])
def test_a_batch_that_goes_on_is_claimed_as_a_whole(forgotten: str, combined: bool) -> None:
    """Claimed one by one, its members would be runs of their own with one id, and each take its resources."""
    machine = SchedulerMachine(SchedulerSettings(worker_disconnect_delay=60), resources={"r": 2}, epoch="e")
    batch_id, now = batch_of(machine), NOW
    combine(machine, batch_id)
    if forgotten == "with the memory":
        machine = SchedulerMachine(SchedulerSettings(), resources={"r": 2}, epoch="new")
    else:
        now = Instant(100.0, 100.0)
        machine.prune(now)
        assert {record.status for record in machine.tasks.values()} == {"FAILED"}
    for task_id in ("t1", "t2"):
        claim = {"status": "BATCH_RUNNING", "run_id": batch_id, "batch_id": batch_id}
        assert register(machine, task_id, now, resources={"r": 2}, **claim) is None
    check_invariants(machine)
    if combined:
        assert combine(machine, batch_id, now) is None
    check_invariants(machine)
    assert machine.resources.used == {"r": 2}
    assert (
        machine.get_work(now, worker="w", current_tasks=["t1+t2" if combined else batch_id])["task_id"]
        is None
    )
    for task_id in ["t1+t2"] if combined else ["t1", "t2"]:
        assert machine.add_task(now, worker="w", task_id=task_id, status="DONE", run_id=batch_id) is None
    check_invariants(machine)
    assert machine.tasks["t1"].status == machine.tasks["t2"].status == "DONE"
    assert machine.resources.used == {}


@pytest.mark.parametrize("status", ["RUNNING", "DONE", "DISABLED"])
def test_a_member_that_went_another_way_is_refused(status: str) -> None:
    """Also when those claimed before it are members of the batch already."""
    machine = machine_with(status)
    before = machine.tasks["t"].run_id
    claim = {"status": "BATCH_RUNNING", "run_id": "old-1", "batch_id": "old-1"}
    assert machine.add_task(NOW, worker="w", task_id="s", **claim) is None
    answer = machine.add_task(NOW, worker="w", task_id="t", **claim)
    assert answer == {"refused": "stale_run", "task_id": "t", "run_id": "old-1"}
    assert (machine.tasks["t"].status, machine.tasks["t"].run_id) == (status, before)
    check_invariants(machine)
    machine.get_work(NOW, worker="w", current_tasks=[])
    assert machine.tasks["s"].status != "BATCH_RUNNING", "who was refused ends its run, and names it no more"
    check_invariants(machine)


def test_a_claim_of_what_is_known_changes_nothing() -> None:
    machine = SchedulerMachine(SchedulerSettings(), resources={"r": 2}, epoch="e")
    batch_id = batch_of(machine)
    combine(machine, batch_id)
    for task_id in ("t1", "t2"):
        claim = {"status": "BATCH_RUNNING", "run_id": batch_id, "batch_id": batch_id}
        assert register(machine, task_id, resources={"r": 1}, **claim) is None
    assert combine(machine, batch_id) is None
    assert machine.resources.used == {"r": 1}
    check_invariants(machine)


@pytest.mark.parametrize(
    "said", [{}, {"run_id": "1"}, {"batch_id": "1"}, {"run_id": "1", "batch_id": "2"}], ids=str
)
def test_only_who_has_a_batch_can_claim_it(said: dict[str, str]) -> None:
    machine = machine_with("PENDING")
    with pytest.raises(InvalidParamsError, match="BATCH_RUNNING"):
        machine.add_task(NOW, worker="w", task_id="t", status="BATCH_RUNNING", **said)  # type: ignore[arg-type]
    assert machine.tasks["t"].status == "PENDING"


def test_a_batch_that_is_given_up_in_part_is_not_handed_out_as_it_was() -> None:
    """Its combined task was claimed, and one member was refused: somebody else has that. Found by 1010718."""
    machine = machine_with("RUNNING")
    claim = {"run_id": "old-1", "batch_id": "old-1", "status": "BATCH_RUNNING"}
    for task_id in ("t1", "t2"):
        register(machine, task_id, **claim)
    assert machine.add_task(NOW, worker="w", task_id="t", **claim) is not None  # type: ignore[arg-type]
    assert combine(machine, "old-1") is None
    machine.add_task_batcher(NOW, worker="w", task_family="F", batched_args=["n"])
    work = machine.get_work(NOW, worker="w", current_tasks=[])
    assert work["batch_task_ids"] == ["t1", "t2"]
    assert work["task_id"] is None
    assert work["run_id"] not in ("old-1", None)
    check_invariants(machine)
    report = {"status": "DONE", "run_id": "old-1"}
    assert machine.add_task(NOW, worker="w", task_id="t1+t2", **report) == {  # type: ignore[arg-type]
        "refused": "stale_run",
        "task_id": "t1+t2",
        "run_id": "old-1",
    }


def test_a_combined_task_without_members_is_not_handed_out_again() -> None:
    """It was claimed before its members, and they have gone another way. Found by seed 1012965."""
    machine = machine_with("")
    assert combine(machine, "old-1") is None
    assert machine.tasks["t1+t2"].status == "RUNNING"
    assert machine.get_work(NOW, worker="w", current_tasks=[])["task_id"] is None
    assert machine.tasks["t1+t2"].status == "PENDING"


def test_the_good_end_of_a_combined_task_without_members_is_refused() -> None:
    """Who is refused tells the members one by one; else what they have made would be forgotten.

    Found by seed 1031288: the worker was given up, and told of the combined task before it knew.
    """
    machine = machine_with("")
    register(machine, "t1", status="PENDING")
    assert combine(machine, "old-1") is None
    end = {"status": "DONE", "run_id": "old-1"}
    answer = machine.add_task(NOW, worker="w", task_id="t1+t2", **end)  # type: ignore[arg-type]
    assert answer == {"refused": "stale_run", "task_id": "t1+t2", "run_id": "old-1"}
    for task_id in ("t1", "t2"):
        machine.add_task(NOW, worker="w", task_id=task_id, status="DONE", incarnation="i", runnable=False)
    assert machine.tasks["t1"].status == machine.tasks["t2"].status == "DONE"
    machine.get_work(NOW, worker="w", current_tasks=[])
    assert machine.tasks["t1+t2"].status == "PENDING"


@pytest.mark.parametrize("status", ["FAILED", "PENDING"])
def test_another_end_of_it_is_taken(status: str) -> None:
    machine = machine_with("")
    assert combine(machine, "old-1") is None
    end = {"status": status, "run_id": "old-1"}
    assert machine.add_task(NOW, worker="w", task_id="t1+t2", **end) is None  # type: ignore[arg-type]
    assert machine.tasks["t1+t2"].status == status
