"""The simulated disk loses what a disk may lose, and nothing else."""

from __future__ import annotations

import pytest

from actorsched.core.rows import Changes, PausedRow
from actorsched.errors import FencedError, StoreUnavailableError
from actorsched.simulation.disk import Habits, SimulatedDisk, SimulatedStore
from actorsched.simulation.hub import Hub
from actorsched.simulation.network import Network
from actorsched.simulation.node import Node
from actorsched.simulation.trace import Trace


def make_disk(seed: int = 1, **habits: object) -> tuple[SimulatedDisk, Node, Node]:
    hub = Hub(seed)
    hub.activate()
    trace = Trace(hub)
    network = Network(hub, trace)
    disk = SimulatedDisk(hub, trace, Habits(**habits))  # type: ignore[arg-type]
    return disk, Node(hub, network, "one"), Node(hub, network, "two")


def store_on(disk: SimulatedDisk, node: Node) -> SimulatedStore:
    store = SimulatedStore(disk, node, lambda: None, lambda: None)
    assert store.take(store.look(), f"epoch of {node.name} {node.lives}")
    return store


def write(store: SimulatedStore, key: int) -> None:
    store.commit(Changes([], [], [], [("paused", str(key), PausedRow(True))]), [], float(key))


def keys(disk: SimulatedDisk) -> list[int]:
    return sorted(int(key) for _, key in disk.written.items)


@pytest.mark.parametrize("durability", ["normal", "full"])
def test_the_end_of_the_process_loses_nothing(durability: str) -> None:
    """What was written belongs to the machine."""
    disk, one, two = make_disk(durability=durability)
    store = store_on(disk, one)
    for key in range(20):
        write(store, key)
    one.crash()
    assert store_on(disk, two).look().epoch == "epoch of two 1"
    assert keys(disk) == list(range(20))


def test_with_the_power_goes_the_end_of_what_was_not_synced() -> None:
    """The first commits stay, whole and in order; how many is left to chance."""
    left = set()
    for seed in range(12):
        disk, one, _ = make_disk(seed, durability="normal")
        store = store_on(disk, one)
        for key in range(10):
            write(store, key)
        one.crash()
        lost = disk.lose_power()
        assert keys(disk) == list(range(10 - lost))
        left.add(10 - lost)
    assert len(left) > 3


def test_what_was_synced_outlives_the_power() -> None:
    """That is what durability `full` promises."""
    disk, one, _ = make_disk(durability="full")
    store = store_on(disk, one)
    for key in range(10):
        write(store, key)
    assert disk.lose_power() == 0
    assert keys(disk) == list(range(10))


def test_a_full_disk_takes_nothing() -> None:
    """And says so, until there is room."""
    disk, one, _ = make_disk()
    store = store_on(disk, one)
    disk.full = True
    with pytest.raises(StoreUnavailableError, match="full"):
        write(store, 1)
    with pytest.raises(StoreUnavailableError, match="full"):
        store.try_out(1)
    disk.full = False
    store.try_out(1)
    write(store, 2)
    assert keys(disk) == [2]


def test_the_lock_goes_with_its_holder_and_not_with_its_node() -> None:
    """A node that is up again is not the process that had the place."""
    disk, one, two = make_disk()
    store = store_on(disk, one)
    other = SimulatedStore(disk, two, lambda: None, lambda: None)
    assert not other.look().free
    one.crash()
    assert other.look().free
    one.boot()
    assert other.look().free
    assert other.take(other.look(), "later")
    with pytest.raises(FencedError):
        write(store, 1)


def test_a_commit_that_fails_may_have_been_written() -> None:
    """Whoever asked cannot know."""
    written = set()
    for seed in range(20):
        disk, one, _ = make_disk(seed, failing=1.0)
        with pytest.raises(StoreUnavailableError):
            write(store_on(disk, one), 1)
        written.add(len(keys(disk)))
    assert written == {0, 1}
