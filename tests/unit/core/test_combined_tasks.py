"""What becomes of the combined task of a batch: it stands for its members while it runs, and no longer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.machines import Driven


def combined(*, runnable: bool = False, **settings: Any) -> tuple[Driven, str]:
    """Two tasks in a batch at w, whose combined task c runs; the machine and the batch."""
    driven = Driven(**settings)
    driven.add_task_batcher("w", "F", ["n"])
    for n in "12":
        driven.add_task(worker="w", task_id=f"t{n}", family="F", params={"n": n}, batchable=True)
    batch_id: str = driven.get_work(worker="w")["batch_id"]
    stand_in(driven, batch_id, runnable=runnable)
    return driven, batch_id


def stand_in(driven: Driven, batch_id: str, *, runnable: bool = False) -> None:
    driven.add_task(
        worker="w",
        task_id="c",
        family="F",
        params={"n": "1,2"},
        status="RUNNING",
        batch_id=batch_id,
        run_id=batch_id,
        runnable=runnable,
    )


def end(driven: Driven, batch_id: str, status: str, **more: Any) -> Any:
    return driven.add_task(
        worker="w", task_id="c", status=status, run_id=batch_id, **{"runnable": None} | more
    )


@pytest.mark.parametrize("runnable", [False, True], ids=["ours", "as stock workers say"])
@pytest.mark.parametrize("ending", ["given back", "lost on its way", "failed", "disabled", "cancelled"])
def test_a_combined_task_that_did_not_end_well_goes(ending: str, runnable: bool) -> None:
    """Nobody can run it without its batch, or it would run beside its members; these wait again."""
    driven, batch_id = combined(runnable=runnable, retry_count=1 if ending == "disabled" else 9)
    if ending == "given back":
        end(driven, batch_id, "PENDING")
    elif ending == "lost on its way":
        driven.pause()
        driven.get_work(worker="w", current_tasks=[])
    else:
        if ending == "cancelled":
            driven.cancel_task(task_id="c")
        end(driven, batch_id, "FAILED")
    assert set(driven.task_list()) == {"t1", "t2"}
    expected = {"failed": "FAILED", "disabled": "DISABLED", "cancelled": "DISABLED"}.get(ending, "PENDING")
    assert {driven.status("t1"), driven.status("t2")} == {expected}


def test_a_good_end_is_kept() -> None:
    driven, batch_id = combined()
    end(driven, batch_id, "DONE")
    assert {view["status"] for view in driven.task_list().values()} == {"DONE"}
    assert set(driven.task_list()) == {"t1", "t2", "c"}


@pytest.mark.parametrize("runnable", [False, True])
def test_it_is_no_work_for_anybody_before_it_has_gone(runnable: bool) -> None:
    """It goes with the next look at time; who asks first gets the members, as a new batch."""
    driven, batch_id = combined(runnable=runnable)
    driven.get_work(worker="helper", assistant=True)
    end(driven, batch_id, "PENDING", runnable=runnable)
    assert driven.status("c") == "PENDING"
    assert driven.count_pending(worker="w")["n_pending_tasks"] == 2
    assert driven.get_work(worker="w", max_tasks=9)["batch_task_ids"] == ["t1", "t2"]
    assert driven.get_work(worker="helper", assistant=True)["task_id"] is None


def test_it_may_come_again_with_the_next_batch() -> None:
    """Of the same tasks, so with the same name; what was to be removed is in use again."""
    driven, batch_id = combined()
    end(driven, batch_id, "PENDING")
    again = driven.get_work(worker="w")["batch_id"]
    assert again != batch_id
    stand_in(driven, again)
    driven.after(1000)
    assert driven.status("c") == "RUNNING"
    end(driven, again, "DONE")
    assert {driven.status("t1"), driven.status("t2")} == {"DONE"}


def test_a_member_that_stands_for_its_batch_stays() -> None:
    """Where the values of a batch are combined to one of them, the combined task is a member."""
    driven, batch_id = combined()
    end(driven, batch_id, "DONE")
    for n in "34":
        driven.add_task(worker="w", task_id=f"t{n}", family="F", params={"n": n}, batchable=True)
    batch_id = driven.get_work(worker="w")["batch_id"]
    driven.add_task(
        worker="w", task_id="t4", status="RUNNING", batch_id=batch_id, run_id=batch_id, runnable=False
    )
    driven.add_task(worker="w", task_id="t4", status="PENDING", run_id=batch_id, runnable=None)
    driven.prune()
    assert {driven.status("t3"), driven.status("t4")} == {"PENDING"}
    assert driven.get_work(worker="w")["batch_task_ids"] == ["t3", "t4"]


@pytest.mark.parametrize("runnable", [False, True], ids=["ours", "as stock workers say"])
def test_what_a_batch_asks_for_its_members_wait_for(runnable: bool) -> None:
    """Else they are handed out again at once, and ask for the same: round and round until it is done."""
    driven, batch_id = combined(runnable=runnable)
    driven.add_task(worker="w", task_id="more", priority=-1)
    end(driven, batch_id, "PENDING", new_deps=["more"], runnable=runnable)
    assert driven.get_work(worker="w")["task_id"] == "more"
    assert driven.get_work(worker="w", current_tasks=["more"])["task_id"] is None
    driven.add_task(worker="w", task_id="more", status="DONE")
    assert driven.get_work(worker="w")["batch_task_ids"] == ["t1", "t2"]


def test_a_batch_that_asks_for_a_member_of_its_own_does_not_wait_for_itself() -> None:
    driven, batch_id = combined()
    end(driven, batch_id, "PENDING", new_deps=["t1", "t2"])
    assert driven.get_work(worker="w")["batch_task_ids"] == ["t1", "t2"]
    assert not driven.machine.cyclic
