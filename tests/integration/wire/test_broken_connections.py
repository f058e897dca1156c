"""A connection that breaks under a request: its answer cannot come, and nobody should wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from actorsched.transport.address import parse_address
from actorsched.transport.context import context
from actorsched.transport.req import ReqSocket
from tests.integration.children.background import until


@pytest.fixture
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("s")
    return f"ipc://{folder}/s"


@pytest.fixture
def asking(address: str) -> Iterator[ReqSocket]:
    socket = ReqSocket(parse_address(address))
    yield socket
    socket.close()


def heard_by_a_server(address: str, asking: ReqSocket) -> None:
    """A request arrives, and its server is gone."""
    with context().socket(zmq.REP) as server:
        server.linger = 0
        server.bind(address)
        assert asking.send(b"request", 30.0)
        assert server.recv() == b"request"


def test_everybody_who_asks_is_told_that_a_connection_broke(address: str, asking: ReqSocket) -> None:
    """Heartbeats look whether the calls get through; the call heard nothing then, and waited ten seconds."""
    heard_by_a_server(address, asking)
    until(asking.lost)
    assert asking.lost(), "who looks second is told, too"
