"""Where the calls and the pings for a luigid go, without a network."""

from __future__ import annotations

import threading
from typing import Any

import structlog

from actorsched.actors.http_scheduler import LuigidMethods
from actorsched.actors.runtime import Runtime
from actorsched.config import ClientSettings
from actorsched.transport.http import HttpAwayError

URL = "http://127.0.0.1:1,http://127.0.0.1:2"


class Network:
    """The second address is there."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []

    def open_http(self, address: Any, *, trust: Any = None) -> Any:
        network = self

        class Client:
            def call(self, method: str, params: Any, timeout_s: float) -> Any:
                network.asked.append((address.port, method))
                if address.port == 1:
                    raise HttpAwayError("refused")
                return {}

            def close(self) -> None: ...

        return Client()


def test_pings_go_where_the_calls_are_answered() -> None:
    """A second search for it would look like a loss, and be told of as one."""
    network = Network()
    runtime = Runtime(network=network)  # type: ignore[arg-type]
    settings = ClientSettings(retry_wait_min=0.0, retry_wait_max=0.0)
    closing = threading.Event()
    with structlog.testing.capture_logs() as logs:
        calls = LuigidMethods(URL, settings, runtime, closing)
        pings = LuigidMethods(URL, settings, runtime, closing, calls)
        for methods, name in ((calls, "prune"), (pings, "ping"), (calls, "prune")):
            methods.call(name, {})
    assert network.asked == [(1, "prune"), (2, "prune"), (2, "ping"), (2, "prune")]
    assert [entry["event"] for entry in logs] == [
        "no answer from the scheduler yet",
        "the scheduler has answered",
    ]
