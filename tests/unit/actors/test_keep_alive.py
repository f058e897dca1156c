"""Who is to be pinged for, and when."""

from __future__ import annotations

from typing import Any

from pykka import ActorDeadError

from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.messages import Heard, KeepAlive


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


def wish(worker: str, interval_s: float, listener: Any = None) -> KeepAlive:
    return KeepAlive(worker=worker, interval_s=interval_s, listener=listener)


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
