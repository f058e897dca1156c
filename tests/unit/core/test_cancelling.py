"""Taking a task out of the work, whatever it is doing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.machines import Driven


def view(driven: Driven, task_id: str = "t") -> Any:
    return driven.task_list()[task_id]


def test_what_nobody_knows_cannot_be_cancelled() -> None:
    driven = Driven()
    assert driven.cancel_task("t") == {"task_id": "t", "status": None, "worker": None}
    assert not driven.machine.tasks


@pytest.mark.parametrize("status", ["PENDING", "FAILED", "UNKNOWN", "DISABLED"])
def test_what_does_not_run_is_disabled_at_once_until_somebody_registers_it(status: str) -> None:
    driven = Driven()
    driven.add_task(worker="w", task_id="t", status=status)
    assert driven.cancel_task("t") == {"task_id": "t", "status": "DISABLED", "worker": None}
    assert driven.fetch_error("t")["error"] == "cancelled"
    assert view(driven)["re_enable_able"] is False
    assert driven.get_work(worker="w")["task_id"] is None
    driven.after(1_000_000)
    assert driven.status("t") == "DISABLED"
    driven.add_task(worker="w", task_id="t")
    assert driven.get_work(worker="w")["task_id"] == "t"


def test_what_the_scheduler_disabled_stays_so_when_its_time_comes() -> None:
    driven = Driven(disable_persist=100)
    driven.add_task(worker="w", task_id="t", retry_policy_dict={"retry_count": 1})
    driven.fail()
    assert view(driven)["re_enable_able"] is True
    driven.cancel_task("t")
    assert view(driven)["re_enable_able"] is False
    driven.after(1_000)
    assert driven.status("t") == "DISABLED"


def test_what_is_done_stays_done() -> None:
    driven = Driven()
    driven.add_task(worker="w", task_id="t", status="DONE")
    assert driven.cancel_task("t") == {"task_id": "t", "status": "DONE", "worker": None}
    assert driven.status("t") == "DONE"


def running() -> tuple[Driven, str]:
    """A machine whose worker was told to end its run; and the id of that."""
    driven = Driven(max_worker_deaths=3)
    driven.add_task(worker="w", task_id="t")
    run_id = driven.get_work(worker="w")["run_id"]
    assert driven.cancel_task("t") == {"task_id": "t", "status": "RUNNING", "worker": "w"}
    assert driven.ping("w")["rpc_messages"] == [
        {"name": "cancel_task", "kwargs": {"task_id": "t", "run_id": run_id}}
    ]
    assert driven.status("t") == "RUNNING"
    return driven, run_id


@pytest.mark.parametrize("status", ["FAILED", "PENDING", "SUSPENDED"])
def test_a_run_that_ends_without_success_ends_the_task(status: str) -> None:
    driven, run_id = running()
    driven.add_task(worker="w", task_id="t", status=status, run_id=run_id, expl="killed")
    assert driven.status("t") == "DISABLED"
    assert view(driven)["re_enable_able"] is False
    driven.after(1_000_000)
    assert driven.get_work(worker="w")["task_id"] is None


def test_a_run_that_was_faster_has_succeeded() -> None:
    """And the wish ends with it."""
    driven, run_id = running()
    driven.add_task(worker="w", task_id="t", status="DONE", run_id=run_id)
    assert driven.status("t") == "DONE"
    driven.after(11)
    driven.add_task(worker="w", task_id="t")
    driven.fail()
    assert driven.status("t") == "FAILED"


def test_a_run_that_its_worker_has_not_heard_of_is_over() -> None:
    """Its answer was lost; to hand it out again would begin what somebody has taken out of the work."""
    driven = Driven()
    driven.add_task(worker="w", task_id="t")
    driven.get_work(worker="w")
    driven.cancel_task("t")
    assert driven.get_work(worker="w", current_tasks=[])["task_id"] is None
    assert driven.status("t") == "DISABLED"


def test_a_run_whose_worker_dies_is_not_tried_again() -> None:
    driven, _ = running()
    driven.time += 61
    driven.add_task(worker="v", task_id="t")
    driven.prune()
    assert "w" not in driven.machine.workers
    assert driven.status("t") == "DISABLED"
    assert driven.get_work(worker="v")["task_id"] is None


@pytest.mark.parametrize(("end", "expected"), [("FAILED", "DISABLED"), ("DONE", "DONE")])
def test_one_of_a_batch_is_taken_out_when_the_batch_ends(end: str, expected: str) -> None:
    """The run is that of all, so it is not ended for one."""
    driven = Driven()
    driven.add_task_batcher("w", "F", ["n"])
    for n in "123":
        driven.add_task(worker="w", task_id=f"t{n}", family="F", params={"n": n}, batchable=True)
    batch = driven.get_work(worker="w")
    driven.add_task(
        worker="w", task_id="all", status="RUNNING", batch_id=batch["batch_id"], run_id=batch["run_id"]
    )
    assert driven.cancel_task("t2") == {"task_id": "t2", "status": "BATCH_RUNNING", "worker": None}
    assert driven.ping("w")["rpc_messages"] == []
    driven.add_task(worker="w", task_id="all", status=end, run_id=batch["run_id"])
    assert {name: driven.status(name) for name in ("t1", "t2", "t3")} == {
        "t1": end,
        "t2": expected,
        "t3": end,
    }
