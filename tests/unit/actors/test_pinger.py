"""The heartbeat of a remote client, without a network."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorsched.actors.conversation import HELLO
from actorsched.actors.messages import KeepAlive
from actorsched.actors.pinger import Pinger

GREETING = b'{"jsonrpc":"2.0","id":0,"result":{"protocol_version":1,"events":"tcp://h:7"}}'


class Wire:
    """A socket that holds what was sent and gives what the test put in; it greets by itself."""

    socket: Any = None

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.answers: list[list[bytes]] = []
        self.broken = False
        self.closed = False
        self.waits = False

    def send(self, frame: bytes, timeout_s: float = 0.0) -> bool:
        self.waits = True
        if frame == HELLO:
            self.answers.append([GREETING])
        else:
            self.sent.append(frame)
        return True

    def receive(self, timeout_s: float = 0.0) -> list[bytes] | None:
        assert self.waits, "a REQ socket gives one answer to a request, and fails when it is asked for more"
        if not self.answers:
            return None
        self.waits = False
        return self.answers.pop(0)

    def lost(self) -> bool:
        return self.broken

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def wires() -> list[Wire]:
    return []


@pytest.fixture
def pinger(wires: list[Wire]) -> Pinger:
    def open_(failed: bool) -> Wire:
        wires.append(Wire())
        return wires[-1]

    pinger = Pinger("me", open_, Wire.close, timeout_s=3.0)
    pinger.table.add(KeepAlive(worker="a", interval_s=1.0), 0.0)
    pinger.table.add(KeepAlive(worker="b", interval_s=1.0), 0.0)
    return pinger


def step(pinger: Pinger, now: float) -> None:
    """On a new socket the first step greets, and the second one sees the answer."""
    pinger.step(now)
    pinger.step(now)


def answer(frame: bytes) -> list[bytes]:
    return [json.dumps([{"jsonrpc": "2.0", "id": r["id"], "result": {}} for r in json.loads(frame)]).encode()]


def test_what_is_due_goes_out_in_one_frame(pinger: Pinger, wires: list[Wire]) -> None:
    """Two hundred workers of one client cost one round trip."""
    pinger.step(0.5)
    assert wires == []
    step(pinger, 1.0)
    requests = json.loads(wires[0].sent[0])
    assert [request["params"]["worker"] for request in requests] == ["a", "b"]
    assert (requests[0]["client"], requests[0]["seq"]) == ("me", 1)


def test_nothing_new_is_sent_before_the_answer(pinger: Pinger, wires: list[Wire]) -> None:
    """And the next frame has the next number."""
    step(pinger, 1.0)
    pinger.step(2.5)
    assert len(wires[0].sent) == 1
    assert pinger.wait(2.5) == 1.5
    wires[0].answers.append(answer(wires[0].sent[0]))
    pinger.step(2.6)
    assert json.loads(wires[0].sent[1])[0]["seq"] == 2


@pytest.mark.parametrize("broken", [True, False])
def test_a_lost_frame_is_sent_again_as_it_was(broken: bool, pinger: Pinger, wires: list[Wire]) -> None:
    """On a new socket: the old one waits for an answer that will not come."""
    step(pinger, 1.0)
    wires[0].broken = broken
    step(pinger, 1.1 if broken else 4.0)
    assert wires[0].closed
    assert wires[1].sent == wires[0].sent


@pytest.mark.parametrize(
    "garbage",
    [b"", b"x", b"{}", b'{"jsonrpc":"2.0","id":null,"error":{"code":-32002,"message":"stopping"}}'],
)
def test_what_is_no_answer_is_waited_out(garbage: bytes, pinger: Pinger, wires: list[Wire]) -> None:
    """The scheduler may be on its way out; asking it again and again would help nobody."""
    step(pinger, 1.0)
    wires[0].answers.append([garbage])
    pinger.step(1.1)
    assert len(wires) == 1
    step(pinger, 2.2)
    assert wires[1].sent == wires[0].sent


def test_a_scheduler_that_cannot_answer_now_is_asked_again(pinger: Pinger, wires: list[Wire]) -> None:
    """A standby says so at once; its socket has nothing more to give."""
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32002, "message": "standing by"}}
    step(pinger, 1.0)
    wires[0].answers.append([json.dumps(refusal).encode()])
    for now in (1.1, 1.5, 2.0):
        pinger.step(now)
    assert len(wires) == 1
    step(pinger, 2.2)
    assert wires[0].closed
    assert wires[1].sent == wires[0].sent


def test_strange_responses_are_passed_over(pinger: Pinger, wires: list[Wire]) -> None:
    """An error of one ping is not an error of the others."""
    step(pinger, 1.0)
    responses = [
        {"jsonrpc": "2.0", "id": 99, "result": {}},
        {"jsonrpc": "2.0", "id": "x", "result": {}},
        {"jsonrpc": "2.0", "id": 0, "error": {"code": 1, "message": ""}},
        {"jsonrpc": "2.0", "id": 1, "result": []},
    ]
    wires[0].answers.append([json.dumps(responses).encode()])
    pinger.step(1.5)
    assert pinger.wait(1.5) == 0.5


def test_closing_closes_the_socket(pinger: Pinger, wires: list[Wire]) -> None:
    """Twice does nothing."""
    step(pinger, 1.0)
    pinger.close()
    pinger.close()
    assert wires[0].closed


def test_each_new_socket_greets_first(wires: list[Wire]) -> None:
    """A scheduler that came back gives its hints at another place, and nobody else may ask it for that."""
    met: list[Any] = []

    def open_(failed: bool) -> Wire:
        wires.append(Wire())
        return wires[-1]

    pinger = Pinger("me", open_, Wire.close, 3.0, met.append)
    pinger.table.add(KeepAlive(worker="a", interval_s=1.0), 0.0)
    pinger.step(1.0)
    assert (wires[0].sent, met) == ([], [])
    pinger.step(1.0)
    assert [said["events"] for said in met] == ["tcp://h:7"]
    wires[0].answers.append(answer(wires[0].sent[0]))
    pinger.step(1.5)
    wires[0].broken = True  # while nothing is under way: seen when the next ping is due
    step(pinger, 2.0)
    assert len(met) == 2
    assert wires[0].closed
    assert json.loads(wires[1].sent[0])[0]["seq"] == 2


@pytest.mark.parametrize(
    "garbage", [b"", b"[]", b'{"jsonrpc":"2.0","id":0,"error":{"code":-32002,"message":""}}']
)
def test_a_server_that_does_not_greet_is_asked_again(
    garbage: bytes, pinger: Pinger, wires: list[Wire]
) -> None:
    """A standby says so at once."""
    pinger.step(1.0)
    wires[0].answers[:] = [[garbage]]
    pinger.step(1.1)
    pinger.step(1.5)
    assert wires[0].sent == []
    step(pinger, 2.2)
    assert wires[0].closed
    assert len(wires[1].sent) == 1


def test_misses_and_answers_are_told_of(wires: list[Wire]) -> None:
    """Since when nobody answers, each time that a frame is sent again for it."""
    told: list[object] = []

    def open_(failed: bool) -> Wire:
        wires.append(Wire())
        return wires[-1]

    pinger = Pinger(
        "me",
        open_,
        Wire.close,
        3.0,
        heard=lambda: told.append("heard"),
        missed=lambda since, sent_at: told.append((since, sent_at)),
    )
    pinger.table.add(KeepAlive(worker="a", interval_s=1.0), 0.0)
    step(pinger, 1.0)
    assert told == []
    for now in (3.9, 4.0, 7.5):
        step(pinger, now)
    assert told == [(1.0, 1.0), (1.0, 4.0)]
    wires[-1].answers.append(answer(wires[-1].sent[-1]))
    step(pinger, 8.0)
    assert told == [(1.0, 1.0), (1.0, 4.0), "heard"]
