"""A chain of a hundred thousand tasks, on a stack that has room for none of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.machines import Driven

N = 100_000


@pytest.fixture
def shallow() -> Iterator[None]:
    """Python's stack holds a few more calls than it holds now."""
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 150)
    yield
    sys.setrecursionlimit(limit)


@pytest.mark.usefixtures("shallow")
def test_everything_that_spreads_along_a_chain_spreads_without_recursion() -> None:
    driven = Driven(max_graph_nodes=2 * N, max_shown_tasks=2 * N, remove_delay=10, disable_persist=1)
    first, last = "c0", f"c{N - 1}"
    for index in range(N):  # first what needs something: each finds a placeholder
        deps = [f"c{index + 1}"] if index + 1 < N else []
        driven.add_task(worker="w", task_id=f"c{index}", family="C", deps=deps)
    driven.add_task(worker="w", task_id=first, family="C", deps=["c1"], priority=7)
    assert driven.machine.tasks[last].priority == 7
    assert driven.count_pending("w")["n_can_run"] == N

    driven.cancel_task(last)
    assert driven.count_pending("w") == {**driven.count_pending("w"), "n_pending_tasks": 0, "n_can_run": 0}
    assert driven.task_list(limit=1)[first]["blocked_reason"] == f"disabled dependency: {last}"
    assert len(driven.task_list(status="PENDING", upstream_status="UPSTREAM_DISABLED")) == N - 1
    driven.add_task(worker="w", task_id=last, family="C")
    assert driven.count_pending("w")["n_can_run"] == N

    assert len(driven.graph()) == len(driven.inverse_dep_graph(last)) == N

    driven.add_task(worker="w", task_id=last, family="C", new_deps=[f"c{N - 500}"])  # a cycle
    assert driven.count_pending("w")["n_can_run"] == 0
    assert driven.task_list(limit=1)[first]["blocked_reason"] == "dependency cycle"
    driven.add_task(worker="w", task_id=last, family="C", deps=[])
    assert driven.count_pending("w")["n_can_run"] == N

    for index in reversed(range(N - 50, N)):
        work = driven.get_work(worker="w")
        assert work["task_id"] == f"c{index}"
        driven.add_task(worker="w", task_id=f"c{index}", status="DONE", run_id=work["run_id"])
    assert driven.count_pending("w")["n_can_run"] == N - 50

    driven.time += 61
    driven.prune()
    driven.time += 11
    driven.prune()
    assert not driven.machine.tasks
