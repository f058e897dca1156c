"""The sockets of a server, without any."""

from __future__ import annotations

from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import structlog

from actorsched.actors.host import MAX_CHECKING, Host, _Checked
from actorsched.actors.runtime import Runtime
from actorsched.transport.zap import Knock

KNOCK = Knock(envelope=(), request_id=b"", mechanism="PLAIN", address="", credentials=())


def test_a_password_that_was_checked_too_late_is_of_no_use() -> None:
    """The server was closed meanwhile, and that is no bug."""
    owner: Any = None
    host = Host(owner, Runtime(), lambda calls: [], None)
    for user in ("alice", None):
        host.handle(_Checked(host, KNOCK, user))


class Guard:
    """Whose hashes cannot be made."""

    mechanism = "PLAIN"
    pair = None

    def admit(self, credentials: object) -> Any:
        def check() -> str | None:
            raise MemoryError

        return check


class Door:
    """Notes who is told what."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def refuse(self, knock: Knock) -> None:
        self.told.append("no")

    def put_off(self, knock: Knock) -> None:
        self.told.append("later")


def test_a_password_that_cannot_be_checked_is_refused() -> None:
    """Whoever comes after would else be put off for ever."""
    heard = SimpleQueue[Any]()
    owner: Any = SimpleNamespace(actor_ref=SimpleNamespace(tell=heard.put))
    guard: Any = Guard()
    host = Host(owner, Runtime(), lambda calls: [], None, guard)
    door: Any = Door()
    host._door = door
    with structlog.testing.capture_logs() as logs:
        for _ in range(2 * MAX_CHECKING):
            host._check_later(KNOCK, guard.admit(()))
            host.handle(heard.get(timeout=30))
    assert door.told == ["no"] * 2 * MAX_CHECKING
    assert "a call ended with a bug" in [entry["event"] for entry in logs]
    assert host._checking is not None
    host._checking.shutdown()
