"""A request for several tasks gets what as many requests for one would get."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from actorsched.core.picking import Picking
from tests.machines import Driven

WORKERS = ("a", "b", "c")

tasks = st.lists(
    st.fixed_dictionaries({
        "workers": st.lists(st.sampled_from(WORKERS), min_size=1, max_size=3, unique=True),
        "priority": st.integers(0, 3),
        "resources": st.dictionaries(st.sampled_from(["gpu", "db"]), st.integers(1, 4), max_size=2),
        "batch": st.booleans(),
    }),
    min_size=1,
    max_size=14,
)  # fmt: skip
before = st.lists(st.sampled_from(WORKERS), max_size=6)
worlds: dict[str, st.SearchStrategy[Any]] = {
    "tasks": tasks,
    "capacities": st.fixed_dictionaries({"gpu": st.integers(1, 6), "db": st.integers(1, 6)}),
    "processes": st.fixed_dictionaries(dict.fromkeys(WORKERS, st.integers(1, 4))),
    "before": before,
    "assistant": st.booleans(),
}


def machine_with(
    tasks: list[dict[str, Any]], capacities: dict[str, int], processes: dict[str, int]
) -> Driven:
    driven = Driven(resources=capacities)
    for worker in WORKERS:
        driven.add_worker(worker, {"workers": processes[worker]})
        driven.add_task_batcher(worker, "B", ["n"], max_batch_size=3)
    for number, task in enumerate(tasks):
        more = {"batchable": True, "family": "B", "params": {"n": str(number)}} if task["batch"] else {}
        for worker in task["workers"]:
            driven.add_task(
                task_id=f"t{number}",
                worker=worker,
                priority=task["priority"],
                resources=task["resources"],
                **more,
            )
    return driven


def told(grant: dict[str, Any]) -> Any:
    return grant["task_id"] or tuple(grant["batch_task_ids"])


@given(
    **worlds,
    wanted=st.integers(2, 9),
)
def test_several_at_once_are_those_that_would_come_one_by_one(
    tasks: list[dict[str, Any]],
    capacities: dict[str, int],
    processes: dict[str, int],
    before: list[str],
    assistant: bool,
    wanted: int,
) -> None:
    """Also where tasks that others could run keep resources from those after them."""
    at_once, one_by_one = (machine_with(tasks, capacities, processes) for _ in range(2))
    for driven in (at_once, one_by_one):
        for worker in before:
            driven.get_work(worker=worker)
    first = [
        told(work)
        for _ in range(wanted)
        if (work := one_by_one.get_work(worker="a", assistant=assistant))["task_id"] or "batch_id" in work
    ]
    several = at_once.get_work(worker="a", assistant=assistant, max_tasks=wanted)["tasks"]
    assert [told(grant) for grant in several] == first
    event(f"{len(first)} tasks")
    later = [
        [driven.get_work(worker=worker)["task_id"] for worker in WORKERS] for driven in (at_once, one_by_one)
    ]
    assert later[0] == later[1]


@given(
    **worlds,
    wanted=st.integers(1, 9),
)
def test_the_short_way_leads_where_the_long_one_does(
    tasks: list[dict[str, Any]],
    capacities: dict[str, int],
    processes: dict[str, int],
    before: list[str],
    assistant: bool,
    wanted: int,
) -> None:
    """Whatever runs, and whoever else could take something."""
    short, long = (machine_with(tasks, capacities, processes) for _ in range(2))
    for driven in (short, long):
        for worker in before:
            driven.get_work(worker=worker)
    ask = {"worker": "a", "assistant": assistant, "max_tasks": wanted}
    found = [told(grant) for grant in short.get_work(**ask)["tasks"]]

    def descend(picking: Picking) -> Any:
        return picking._descend() if picking._descent is None else picking._descent.next()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picking, "next", descend)
        assert [told(grant) for grant in long.get_work(**ask)["tasks"]] == found
    event(f"{len(found)} tasks")
