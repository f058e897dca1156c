"""The latest commits and the tables are one state, whenever they are sorted in."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from actorsched.core import rows as kinds
from actorsched.core.rows import Changes, ProgressRow
from actorsched.errors import StoreError
from actorsched.store import schema
from actorsched.store.base import Reply, Store
from actorsched.store.memory import MemoryStore
from actorsched.store.recent import MANY_ROWS, MANY_TASKS
from tests.contract.store.test_store import changes, take, task

Make = Callable[[], Store]


def contents(store: Store) -> tuple[Any, ...]:
    stored = store.read()
    return list(stored.rows.tasks), {item[:2]: item[2] for item in stored.rows.items}, list(stored.replies)


def some_changes(rng: random.Random, step: int, known: set[int]) -> Changes:
    """Tasks and items of few numbers, so that they come, go and come back; now and then many.

    Args:
        known: numbers of the tasks that there are; brought up to date.
    """
    many = rng.random() < 0.1
    numbers = rng.sample(range(1, 400), rng.randint(MANY_TASKS, MANY_ROWS) if many else rng.randint(0, 6))
    gone = [seq for seq in numbers if rng.random() < 0.3]
    tasks = [(seq, task(f"T{seq}", step=step)) for seq in numbers if rng.random() < 0.5]
    known -= set(gone)
    known |= {seq for seq, _ in tasks}
    moved = [seq for seq in numbers if seq in known and rng.random() < 0.7]
    progress = [(seq, ProgressRow("DONE", float(step))) for seq in moved]
    items = [
        (kinds.WORKER_SET, str(key), kinds.WorkerSetRow([step]) if rng.random() < 0.7 else None)
        for key in rng.sample(range(8), rng.randint(0, 3))
    ]
    return changes(tasks=tasks, progress=progress, gone=gone, items=items)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_is_what_was_committed(make: Make, seed: int) -> None:
    """As of the twin in memory; also for who looks from outside, and after a change of the holder."""
    rng, known = random.Random(seed), set[int]()
    store: Any = make()
    twin, other = MemoryStore(), make()
    take(store, "e")
    take(twin, "e")
    for step in range(80):
        what = some_changes(rng, step, known)
        client = f"c{rng.randrange(6)}"
        replies = [Reply(client, step, rng.choice([b"a" * rng.randrange(9_000), b"[]", None]))]
        for each in (store, twin):
            each.commit(what, replies, float(step))
        if rng.random() < 0.2:
            store._recent_bytes = inf  # it is time to sort
        if rng.random() < 0.1:
            store.give_back()
            take(other, f"e{step}")
            store, other = other, store
        if step % 8 == 7:
            expected = contents(twin)
            assert contents(store) == expected
            assert contents(other) == expected


def test_enough_of_the_latest_commits_are_sorted_in(make: Make) -> None:
    """So they do not grow without bound, and what is sorted in is deleted."""
    store: Any = make()
    if isinstance(store, MemoryStore):
        return  # it has tables only
    take(store, "e")
    store.recent_max = 20_000
    most = 0
    for number in range(300):
        store.commit(changes(tasks=[(number, task(f"T{number}", x="y" * 500))]), [], float(number))
        with store._transaction(reading=True) as connection:
            query = "SELECT coalesce(sum(length(data)), 0) FROM actorsched_recent"
            most = max(most, connection.exec_driver_sql(query).scalar_one())
    assert 15_000 < most < 21_000
    assert len(list(store.read().rows.tasks)) == 300


def test_damage_in_the_latest_commits_is_noticed(make: Make) -> None:
    store: Any = make()
    if isinstance(store, MemoryStore):
        return  # it has tables only
    take(store, "e")
    store.commit(changes(tasks=[(1, task("a"))]), [Reply("c", 1, b"x")], 1.0)
    for column in ("data", "replies"):
        with store._transaction() as connection:
            connection.execute(schema.recent.update().values({column: b"[[[1,"}))
        with pytest.raises(StoreError, match="the store is damaged: latest commit 1"):
            store.read()
