"""One frame and its answer, with sockets that do what a test says."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from actorsched.actors.conversation import HELLO, SAME_S, Conversation
from actorsched.actors.patience import NoAnswerError
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.config import ClientSettings
from actorsched.transport.address import parse_endpoints

URL = "tcp://127.0.0.1:8081"


class Socket:
    """Answers at once, for as long as it is connected."""

    def __init__(self, network: Network) -> None:
        self.address = URL
        self.refused = ""
        self.denied = False
        self.sent: list[bytes] = []
        self.connected = True
        self.closed = False
        self.looks = 0
        self._network = network

    def send(self, frame: bytes, timeout_s: float = 0.0) -> bool:
        if self.connected:
            self.sent.append(frame)
        else:
            self._network.time += timeout_s
        return self.connected

    def receive(self, timeout_s: float = 0.0) -> list[bytes] | None:
        if not self.connected:
            return None
        result = {"protocol_version": 1} if self.sent[-1] == HELLO else "answer"
        return [json.dumps({"jsonrpc": "2.0", "result": result, "id": 0}).encode()]

    def lost(self) -> bool:
        self.looks += 1
        return not self.connected

    def check(self) -> None: ...

    def close(self) -> None:
        self.closed = True


class Network:
    def __init__(self) -> None:
        self.time = 1000.0
        self.opened: list[Socket] = []
        self.ports: list[int] = []
        self.there = True

    def open_req(self, address: Any, **options: Any) -> Socket:
        self.opened.append(Socket(self))
        self.ports.append(address.port)
        self.opened[-1].connected = self.there
        return self.opened[-1]


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def conversation(network: Network) -> Conversation:
    return converse(network, URL)


def converse(network: Network, url: str) -> Conversation:
    runtime = Runtime(clock=CallableClock(lambda: network.time), network=network)  # type: ignore[arg-type]
    return Conversation(
        url,
        parse_endpoints(url),
        None,
        ClientSettings(),
        runtime,
        threading.Event(),
        lambda: None,
        lambda said, address: None,
    )


def test_one_greeting_is_enough_for_a_connection(conversation: Conversation, network: Network) -> None:
    """It is looked at only after a while, because that costs more than one thinks."""
    for _ in range(3):
        response = conversation.attempt(b"frame", 10.0)
        assert not isinstance(response, list)
        assert response.result == "answer"
    [socket] = network.opened
    assert socket.sent == [HELLO, b"frame", b"frame", b"frame"]
    assert socket.looks == 0
    network.time += 2 * SAME_S
    conversation.attempt(b"frame", 10.0)
    assert socket.looks == 1


def test_only_an_answer_may_take_longer_than_usual(conversation: Conversation, network: Network) -> None:
    """Where nobody is, the next address is tried as soon as before."""
    network.there = False
    with pytest.raises(NoAnswerError, match=r"no connection to .* within 10 s"):
        conversation.attempt(b"frame", 160.0)
    assert network.time == pytest.approx(1010.0, abs=0.1)


@pytest.mark.parametrize("after_s", [0.0, 1.0])
def test_whoever_comes_after_a_broken_connection_is_greeted(
    after_s: float, conversation: Conversation, network: Network
) -> None:
    """Before he is asked anything, however soon that is."""
    conversation.attempt(b"first", 10.0)
    network.opened[0].connected = False
    network.time += after_s
    conversation.attempt(b"second", 10.0)
    first, second = network.opened
    assert first.sent == [HELLO, b"first"]
    assert first.closed
    assert second.sent == [HELLO, b"second"]


def test_an_attempt_in_vain_leaves_no_socket(conversation: Conversation, network: Network) -> None:
    """It may wait for a connection for as long as it was told."""
    network.there = False
    with pytest.raises(NoAnswerError, match=r"no connection to .* within 10 s"):
        conversation.attempt(b"frame", 10.0)
    assert network.time == pytest.approx(1010.0, abs=0.1)
    assert [socket.closed for socket in network.opened] == [True]
    assert conversation.socket is None


def test_what_the_pings_have_found_is_not_looked_for_again(network: Network) -> None:
    """A standby has taken over: a call would begin at the address of the dead one, and log a second loss."""
    conversation = converse(network, "tcp://127.0.0.1:1,tcp://127.0.0.1:2")
    conversation.prefer(1)
    conversation.attempt(b"frame", 10.0)
    conversation.prefer(0)  # whoever answers here is not left
    conversation.attempt(b"frame", 10.0)
    assert network.ports == [2]
    network.opened[0].connected = False
    conversation.prefer(0)
    conversation.attempt(b"frame", 10.0)
    assert network.ports == [2, 1]
    assert network.opened[0].closed
