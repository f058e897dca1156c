"""A batch is one run, and takes its resources once, from its grant to its end."""

from __future__ import annotations

import pytest

from actorsched.core import check_invariants
from tests.machines import Driven


def granted(needs: int = 1, **more: int) -> tuple[Driven, str]:
    """Two tasks in a batch at w, and one at v that needs the same; the batch and the machine."""
    driven = Driven(resources={"r": needs}, **more)
    driven.add_task_batcher("w", "F", ["n"])
    for n in "12":
        params = {"n": n}
        driven.add_task(
            worker="w", task_id=f"t{n}", family="F", params=params, batchable=True, resources={"r": needs}
        )
    driven.add_task(worker="v", task_id="other", resources={"r": 1})
    batch_id: str = driven.get_work(worker="w")["batch_id"]
    return driven, batch_id


def combine(driven: Driven, batch_id: str) -> None:
    driven.add_task(
        worker="w", task_id="c", status="RUNNING", batch_id=batch_id, run_id=batch_id, runnable=False
    )


def used(driven: Driven) -> float:
    check_invariants(driven.machine)
    [view] = driven.resource_list()
    number: float = view["num_used"]
    return number


def test_nobody_gets_what_a_batch_needs_before_its_combined_task_is_known() -> None:
    """The child takes its time to make it; in Luigi the resources are free meanwhile."""
    driven, batch_id = granted()
    assert used(driven) == 1
    assert driven.get_work(worker="v")["task_id"] is None
    combine(driven, batch_id)
    assert used(driven) == 1
    assert driven.get_work(worker="v")["task_id"] is None
    driven.add_task(worker="w", task_id="c", status="DONE", run_id=batch_id)
    assert used(driven) == 0
    assert driven.get_work(worker="v")["task_id"] == "other"


@pytest.mark.parametrize("ending", ["given back", "lost", "forgotten", "failed one by one"])
def test_what_a_batch_takes_is_free_when_it_ends_without_a_combined_task(ending: str) -> None:
    driven, batch_id = granted(needs=3)
    assert used(driven) == 3
    if ending == "lost":
        driven.pause()
        assert driven.get_work(worker="w", current_tasks=[])["task_id"] is None
    elif ending == "forgotten":
        driven.ping(worker="v")
        driven.time += 59
        driven.ping(worker="v")
        driven.time += 2
        driven.prune()
    else:
        status = "PENDING" if ending == "given back" else "FAILED"
        for number, task_id in enumerate(("t1", "t2")):
            assert used(driven) == 3, "the first member is gone and the run goes on" if number else ""
            driven.add_task(worker="w", task_id=task_id, status=status, run_id=batch_id, runnable=None)
    assert used(driven) == 0


def test_a_part_that_is_given_back_is_free_for_others() -> None:
    driven, batch_id = granted(needs=2)
    combine(driven, batch_id)
    driven.decrease_running_task_resources("c", {"r": 1}, run_id=batch_id)
    assert used(driven) == 1
    assert driven.get_work(worker="v")["task_id"] == "other"
    driven.add_task(worker="w", task_id="c", status="FAILED", run_id=batch_id)
    assert used(driven) == 1
