"""Views page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actorsched.errors import InvalidParamsError
from tests.machines import Driven

N = 7


@pytest.fixture
def driven() -> Driven:
    """Seven tasks in a chain by seven workers, with seven resources."""
    driven = Driven(resources={f"r{n}": 1 for n in range(N)})
    for n in range(N):
        deps = [f"t{n + 1}"] if n + 1 < N else []
        driven.add_task(worker=f"w{n}", task_id=f"t{n}", family="F", params={"n": str(n)}, deps=deps)
        driven.time += 1
    return driven


def flat(found: dict[str, dict[str, Any]]) -> list[str]:
    return [task_id for tasks in found.values() for task_id in tasks]


#: view → how to get a page of it, as keys; and how to get all of it in the same order
VIEWS: dict[str, Callable[..., list[str]]] = {
    "task_list": lambda d, **page: list(d.task_list(**page)),
    "task_list, status": lambda d, **page: list(d.task_list(status="PENDING", **page)),
    "task_list, search": lambda d, **page: list(d.task_list(search="n=", **page)),
    "task_search": lambda d, **page: flat(d.task_search("t", **page)),
    "worker_list": lambda d, **page: [worker["name"] for worker in d.worker_list(**page)],
    "resource_list": lambda d, **page: [resource["name"] for resource in d.resource_list(**page)],
    "graph": lambda d, **page: list(d.graph(**page)),
    "dep_graph": lambda d, **page: list(d.dep_graph("t0", **page)),
    "inverse_dep_graph": lambda d, **page: list(d.inverse_dep_graph(f"t{N - 1}", **page)),
}
each_view = pytest.mark.parametrize("view", VIEWS)


@each_view
@pytest.mark.parametrize("limit", [1, 2, 3, N - 1, N, N + 1, 1000])
def test_the_pages_together_are_all_of_it_in_order(driven: Driven, view: str, limit: int) -> None:
    everything = VIEWS[view](driven)
    assert len(everything) == N
    found: list[str] = []
    page = VIEWS[view](driven, limit=limit)
    while page:
        assert len(page) <= limit
        found += page
        page = VIEWS[view](driven, limit=limit, after=found[-1])
    assert found == everything


@each_view
def test_behind_the_last_one_there_is_nothing(driven: Driven, view: str) -> None:
    everything = VIEWS[view](driven)
    assert VIEWS[view](driven, limit=3, after=everything[-1]) == []
    assert VIEWS[view](driven, limit=3, after=everything[-2]) == everything[-1:]


@each_view
def test_whoever_goes_on_behind_what_is_gone_is_told_to_begin_again(driven: Driven, view: str) -> None:
    """A page that silently began somewhere would leave something out."""
    with pytest.raises(InvalidParamsError, match=r"after='gone': .*begin again without `after`"):
        VIEWS[view](driven, limit=3, after="gone")


def test_what_comes_and_goes_between_two_pages_moves_nothing_else(driven: Driven) -> None:
    first = VIEWS["task_list, status"](driven, limit=3)
    driven.add_task(worker="w", task_id="t1", status="DONE", deps=[])
    driven.add_task(worker="w", task_id="new", family="F")
    rest = VIEWS["task_list, status"](driven, limit=99, after=first[-1])
    assert rest == ["t3", "t4", "t5", "t6", "new"]


def test_a_page_begins_behind_a_task_that_has_left_the_status(driven: Driven) -> None:
    driven.add_task(worker="w", task_id="t2", status="DONE", deps=[])
    assert VIEWS["task_list, status"](driven, limit=2, after="t2") == ["t3", "t4"]


@pytest.mark.parametrize("limit", [None, False, 0])
def test_no_limit_is_no_limit(driven: Driven, limit: Any) -> None:
    assert len(driven.task_list(limit=limit)) == N
    assert len(driven.task_list(limit=limit, after="t1")) == N - 2


def test_a_list_that_is_too_long_is_only_counted_but_its_pages_are_shown(driven: Driven) -> None:
    """As Luigi's dashboard expects it."""
    assert driven.task_list(max_shown_tasks=3) == {"num_tasks": N}
    assert list(driven.task_list(max_shown_tasks=3, after="t0")) == ["t1", "t2", "t3"]
    assert len(driven.task_list(max_shown_tasks=3, limit=5)) == 5
