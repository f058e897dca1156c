"""Who is to be pinged for, and when."""

from __future__ import annotations

from typing import Any

import pytest
from pykka import ActorDeadError

from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.messages import Heard, KeepAlive
from actorsched.errors import ConfigError


class Ear:
    """As much of an `ActorRef` as the table needs."""

    def __init__(self) -> None:
        self.alive = True
        self.heard: list[object] = []

    def is_alive(self) -> bool:
        return self.alive

    def tell(self, message: object) -> None:
        if not self.alive:
            raise ActorDeadError
        self.heard.append(message)


def wish(worker: str, interval_s: float, listener: Any = None, wished: bool = False) -> KeepAlive:
    return KeepAlive(worker=worker, interval_s=interval_s, listener=listener, wished=wished)


def test_the_first_ping_is_due_after_one_interval() -> None:
    """The worker has just spoken."""
    table = KeepAliveTable()
    assert table.next_due(100.0) is None
    table.add(wish("w", 2.0), 100.0)
    assert table.due(101.9) == []
    assert table.next_due(101.5) == 0.5
    assert [entry.worker for entry in table.due(102.0)] == ["w"]
    assert table.due(102.0) == []
    assert table.next_due(102.0) == 2.0


def test_late_pings_are_not_made_up_for() -> None:
    """One renews the lease as well as ten."""
    table = KeepAliveTable()
    table.add(wish("w", 1.0), 0.0)
    assert len(table.due(10.5)) == 1
    assert table.next_due(10.5) == 1.0
    assert table.next_due(99.0) == 0.0


def test_a_new_wish_replaces_the_old_one_and_stopping_ends_it() -> None:
    """By the name of the worker."""
    table = KeepAliveTable()
    table.add(wish("w", 1.0), 0.0)
    table.add(wish("w", 5.0), 0.0)
    assert table.due(2.0) == []
    table.remove("w")
    table.remove("w")
    assert len(table) == 0


def test_a_worker_whose_listener_ended_is_dropped() -> None:
    """A crashed worker must not look alive."""
    table, ear = KeepAliveTable(), Ear()
    table.add(wish("w", 1.0, ear), 0.0)
    ear.alive = False
    assert table.due(1.0) == []
    assert len(table) == 0


def test_a_listener_hears_only_what_is_news() -> None:
    """Messages, or that its worker is not known."""
    table, ear = KeepAliveTable(), Ear()
    entry = wish("w", 1.0, ear)
    table.deliver(entry, {"rpc_messages": []})
    table.deliver(entry, {"rpc_messages": [], "known": True})
    table.deliver(entry, {"rpc_messages": [{"name": "x"}]})
    table.deliver(entry, {"known": False})
    table.deliver(wish("v", 1.0), {"known": False})
    assert ear.heard == [
        Heard(worker="w", rpc_messages=({"name": "x"},)),
        Heard(worker="w", rpc_messages=(), known=False),
    ]


def test_a_listener_that_just_ended_is_dropped() -> None:
    """Between the question and the answer."""
    table, ear = KeepAliveTable(), Ear()
    entry = wish("w", 1.0, ear)
    table.add(entry, 0.0)
    ear.alive = False
    table.deliver(entry, {"known": False})
    assert len(table) == 0


def test_a_lease_shortens_what_nobody_wished_for() -> None:
    """Three heartbeats fit into it."""
    table, ear = KeepAliveTable(), Ear()
    table.add(wish("w", 1.0, ear), 0.0)
    table.limit(0.3, 0.0)
    table.check(ear)
    assert table.next_due(0.0) == pytest.approx(0.1)


@pytest.mark.parametrize("known_before", [True, False])
def test_a_wish_that_cannot_be_met_is_refused(known_before: bool) -> None:
    """The message names the value, the place and the remedy; a third of the lease itself is allowed."""
    table, ear = KeepAliveTable(), Ear()
    if known_before:
        table.limit(60.0, 0.0)
    table.add(wish("w", 20.5, ear, wished=True), 0.0)
    if not known_before:
        table.check(ear)  # nothing is known that speaks against it
        table.limit(60.0, 0.0)
    for _ in range(2):  # however often it is tried
        with pytest.raises(ConfigError, match=r"ping_interval=20\.5 of this worker: .* 60 s, .* 20 or less"):
            table.check(ear)
    table.check(Ear())  # it is not the fault of others
    table.add(wish("w", 20.0, ear, wished=True), 0.0)
    table.check(ear)


def test_a_lease_that_becomes_shorter_ends_no_worker() -> None:
    """It has runs to finish."""
    table, ear = KeepAliveTable(), Ear()
    table.limit(60.0, 0.0)
    table.add(wish("w", 20.0, ear, wished=True), 0.0)
    table.check(ear)
    table.limit(6.0, 0.0)
    table.check(ear)
    assert table.next_due(0.0) == 2.0
