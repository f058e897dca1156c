"""Names that have addresses of one kind only."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from actorsched.transport import family


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was looked up, in a world of its own."""
    found: list[str] = []
    names = {"four": [socket.AF_INET], "six": [socket.AF_INET6], "both": [socket.AF_INET6, socket.AF_INET]}

    def look_up(host: str, port: Any, kind: Any, *more: Any) -> list[Any]:
        found.append(host)
        if kind not in names.get(host, []):
            raise socket.gaierror(socket.EAI_NONAME, "nobody")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(family, "_known", {})
    monkeypatch.setattr(family, "_asking", {})
    monkeypatch.setattr(family, "WAIT_S", 60.0)
    return found


def test_ipv6_is_used_where_there_is_nothing_else(asked: list[str]) -> None:
    """There are networks without IPv4."""
    hosts = ("four", "six", "both", "127.0.0.1", "::1", "")
    assert [family.wants_ipv6(host) for host in hosts] == [False, True, False, False, True, False]
    assert asked == ["four", "six", "six", "both"]
    assert family.wants_ipv6("six")
    assert len(asked) == 4


def test_a_name_that_was_not_found_is_looked_up_again(asked: list[str]) -> None:
    """It may have been too early."""
    for _ in range(2):
        assert not family.wants_ipv6("none")
    assert asked == ["none"] * 4


def test_nobody_waits_for_a_name_server_that_does_not_answer(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heartbeats go on, and whoever wants to end can."""
    answers = threading.Event()
    look_up = socket.getaddrinfo

    def look_up_later(host: str, *more: Any) -> Any:
        answers.wait(60)
        return look_up(host, *more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_later)
    monkeypatch.setattr(family, "WAIT_S", 0.0)
    assert [family.wants_ipv6("six") for _ in range(3)] == [False] * 3
    answers.set()
    family._asking["six"].join(60)
    assert asked == ["six", "six"]
    assert family.wants_ipv6("six")
