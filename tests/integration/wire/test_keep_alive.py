"""Heartbeats, and what they bring."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from actorsched.actors.messages import Call, Heard, KeepAlive, StopKeepAlive
from actorsched.facade.serve import serve

LONG_S = 30.0
Connect = Callable[..., Any]
Listening = tuple[Any, list[object], threading.Event]


def is_ping(frame: bytes) -> bool:
    return b'"ping"' in frame


def answer_pings(frame: bytes, **reply: Any) -> bytes:
    return json.dumps(
        [{"jsonrpc": "2.0", "result": reply, "id": request["id"]} for request in json.loads(frame)]
    ).encode()


def test_pings_go_out_while_nothing_else_happens(backend: Any, connect: Connect) -> None:
    """And no longer than wanted."""
    pinged = threading.Event()
    backend.answers["ping"] = lambda: pinged.set() or {"rpc_messages": []}
    with serve(backend) as server:
        client = connect(server.address)
        with client.keep_alive("w", interval_s=0.01):
            assert pinged.wait(LONG_S)
        client.actor_ref.ask(Call(method="prune", params={}))  # the wish to stop was read before this
        client.actor_ref.ask(Call(method="prune", params={}))
        number = backend.count("ping")
        client.actor_ref.ask(Call(method="prune", params={}))
        assert backend.count("ping") == number


def test_pings_go_out_while_a_call_waits(connect: Connect, make_peer: Callable[..., Any]) -> None:
    """A long call must not cost a worker its lease."""
    waiting: list[Callable[[], None]] = []

    def behave(frame: bytes, answer: Callable[[bytes], None]) -> None:
        if is_ping(frame):
            answer(answer_pings(frame, rpc_messages=[]))
            while waiting:
                waiting.pop()()
        else:
            id_ = json.loads(frame)["id"]
            waiting.append(
                lambda: answer(json.dumps({"jsonrpc": "2.0", "result": "done", "id": id_}).encode())
            )

    peer = make_peer(behave)
    client = connect(peer.address, connect_timeout=LONG_S)
    with client.keep_alive("w", interval_s=0.2):
        assert client.actor_ref.ask(Call(method="graph", params={}), timeout=LONG_S) == "done"
    assert any(map(is_ping, peer.frames))


def test_a_wish_that_arrives_during_a_call_is_heard(connect: Connect, make_peer: Callable[..., Any]) -> None:
    """A second worker may begin while the first one waits."""
    asked = threading.Event()
    waiting: list[Callable[[], None]] = []

    def behave(frame: bytes, answer: Callable[[bytes], None]) -> None:
        if is_ping(frame):
            answer(answer_pings(frame, rpc_messages=[]))
            while waiting:
                waiting.pop()()
        else:
            id_ = json.loads(frame)["id"]
            waiting.append(
                lambda: answer(json.dumps({"jsonrpc": "2.0", "result": "done", "id": id_}).encode())
            )
            asked.set()

    client = connect(make_peer(behave).address, connect_timeout=LONG_S)
    call = client.actor_ref.ask(Call(method="graph", params={}), block=False)
    assert asked.wait(LONG_S)
    client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.01))
    assert call.get(timeout=LONG_S) == "done"


def test_what_a_ping_brings_is_handed_over(backend: Any, connect: Connect, listener: Listening) -> None:
    """Messages, and that the scheduler does not know the worker."""
    ref, heard, told = listener
    replies = [{"rpc_messages": [{"name": "x"}]}, {"rpc_messages": [], "known": False}]
    backend.answers["ping"] = lambda: replies.pop(0) if replies else {"rpc_messages": []}
    with serve(backend) as server:
        client = connect(server.address)
        client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.01, listener=ref))
        while len(heard) < 2:
            assert told.wait(LONG_S)
            told.clear()
    assert heard == [Heard(worker="w", rpc_messages=({"name": "x"},)), Heard(worker="w", known=False)]


def test_a_message_whose_answer_was_lost_arrives_once(
    backend: Any, connect: Connect, make_peer: Callable[..., Any], listener: Listening
) -> None:
    """The same ping is sent again, and the server gives the same answer."""
    ref, _heard, told = listener
    behaved: list[bytes] = []

    def behave(frame: bytes, answer: Callable[[bytes], None]) -> None:
        behaved.append(frame)
        if len(behaved) > 1:
            answer(answer_pings(frame, rpc_messages=[{"name": "x"}]))

    peer = make_peer(behave)
    client = connect(peer.address, connect_timeout=0.1)
    client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.01, listener=ref))
    assert told.wait(LONG_S)
    assert behaved[0] == behaved[1]


def test_pings_stop_when_their_listener_has_ended(
    backend: Any, connect: Connect, listener: Listening
) -> None:
    """A worker that crashed must not be kept alive by its client."""
    ref, _, _ = listener
    with serve(backend) as server:
        client = connect(server.address)
        client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.01, listener=ref))
        ref.stop(block=True)
        client.actor_ref.tell(KeepAlive(worker="v", interval_s=0.01))
        pinged = threading.Event()
        backend.answers["ping"] = lambda: pinged.set() or {"rpc_messages": []}
        assert pinged.wait(LONG_S)
        first = len(backend.calls)
        pinged.clear()
        assert pinged.wait(LONG_S)
        assert all(params["worker"] == "v" for _, params in backend.calls[first:])
        client.actor_ref.tell(StopKeepAlive(worker="v"))


def test_pings_find_a_server_that_returned(backend: Any, connect: Connect) -> None:
    """Also when nobody calls anything."""
    pinged = threading.Event()
    backend.answers["ping"] = lambda: pinged.set() or {"rpc_messages": []}
    server = serve(backend)
    client = connect(server.address, connect_timeout=0.2)
    with client.keep_alive("w", interval_s=0.01):
        assert pinged.wait(LONG_S)
        server.stop()
        pinged.clear()
        with serve(backend, bind=server.address):
            assert pinged.wait(LONG_S)


def test_a_loss_is_told_of_when_only_pings_go_out(backend: Any, connect: Connect, logged: Any) -> None:
    """A worker whose slots are all busy says nothing else, for hours. One line each."""
    server = serve(backend)
    client = connect(server.address, connect_timeout=0.2)
    pinged = threading.Event()
    backend.answers["ping"] = lambda: pinged.set() or {"rpc_messages": []}
    with client.keep_alive("w", interval_s=0.01):
        assert pinged.wait(LONG_S)
        server.stop()
        assert logged.wait_for("lost contact with the scheduler")
        with serve(backend, bind=server.address):
            assert logged.wait_for("contact with the scheduler is back")
        # on a busy machine there may be another loss, but never two lines for one
        assert set(logged.events[::2]) == {"lost contact with the scheduler"}
        assert set(logged.events[1::2]) == {"contact with the scheduler is back"}
