"""A task that waits for nothing but itself, in the end, is behind no disabled task."""

from __future__ import annotations

import pytest

from tests.machines import Driven


@pytest.fixture
def driven() -> Driven:
    """`a` waits for `x`, which is disabled; `b` waits for `a`."""
    driven = Driven()
    driven.add_task(worker="w", task_id="x", status="DISABLED")
    driven.add_task(worker="w", task_id="a", deps=["x"])
    driven.add_task(worker="w", task_id="b", deps=["a"])
    assert driven.count_pending("w")["n_pending_tasks"] == 0
    return driven


def test_a_dependency_that_is_replaced_by_one_that_waits_for_it(driven: Driven) -> None:
    """Nothing is disabled any more in what it waits for; it was taken for barred by its own dependent."""
    driven.add_task(worker="w", task_id="a", deps=["b"])
    assert driven.count_pending("w")["n_pending_tasks"] == 2


@pytest.mark.parametrize("deps", [["a"], ["b", "new"], ["new", "b"]])
def test_other_ways_to_wait_for_oneself(driven: Driven, deps: list[str]) -> None:
    driven.add_task(worker="w", task_id="a", deps=deps)
    assert driven.count_pending("w")["n_pending_tasks"] == 2


def test_a_second_reason_stays_one(driven: Driven) -> None:
    driven.add_task(worker="w", task_id="y", status="DISABLED")
    driven.add_task(worker="w", task_id="a", deps=["b", "y"])
    assert driven.count_pending("w")["n_pending_tasks"] == 0
    driven.add_task(worker="w", task_id="y", status="PENDING")
    assert driven.count_pending("w")["n_pending_tasks"] == 3
