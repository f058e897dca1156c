"""What a client does when answers do not come."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pykka
import pytest
import structlog
import zmq

from actorsched.actors.messages import Call, CallBatch, Exchange, ExchangeEnded
from actorsched.errors import InvalidParamsError, ProtocolError, RemoteError, SchedulerUnreachableError
from actorsched.facade.serve import serve
from actorsched.transport.context import context

LONG_S = 30.0
HELLO = b'{"jsonrpc":"2.0","result":{"protocol_version":1,"epoch":"e","lease_s":60},"id":0}'
Connect = Callable[..., Any]


def forward_to(address: str, lose: set[int]) -> Callable[[bytes, Callable[[bytes], None]], None]:
    """A way to a real server on which the answers with these numbers get lost."""
    seen = iter(range(1_000_000))

    def behave(frame: bytes, answer: Callable[[bytes], None]) -> None:
        with context().socket(zmq.REQ) as onward:
            onward.linger = 0
            onward.connect(address)
            onward.send(frame)
            assert onward.poll(LONG_S * 1000)
            reply = onward.recv()
        if next(seen) not in lose:
            answer(reply)

    return behave


def test_a_lost_answer_has_one_effect(backend: Any, connect: Connect, make_peer: Callable[..., Any]) -> None:
    """The same frame is sent again, and the server knows it."""
    with serve(backend) as server:
        peer = make_peer(forward_to(server.address, lose={0, 1}))
        client = connect(peer.address, connect_timeout=0.2)
        assert client.ping("w") == {"rpc_messages": []}
        assert len(peer.frames) == 3
        assert len(set(peer.frames)) == 1
        assert backend.count("ping") == 1


def test_a_batch_with_a_lost_answer_has_one_effect(
    backend: Any, connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """Also when it is long."""
    with serve(backend) as server:
        peer = make_peer(forward_to(server.address, lose={0}))
        client = connect(peer.address, connect_timeout=0.5)
        calls = tuple(Call(method="ping", params={"worker": str(n)}) for n in range(100))
        assert client.actor_ref.ask(CallBatch(calls=calls)) == [{"rpc_messages": []}] * 100
        assert [params["worker"] for _, params in backend.calls] == [str(n) for n in range(100)]


def test_a_server_that_returns_at_the_same_place_is_found(backend: Any, connect: Connect) -> None:
    """Nothing is asked of the caller."""
    server = serve(backend)
    client = connect(server.address)
    client.ping("w")
    server.stop()
    waiting = client.actor_ref.ask(Call(method="ping", params={"worker": "w"}), block=False)
    with serve(backend, bind=server.address):
        assert waiting.get(timeout=LONG_S) == {"rpc_messages": []}
    assert backend.count("ping") == 2


def test_a_server_that_dies_with_a_request_in_its_hands_is_not_waited_for(
    backend: Any, connect: Connect, free_address: str
) -> None:
    """The broken connection is noticed long before the answer is overdue, and logged once."""
    with structlog.testing.capture_logs() as logs:
        client = connect(free_address, connect_timeout=LONG_S)
        waiting = client.actor_ref.ask(Call(method="ping", params={"worker": "w"}), block=False)
        with context().socket(zmq.REP) as dying:
            dying.linger = 0
            dying.bind(free_address)
            for answer in (HELLO, None):
                assert dying.poll(LONG_S * 1000)
                lost = dying.recv()
                if answer is not None:
                    dying.send(answer)
        started = time.monotonic()
        with serve_soon(backend, free_address):
            assert waiting.get(timeout=LONG_S) == {"rpc_messages": []}
        assert time.monotonic() - started < LONG_S / 2
    assert json.loads(lost)["method"] == "ping"
    assert [entry["event"] for entry in logs] == [
        "no answer from the scheduler yet",
        "the scheduler has answered",
    ]


def serve_soon(backend: Any, address: str) -> Any:
    """Serve at an address whose last owner was closed without waiting for it."""
    from actorsched.errors import AddressInUseError

    until = time.monotonic() + LONG_S
    while True:
        try:
            return serve(backend, bind=address)
        except AddressInUseError:
            if time.monotonic() > until:
                raise


def test_an_unreachable_scheduler_is_an_error_within_the_patience(
    connect: Connect, free_address: str
) -> None:
    """The message says where, how long, and why."""
    client = connect(free_address, connect_timeout=0.05, patience=0.3)
    started = time.monotonic()
    with pytest.raises(SchedulerUnreachableError) as caught:
        client.ping("w")
    assert 0.3 <= time.monotonic() - started < LONG_S / 3
    assert free_address in str(caught.value)
    assert "no connection" in str(caught.value)


def test_a_scheduler_that_never_answers_is_an_error_within_the_patience(
    connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """It may hang; its connection is fine."""
    peer = make_peer(lambda frame, answer: None)
    client = connect(peer.address, connect_timeout=0.05, patience=0.3)
    with pytest.raises(SchedulerUnreachableError, match="no answer from"):
        client.ping("w")
    assert len(peer.frames) > 1


def test_a_host_that_does_not_exist_is_an_error_within_the_patience(connect: Connect) -> None:
    """A name that cannot be resolved is like a host that is away: it may come back."""
    client = connect("tcp://no-such-host.invalid:8081", connect_timeout=0.05, patience=0.2)
    with pytest.raises(SchedulerUnreachableError, match="no-such-host"):
        client.ping("w")


@pytest.mark.parametrize("close", ["facade", "actor"])
def test_a_client_can_be_stopped_while_it_waits(close: str, connect: Connect, free_address: str) -> None:
    """Who waits gets an error, and so does who waits behind him."""
    client = connect(free_address, patience=0.0)
    ref = client.actor_ref
    waiting = [ref.ask(Call(method="ping", params={"worker": "w"}), block=False) for _ in range(3)]
    started = time.monotonic()
    if close == "facade":
        client.close()
    else:
        ref.stop(block=True)
    assert time.monotonic() - started < LONG_S / 3
    for each in waiting:
        with pytest.raises((SchedulerUnreachableError, pykka.ActorDeadError)):
            each.get(timeout=LONG_S)
    for call in (client.prune, client.within(LONG_S).prune):  # who does not see the actor need not know of it
        with pytest.raises(SchedulerUnreachableError, match="was closed before"):
            call()


def test_several_addresses_are_tried_in_turn(backend: Any, connect: Connect, free_address: str) -> None:
    """The first one is dead, and the call gets through all the same."""
    with serve(backend) as server:
        client = connect(f"{free_address},{server.address}", connect_timeout=0.2)
        assert client.ping("w") == {"rpc_messages": []}


def test_the_next_address_takes_over(backend: Any, connect: Connect) -> None:
    """And then the first one again."""
    first, second = serve(backend), serve(backend)
    client = connect(f"{first.address},{second.address}", connect_timeout=0.5)
    client.ping("1")
    first.stop()
    client.ping("2")
    first = serve(backend, bind=first.address)
    second.stop()
    client.ping("3")
    first.stop()
    assert [params["worker"] for _, params in backend.calls] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "answer", [b"", b"garbage", b"{}", b"[]", b'{"jsonrpc":"2.0","result":1,"id":77}', b"[1]"]
)
def test_an_answer_that_is_none_is_an_error(
    answer: bytes, connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """There is something else at that address; trying again would not help."""
    peer = make_peer(lambda frame, reply: reply(answer))
    client = connect(peer.address)
    for _ in range(2):  # the second call finds the client in order
        with pytest.raises(ProtocolError):
            client.ping("w")


def test_errors_of_the_scheduler_are_raised_at_the_caller(backend: Any, connect: Connect) -> None:
    """Those of the caller as they are, others without their details."""

    def refuse() -> None:
        raise InvalidParamsError("no such thing")

    def break_down() -> None:
        raise KeyError("secret")

    backend.answers |= {"prune": refuse, "pause": break_down}
    with serve(backend) as server, structlog.testing.capture_logs():
        client = connect(server.address)
        with pytest.raises(InvalidParamsError, match="no such thing"):
            client.prune()
        with pytest.raises(RemoteError, match="KeyError") as caught:
            client.pause()
        assert "secret" not in str(caught.value)
        assert client.is_paused() is None


def test_what_cannot_travel_is_refused_before_it_is_sent(backend: Any, connect: Connect) -> None:
    """And the others of a batch are sent."""
    with serve(backend) as server:
        client = connect(server.address)
        with pytest.raises(InvalidParamsError, match="type object cannot travel"):
            client.add_task(task_id="T", worker="w", params={"x": object()})
        calls = (
            Call(method="ping", params={"worker": object()}),
            Call(method="ping", params={"worker": "w"}),
        )
        first, second = client.actor_ref.ask(CallBatch(calls=calls))
        assert isinstance(first, InvalidParamsError)
        assert second == {"rpc_messages": []}


def test_a_long_exchange_is_cut_into_frames(
    backend: Any, connect: Connect, listener: tuple[Any, list[object], threading.Event]
) -> None:
    """No server takes a frame of any length; the caller sees one answer, in order."""
    ref, heard, told = listener
    backend.answers["ping"] = lambda: len(backend.calls)
    with serve(backend) as server:
        client = connect(server.address)
        calls = tuple(Call(method="ping", params={"worker": "w" * 1000}) for _ in range(6000))
        client.actor_ref.tell(Exchange(calls=calls, reply_to=ref, tag=5))
        assert told.wait(LONG_S)
    assert heard == [ExchangeEnded(tag=5, results=tuple(range(1, 6001)))]


def test_a_call_that_fits_into_no_frame_fails_alone(
    backend: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker must not lose its scheduler for one error with a long text."""
    monkeypatch.setattr("actorsched.actors.remote_scheduler.BATCH_BYTES", 500)
    with serve(backend) as server:
        client = connect(server.address)
        calls = tuple(
            Call(method="ping", params={"worker": worker}) for worker in ("a", "b" * 1000, "c", "d" * 300)
        )
        first, long, *others = client.actor_ref.ask(CallBatch(calls=calls))
    assert isinstance(long, InvalidParamsError)
    assert "make it smaller" in str(long)
    assert [first, *others] == [{"rpc_messages": []}] * 3


def test_a_lost_exchange_ends_with_an_error(
    connect: Connect, free_address: str, listener: tuple[Any, list[object], threading.Event]
) -> None:
    """A worker must not wait for ever for the end of one."""
    ref, heard, told = listener
    client = connect(free_address, connect_timeout=0.05, patience=0.1)
    client.actor_ref.tell(Exchange(calls=(Call(method="prune", params={}),), reply_to=ref, tag=1))
    assert told.wait(LONG_S)
    (ended,) = heard
    assert isinstance(ended, ExchangeEnded)
    assert isinstance(ended.error, SchedulerUnreachableError)


def test_a_scheduler_that_is_stopping_is_asked_again(
    backend: Any, connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """Its server may live a little longer than itself."""
    from actorsched.actors.adapter import AdapterActor

    ref = AdapterActor.start(backend)
    server = serve(ref)
    client = connect(server.address)
    client.ping("1")
    ref.stop(block=True)
    waiting = client.actor_ref.ask(Call(method="ping", params={"worker": "2"}), block=False)
    server.stop()
    with serve(backend, bind=server.address):
        assert waiting.get(timeout=LONG_S) == {"rpc_messages": []}
    assert [params["worker"] for _, params in backend.calls] == ["1", "2"]
