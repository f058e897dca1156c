"""What a worker takes in advance: tasks that wait for one of its own runs alone."""

from __future__ import annotations

from typing import Any

from tests.machines import Driven


def chain(driven: Driven, names: str, worker: str = "w") -> None:
    for before, name in zip(" " + names, names, strict=False):
        driven.add_task(worker=worker, task_id=name, deps=[before] if before != " " else [])


def taken(work: Any) -> list[tuple[str, str | None]]:
    """Task ids, each with the task that it is to follow."""
    by_run = {grant["run_id"]: grant["task_id"] for grant in work["tasks"]}
    return [
        (grant["task_id"], by_run.get(grant["after"], grant["after"]) if "after" in grant else None)
        for grant in work["tasks"]
    ]


def test_a_chain_comes_in_one_answer_as_far_as_was_wished() -> None:
    driven = Driven()
    chain(driven, "abcdef")
    work = driven.get_work(worker="w", max_tasks=9, ahead={"": 3})
    assert taken(work) == [("a", None), ("b", "a"), ("c", "b"), ("d", "c")]


def test_nobody_who_does_not_ask_for_it_gets_anything_in_advance() -> None:
    driven = Driven()
    chain(driven, "ab")
    assert taken(driven.get_work(worker="w", max_tasks=9)) == [("a", None)]


def test_what_runs_already_may_be_followed() -> None:
    driven = Driven()
    chain(driven, "abc")
    run_id = driven.get_work(worker="w", max_tasks=1)["run_id"]
    work = driven.get_work(worker="w", max_tasks=9, current_tasks=["a"], ahead={run_id: 1, "": 5})
    assert taken(work) == [("b", run_id)]
    assert work["after"] == run_id


def test_what_can_begin_now_comes_first_and_the_number_is_kept() -> None:
    driven = Driven()
    chain(driven, "abc")
    driven.add_task(worker="w", task_id="x", priority=-1)
    work = driven.get_work(worker="w", max_tasks=3, ahead={"": 9})
    assert taken(work) == [("a", None), ("x", None), ("b", "a")]


def test_of_what_fans_out_one_is_taken() -> None:
    driven = Driven()
    driven.add_task(worker="w", task_id="a")
    for name in "bcd":
        driven.add_task(worker="w", task_id=name, deps=["a"])
    assert taken(driven.get_work(worker="w", max_tasks=9, ahead={"": 9})) == [("a", None), ("b", "a")]


def test_what_waits_for_two_runs_is_not_taken() -> None:
    """They may be in two slots."""
    driven = Driven()
    for name in "ab":
        driven.add_task(worker="w", task_id=name)
    driven.add_task(worker="w", task_id="c", deps=["a", "b"])
    assert taken(driven.get_work(worker="w", max_tasks=9, ahead={"": 9})) == [("a", None), ("b", None)]


def test_resources_are_not_taken_by_what_waits() -> None:
    driven = Driven(resources={"gpu": 5})
    driven.add_task(worker="w", task_id="a")
    driven.add_task(worker="w", task_id="b", deps=["a"], resources={"gpu": 1})
    assert taken(driven.get_work(worker="w", max_tasks=9, ahead={"": 9})) == [("a", None)]


def test_nothing_comes_in_advance_to_a_paused_scheduler_or_to_a_stranger() -> None:
    driven = Driven()
    driven.add_task(worker="w", task_id="a")
    driven.add_task(worker="v", task_id="b", deps=["a"])
    run_id = driven.get_work(worker="w")["run_id"]
    ask = {"worker": "w", "max_tasks": 9, "current_tasks": ["a"], "ahead": {run_id: 9}}
    assert driven.get_work(**ask)["tasks"] == []
    driven.pause()
    assert driven.get_work(**ask, assistant=True)["tasks"] == []
    driven.unpause()
    assert taken(driven.get_work(**ask, assistant=True)) == [("b", run_id)]


def test_what_follows_a_failure_is_given_back_and_comes_again_after_it() -> None:
    driven = Driven()
    chain(driven, "ab")
    a, b = driven.get_work(worker="w", max_tasks=9, ahead={"": 9})["tasks"]
    driven.add_task(worker="w", task_id="a", status="FAILED", run_id=a["run_id"])
    driven.add_task(worker="w", task_id="b", status="PENDING", run_id=b["run_id"])
    assert driven.get_work(worker="w", max_tasks=9, ahead={"": 9})["tasks"] == []
    driven.forgive_failures("a")
    assert taken(driven.get_work(worker="w", max_tasks=9, ahead={"": 9})) == [("a", None), ("b", "a")]


def test_what_was_lost_on_the_way_does_not_come_before_what_it_waits_for() -> None:
    driven = Driven()
    chain(driven, "ab")
    a, b = driven.get_work(worker="w", max_tasks=9, ahead={"": 9})["tasks"]
    work = driven.get_work(worker="w", max_tasks=9, current_tasks=["a"], ahead={})
    assert work["tasks"] == []
    work = driven.get_work(worker="w", max_tasks=9, current_tasks=["a"], ahead={a["run_id"]: 1})
    assert taken(work) == [("b", a["run_id"])]
    assert work["run_id"] != b["run_id"]


def test_the_death_of_a_worker_does_not_count_against_what_had_not_begun() -> None:
    driven = Driven(max_worker_deaths=1, retry_delay=900)
    chain(driven, "ab", worker="owner")
    driven.get_work(worker="w", assistant=True, max_tasks=9, ahead={"": 9})
    driven.time += 61
    driven.ping("owner")
    driven.prune()
    assert [driven.status(name) for name in "ab"] == ["DISABLED", "FAILED"]
    driven.ping("owner")
    driven.prune()
    assert driven.status("b") == "PENDING"
