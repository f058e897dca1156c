"""Answers that were lost on the way to a worker: their tasks are not lost with them."""

from __future__ import annotations

from tests.machines import Driven


def held(driven: Driven) -> set[str]:
    return {record.task_id for record in driven.machine.workers["w"].runs}


def test_all_that_was_lost_comes_with_one_question_for_several() -> None:
    """And before anything new, in order, each as a new run."""
    driven = Driven()
    for name in "abcde":
        driven.add_task(worker="w", task_id=name, priority=ord(name))
    lost = driven.get_work(worker="w", max_tasks=3)["tasks"]
    again = driven.get_work(worker="w", max_tasks=4, current_tasks=[])["tasks"]
    assert [grant["task_id"] for grant in again] == ["e", "d", "c", "b"]
    assert not {grant["run_id"] for grant in lost} & {grant["run_id"] for grant in again}
    for old in lost:
        refused = driven.add_task(worker="w", task_id=old["task_id"], status="DONE", run_id=old["run_id"])
        assert refused["refused"] == "stale_run"
    for grant in again:
        driven.add_task(worker="w", task_id=grant["task_id"], status="DONE", run_id=grant["run_id"])
    assert driven.get_work(worker="w", max_tasks=9, current_tasks=[])["task_id"] == "a"


def test_no_more_is_handed_out_than_was_asked_for() -> None:
    """The rest stays with the worker, and comes with its next questions; nothing new comes before it."""
    driven = Driven()
    for name in "abcd":
        driven.add_task(worker="w", task_id=name)
    driven.get_work(worker="w", max_tasks=3)
    got = driven.get_work(worker="w", max_tasks=2, current_tasks=[])["tasks"]
    assert [grant["task_id"] for grant in got] == ["a", "b"]
    assert held(driven) == set("abc")
    assert driven.get_work(worker="w", current_tasks=["a", "b"])["task_id"] == "c"
    assert driven.get_work(worker="w", current_tasks=["a", "b", "c"])["task_id"] == "d"
    assert driven.get_work(worker="w", current_tasks=["a", "b", "c", "d"])["task_id"] is None


def test_one_whose_resources_others_use_by_now_keeps_nobody_waiting() -> None:
    """It had given them back; it comes again when they are free."""
    driven = Driven(resources={"gpu": 1})
    driven.add_task(worker="w", task_id="big", resources={"gpu": 1}, priority=9)
    driven.add_task(worker="w", task_id="small")
    driven.get_work(worker="w", max_tasks=2)
    driven.decrease_running_task_resources("big", {"gpu": 1})
    driven.add_task(worker="v", task_id="other", resources={"gpu": 1})
    other = driven.get_work(worker="v")
    assert other["task_id"] == "other"
    assert driven.get_work(worker="w", current_tasks=[])["task_id"] == "small"
    assert driven.get_work(worker="w", current_tasks=["small"])["task_id"] is None
    driven.add_task(worker="v", task_id="other", status="DONE", run_id=other["run_id"])
    assert driven.get_work(worker="w", current_tasks=["small"])["task_id"] == "big"


def test_what_is_not_recovered_counts_as_wanted_work() -> None:
    """Who got less than it asked for is woken when there is more."""
    driven = Driven()
    for name in "ab":
        driven.add_task(worker="w", task_id=name)
    driven.get_work(worker="w", max_tasks=2)
    assert len(driven.get_work(worker="w", max_tasks=5, current_tasks=[])["tasks"]) == 2
    assert driven.machine.hungry["w"][0] == 3
