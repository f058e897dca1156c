"""What the log says of those who knock in vain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from actorsched.actors.strangers import MAX_ADDRESSES, QUIET_S, Strangers


class Door:
    def __init__(self, logs: list[Any]) -> None:
        self.time = 5.0
        self.strangers = Strangers(lambda: self.time)
        self._logs = logs

    def knock(self, address: str = "a", mechanism: str = "CURVE") -> list[Any]:
        """What is logged for it: the address, and how many were passed over."""
        self._logs.clear()
        self.strangers.turn_away(address, mechanism)
        return [(entry["address"], entry.get("and_before", 0)) for entry in self._logs]


@pytest.fixture
def door() -> Iterator[Door]:
    with structlog.testing.capture_logs() as logs:
        yield Door(logs)


def test_who_goes_on_knocking_is_named_once_a_minute(door: Door) -> None:
    """And with how often it was."""
    assert door.knock() == [("a", 0)]
    for _ in range(500):
        door.time += QUIET_S / 501
        assert door.knock() == []
    door.time += QUIET_S / 10
    assert door.knock() == [("a", 500)]
    assert door.knock() == []
    door.time += 2 * QUIET_S
    assert door.knock() == [("a", 1)]


def test_each_address_counts_for_itself(door: Door) -> None:
    assert [door.knock("a"), door.knock("b"), door.knock("a", "NULL")] == [[("a", 0)], [("b", 0)], [("a", 0)]]
    assert [door.knock("a"), door.knock("b")] == [[], []]


def test_many_addresses_take_no_more_memory(door: Door) -> None:
    """The one that was told of longest ago is forgotten."""
    door.knock("first")
    for number in range(MAX_ADDRESSES):
        door.knock(str(number))
    assert len(door.strangers._told) == MAX_ADDRESSES
    assert door.knock("first") == [("first", 0)]
