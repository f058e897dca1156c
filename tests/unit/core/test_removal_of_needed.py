"""What somebody needs is not forgotten, whoever has gone."""

from __future__ import annotations

from tests.machines import Driven


def deserted(**settings: float) -> Driven:
    """A task that is done, and whose worker has gone: it is to be forgotten in a while."""
    driven = Driven(**settings)
    driven.add_task(worker="w", task_id="done", status="DONE")
    driven.time += 61
    driven.prune()
    assert driven.machine.tasks["done"].remove_at == driven.time + 600
    return driven


def test_a_worker_that_needs_it_keeps_it() -> None:
    driven = deserted()
    driven.add_task(worker="v", task_id="top", deps=["done"])
    driven.after(700)
    assert driven.status("done") == "DONE"
    assert driven.get_work(worker="v")["task_id"] == "top"


def test_a_worker_that_was_given_up_and_registers_all_again_keeps_what_was_done_meanwhile() -> None:
    """PENDING for a task that is just done is ignored, and with it the wish.

    Found by seed 1012129, in which the program waited for ever.
    """
    driven = Driven()
    driven.add_task(worker="helper", task_id="part", assistant=True)
    driven.add_task(worker="w", task_id="part")
    driven.time += 55
    work = driven.get_work(worker="helper", assistant=True)
    driven.time += 4
    driven.add_task(worker="helper", task_id="part", status="DONE", run_id=work["run_id"], assistant=True)
    driven.time += 2
    driven.prune()
    assert "w" not in driven.machine.workers
    driven.add_task(worker="w", task_id="part")
    driven.add_task(worker="w", task_id="top", deps=["part"])
    assert driven.status("part") == "DONE"
    driven.after(700)
    assert driven.get_work(worker="w")["task_id"] == "top"


def test_what_nobody_needs_is_forgotten() -> None:
    driven = deserted()
    driven.add_task(worker="v", task_id="top")
    driven.after(700)
    assert "done" not in driven.machine.tasks
