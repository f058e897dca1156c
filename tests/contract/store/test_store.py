"""What every store does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from actorsched.core import rows as kinds
from actorsched.core.rows import Changes, ProgressRow, TaskRow
from actorsched.errors import FencedError, InvalidParamsError
from actorsched.store.base import NO_CHANGES, Reply, Store

Make = Callable[[], Store]


def task(name: str, **params: Any) -> TaskRow:
    return TaskRow(name, "F", None, params, [], 0, {}, 0, 0, True, False, False, False, 1.0)


def changes(**parts: Any) -> Changes:
    return Changes(**{"tasks": [], "progress": [], "gone": [], "items": [], **parts})


def take(store: Store, epoch: str) -> None:
    assert store.take(store.look(), epoch)


def tasks_in(store: Store) -> dict[int, tuple[str, str | None]]:
    return {seq: (row.task_id, step and step.status) for seq, row, step in store.read().rows.tasks}


def test_what_was_committed_is_there_for_the_next_one(make: Make) -> None:
    """Rows are written, replaced and deleted by their keys."""
    store = make()
    take(store, "e1")
    store.commit(changes(tasks=[(1, task("a")), (2, task("b")), (3, task("c"))]), [], 5.0)
    store.commit(changes(progress=[(2, ProgressRow("RUNNING", 1.5)), (3, ProgressRow("DONE", 1.0))]), [], 6.0)
    store.commit(changes(tasks=[(1, task("a", x=2**70))], gone=[3]), [], 7.0)
    store.give_back()
    store.close()
    store = make()
    assert tasks_in(store) == {1: ("a", None), 2: ("b", "RUNNING")}
    stored = store.read()
    assert stored.clock == 7.0
    assert {seq: row.params for seq, row, _ in stored.rows.tasks}[1] == {"x": 2**70}


def test_tasks_come_in_order(make: Make) -> None:
    """Of registration, whatever the order of writing was."""
    store = make()
    take(store, "e")
    numbers = [5, 3, 900, 4, 10_000_000_000]
    store.commit(changes(tasks=[(seq, task(str(seq))) for seq in numbers]), [], 1.0)
    assert [seq for seq, _, _ in store.read().rows.tasks] == sorted(numbers)


def test_items_are_kept_by_kind_and_key(make: Make) -> None:
    """Also keys that hold every kind of character."""
    store = make()
    take(store, "e")
    odd = "wörker\0 '\"\ud800"
    row = kinds.WorkerSetRow([1, 2])
    items = [
        (kinds.WORKER_SET, odd, row),
        (kinds.WORKER_SET, "2", row),
        (kinds.PAUSED, "2", kinds.PausedRow(True)),
    ]
    store.commit(changes(items=items), [], 1.0)
    store.commit(changes(items=[(kinds.WORKER_SET, "2", None)]), [], 2.0)
    found = {(kind, key): item for kind, key, item in store.read().rows.items}
    assert found == {(kinds.WORKER_SET, odd): row, (kinds.PAUSED, "2"): kinds.PausedRow(True)}


def test_replies_are_kept_by_client_the_longest_silent_first(make: Make) -> None:
    """The memory is bounded, and forgets in this order."""
    store = make()
    take(store, "e")
    store.commit(NO_CHANGES, [Reply("a", 1, b"one"), Reply("b", 1, b"x"), Reply("c", 1, b"y")], 1.0)
    store.commit(NO_CHANGES, [Reply("a", 2**80, b"\0two"), Reply("c", 0, None)], 2.0)
    assert list(store.read().replies) == [Reply("b", 1, b"x"), Reply("a", 2**80, b"\0two")]


def test_the_place_is_taken_once(make: Make) -> None:
    """Of two that saw the same, one gets it; and it is not free until it is given back."""
    first, second = make(), make()
    seen = second.look()
    take(first, "e1")
    assert not second.take(seen, "e2")
    assert not second.look().free
    first.give_back()
    assert second.look().free
    take(second, "e2")
    assert not first.look().free


def test_the_beat_moves_with_each_commit(make: Make) -> None:
    """A standby tells by it whether the holder lives."""
    first, second = make(), make()
    take(first, "e1")
    seen = second.look()
    assert second.look() == seen
    first.commit(NO_CHANGES, [], 1.0)
    assert second.look() != seen
    assert not second.take(seen, "e2")


def test_whoever_lost_the_place_commits_nothing(make: Make) -> None:
    """The check is part of the transaction."""
    first, second = make(), make()
    take(first, "e1")
    first.commit(changes(tasks=[(1, task("a"))]), [], 1.0)
    take(second, "e2")
    with pytest.raises(FencedError):
        first.commit(changes(tasks=[(2, task("b"))], gone=[1]), [Reply("c", 1, b"")], 2.0)
    assert tasks_in(second) == {1: ("a", None)}
    assert list(second.read().replies) == []
    first.give_back()
    assert not second.look().free
    second.commit(changes(tasks=[(2, task("b"))]), [], 3.0)
    assert tasks_in(second) == {1: ("a", None), 2: ("b", None)}


def test_the_end_of_a_holder_frees_the_place(make: Make) -> None:
    """Its lock goes with it; nobody needs to wait for the lease."""
    first, second = make(), make()
    take(first, "e1")
    first.close()
    if first.url != "memory://":  # a twin has no process that could end
        deadline = time.monotonic() + 60
        while not second.look().free:  # a database server notices it in its own time
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_what_cannot_be_written_is_refused_and_nothing_is_stored(make: Make) -> None:
    """A value that is no JSON comes from a caller of this process."""
    store = make()
    take(store, "e")
    with pytest.raises(InvalidParamsError, match="type object"):
        store.commit(changes(tasks=[(1, task("a")), (2, task("b", x=object()))]), [], 1.0)
    assert tasks_in(store) == {}
    store.commit(changes(tasks=[(1, task("half \ud800 a character"))]), [], 1.0)
    assert tasks_in(store)[1][0] == "half \\ud800 a character"


def test_room_can_be_tried_out(make: Make) -> None:
    """It leaves nothing behind, and may be done by whoever waits."""
    store = make()
    store.try_out(100_000)
    store.try_out(10)
    take(store, "e")
    assert tasks_in(store) == {}


def test_a_machine_goes_through_a_store_and_comes_back(make: Make) -> None:
    """The rows are those of the core."""
    now = Instant(10.0, 20.0)
    machine = SchedulerMachine(SchedulerSettings(), epoch="e1", journal=True)
    store = make()
    take(store, "e1")
    for number in range(30):
        deps = [f"T{number - 1}"] if number else []
        machine.add_task(now, task_id=f"T{number}", worker="w", family="F", deps=deps)
    machine.get_work(now, worker="w", host="h")
    store.commit(machine.take_changes(), [], 10.0)
    other = SchedulerMachine(SchedulerSettings(), epoch="e2", journal=True)
    other.load(store.read().rows, now)
    assert other.task_list(now) == machine.task_list(now)
    assert other.worker_list(now) == machine.worker_list(now)
