"""Stores as lines, and back; and what is kept of older versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from actorsched.errors import InvalidParamsError, StoreError, StoreHeldError
from actorsched.store.base import Reply, Store
from actorsched.store.memory import MemoryStore
from actorsched.store.transfer import check, export_lines, import_lines

Make = Callable[[], Store]
NOW = Instant(50.0, 2000.0)


def busy_machine() -> SchedulerMachine:
    """A machine with something of everything."""
    machine = SchedulerMachine(
        SchedulerSettings(retry_count=2), resources={"gpu": 2}, epoch="e", journal=True
    )
    for number in range(12):
        machine.add_task(
            NOW, task_id=f"T{number}", worker="w1", family="F", module="m", params={"n": str(number)},
            param_visibilities={"n": 0}, deps=[f"T{number - 1}"] if number % 3 else None, priority=number,
            resources={"gpu": 1}, retry_policy_dict={"retry_count": 5} if number == 7 else None,
        )  # fmt: skip
    machine.add_worker(NOW, worker="w2", info={"workers": 3})
    machine.add_task_batcher(NOW, worker="w2", task_family="F", batched_args=["n"])
    work = machine.get_work(NOW, worker="w1", host="h")
    machine.get_work(NOW, worker="w1", host="h")
    assert work["task_id"] is not None
    machine.set_task_status_message(NOW, task_id=work["task_id"], status_message="half")
    machine.add_task(NOW, task_id="T0", worker="w1", status="FAILED", expl="boom")
    machine.send_scheduler_message(NOW, worker="w1", task="T9", content="x")
    machine.announce_scheduling_failure(NOW, task_name="X", family="X", params={}, expl="?", owners=[])
    machine.pause(NOW)
    return machine


def fill(store: Store) -> None:
    assert store.take(store.look(), "e")
    store.commit(busy_machine().take_changes(), [Reply("client", 3, b'[[0,{"a":1}]]')], NOW.monotonic)
    store.give_back()


def test_an_export_makes_the_same_store_again(make: Make) -> None:
    """From any store into another one."""
    store = make()
    fill(store)
    lines = list(export_lines(store))
    other = MemoryStore()
    assert import_lines(other, lines, "e2", "test") == 12
    assert list(export_lines(other)) == lines
    assert check(other)["tasks"] == check(store)["tasks"]
    assert check(other)["paused"]


def test_an_import_needs_an_empty_store_that_nobody_has(make: Make) -> None:
    """It would mix two histories."""
    store = make()
    fill(store)
    lines = list(export_lines(store))
    with pytest.raises(StoreError, match="there are tasks"):
        import_lines(store, lines, "e2", "test")
    other = make()
    assert other.take(other.look(), "e3")
    with pytest.raises(StoreHeldError, match="has this store"):
        import_lines(store, lines, "e2", "test")


@pytest.mark.parametrize("line", [b"garbage", b"{}", b'{"kind":"task","seq":1}', b'{"kind":"cake"}', b"[1]"])
def test_a_bad_line_is_refused_with_its_number(line: bytes) -> None:
    """And nothing of its piece is stored."""
    store = MemoryStore()
    fill(source := MemoryStore())
    lines = list(export_lines(source))
    with pytest.raises(InvalidParamsError, match=r"backup\.jsonl, line 3: not a line"):
        import_lines(store, [*lines[:2], line], "e2", "backup.jsonl")
    assert not store.disk.tasks


def test_an_unused_store_is_vacuumed_and_a_used_one_is_not(make: Make) -> None:
    """A scheduler would have to wait for it."""
    store = make()
    fill(store)
    before, after = store.vacuum()
    assert before >= after >= 0
    assert check(store)["workers"] == 2
    if store.url != "memory://":
        other = make()
        assert other.take(other.look(), "e3")
        with pytest.raises(StoreHeldError):
            store.vacuum()


@pytest.mark.breaks_a_machine
def test_rows_that_contradict_each_other_are_found() -> None:
    """A running task needs its worker."""
    store = MemoryStore()
    fill(store)
    del store.disk.items["worker", "w1"]
    with pytest.raises(StoreError, match="contradict"):
        check(store)
