"""Why a task cannot run, as people read it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.machines import Driven


@pytest.fixture
def driven() -> Driven:
    return Driven(resources={"gpu": 2}, worker_disconnect_delay=60, remove_delay=600)


def reason(driven: Driven, task_id: str = "t") -> str | None:
    """The same in each view."""
    found = driven.task_list()[task_id]["blocked_reason"]
    assert driven.task_search(task_id)["PENDING"][task_id]["blocked_reason"] == found
    driven.machine.tasks[task_id].family = driven.machine.tasks[task_id].family or "F"
    assert driven.dep_graph(task_id)[task_id]["blocked_reason"] == found
    assert driven.graph()[task_id]["blocked_reason"] == found
    return found  # type: ignore[no-any-return]


def add(driven: Driven, task_id: str = "t", **params: Any) -> None:
    driven.add_task(worker=params.pop("worker", "w"), task_id=task_id, family="F", **params)


def test_what_can_run_and_what_waits_for_that_has_none(driven: Driven) -> None:
    add(driven, "d")
    add(driven, deps=["d"])
    assert reason(driven) is None
    assert reason(driven, "d") is None
    driven.get_work(worker="w")
    assert reason(driven) is None


def test_an_impossible_request_names_what_is_asked_for_and_what_there_is(driven: Driven) -> None:
    """A resource without a configured amount has 1."""
    add(driven, resources={"gpu": 3, "disk": 1, "tape": 2})
    assert reason(driven) == "impossible resource request: gpu 3 of 2, tape 2 of 1"
    driven.update_resources(gpu=3, tape=2)
    assert reason(driven) is None
    driven.update_resource("gpu", 0)
    assert reason(driven) == "impossible resource request: gpu 3 of 0"


def test_what_is_only_in_use_is_not_impossible(driven: Driven) -> None:
    add(driven, "first", resources={"gpu": 2})
    add(driven, resources={"gpu": 2})
    driven.get_work(worker="w")
    assert reason(driven) is None


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_cycle_is_seen_by_all_on_it_and_all_behind_it(driven: Driven, n: int) -> None:
    for index in range(n):
        add(driven, f"c{index}", deps=[f"c{(index + 1) % n}"])
    add(driven, deps=["c0"])
    for task_id in [f"c{index}" for index in range(n)] + ["t"]:
        assert reason(driven, task_id) == "dependency cycle"
    add(driven, "c0", deps=[])
    assert reason(driven) is None


def test_a_cycle_that_new_dependencies_close(driven: Driven) -> None:
    """As a run may yield them."""
    add(driven, "a")
    add(driven, "b", deps=["a"])
    assert reason(driven, "b") is None
    add(driven, "a", new_deps=["b"])
    assert reason(driven, "a") == reason(driven, "b") == "dependency cycle"


def test_a_short_way_round_is_found_beside_a_long_one(driven: Driven) -> None:
    """The search is bounded, so it is made from both ends."""
    for index in range(3000):
        add(driven, f"up{index}", deps=[f"up{index + 1}"] if index < 2999 else [])
    add(driven, "a")
    add(driven, "b", deps=["a"])
    add(driven, "c", deps=["b", "up0"])
    add(driven, "a", new_deps=["c"])
    assert reason(driven, "a") == reason(driven, "c") == "dependency cycle"


def test_a_missing_dependency_is_named(driven: Driven) -> None:
    add(driven, deps=["ghost"])
    assert reason(driven) == "missing dependency: ghost"
    add(driven, "ghost")
    assert reason(driven) is None


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("DISABLED", "disabled dependency: d"),
        ("FAILED", "failed dependency: d"),
        ("UNKNOWN", "dependency that cannot be understood: d"),
    ],
)
def test_a_dependency_that_does_not_get_done_is_named_however_far_it_is(
    driven: Driven, status: str, text: str
) -> None:
    add(driven, "d", status=status)
    add(driven, "between", deps=["d"])
    add(driven, deps=["between"])
    assert reason(driven) == reason(driven, "between") == text
    add(driven, "d", status="DONE")
    assert reason(driven) is None


def test_a_task_whose_worker_is_gone_says_so(driven: Driven) -> None:
    """And so does what waits for it. An assistant would do."""
    add(driven, "d", worker="mortal")
    add(driven, deps=["d"])
    driven.time += 61
    driven.ping("w")
    driven.prune()
    assert reason(driven, "d") == "no live worker can run it"
    assert reason(driven) == "dependency d: no live worker can run it"
    driven.add_worker("helper", {"assistant": True})
    assert reason(driven) is None


def test_so_does_one_whose_worker_is_out_of_service(driven: Driven) -> None:
    add(driven)
    driven.disable_worker("w")
    assert reason(driven) == "no live worker can run it"


def test_so_does_one_that_nobody_can_run(driven: Driven) -> None:
    """No assistant can either: it was registered as not runnable."""
    add(driven, runnable=False)
    driven.add_worker("helper", {"assistant": True})
    assert reason(driven) == "no live worker can run it"


def test_an_impossible_dependency_is_a_reason_too(driven: Driven) -> None:
    add(driven, "d", resources={"gpu": 9})
    add(driven, deps=["d"])
    assert reason(driven) == "dependency d: impossible resource request: gpu 9 of 2"


def test_a_pause_is_the_reason_of_what_could_run(driven: Driven) -> None:
    """What waits for others waits for them, and what is stuck says why."""
    add(driven, "d")
    add(driven, deps=["d"])
    add(driven, "stuck", resources={"gpu": 9})
    driven.pause()
    assert reason(driven, "d") == "paused"
    assert reason(driven) is None
    assert reason(driven, "stuck") == "impossible resource request: gpu 9 of 2"
    driven.unpause()
    assert reason(driven, "d") is None


@pytest.mark.parametrize("status", ["RUNNING", "DONE", "FAILED", "DISABLED", "UNKNOWN"])
def test_what_is_not_pending_has_none(driven: Driven, status: str) -> None:
    add(driven, status=status, resources={"gpu": 9})
    assert driven.task_list()["t"]["blocked_reason"] is None
