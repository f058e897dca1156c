"""Calls that go past the actor of a client, in the thread of whoever calls."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from actorsched.actors.lanes import LANES
from actorsched.actors.messages import Call
from actorsched.errors import RemoteError, SchedulerUnreachableError
from actorsched.facade.serve import serve
from tests.integration.wire.conftest import LONG_S
from tests.integration.wire.test_retry import forward_to

Connect = Callable[..., Any]
Answer = Callable[[bytes], None]


def echo(frame: bytes) -> bytes:
    """The answer whose result is the worker that pings."""
    asked = json.loads(frame)
    worker = asked["params"].get("worker")
    return json.dumps({"jsonrpc": "2.0", "result": {"pinged": worker}, "id": asked["id"]}).encode()


def identity(frame: bytes) -> tuple[str, int]:
    asked = json.loads(frame)
    return asked["client"], asked["seq"]


def test_a_call_need_not_wait_for_the_actor(connect: Connect, make_peer: Callable[..., Any]) -> None:
    """It waits for an answer to somebody else, and goes on with that."""
    late: list[Callable[[], None]] = []
    is_there = threading.Event()

    def behave(frame: bytes, answer: Answer) -> None:
        if b"prune" in frame:
            late.append(lambda: answer(echo(frame)))
            is_there.set()
            return
        answer(echo(frame))
        if b"after" in frame:
            late.pop()()

    client = connect(make_peer(behave).address)
    assert client.ping("first") == {"pinged": "first"}  # the actor's, so that there is something at all
    waiting = client.actor_ref.ask(Call(method="prune", params={}), block=False)
    assert is_there.wait(LONG_S)
    assert client.ping("second") == {"pinged": "second"}
    assert client.ping("after") == {"pinged": "after"}
    waiting.get(timeout=LONG_S)


def test_an_answer_that_is_lost_on_a_lane_has_one_effect(
    backend: Any, connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """The actor sends the same frame again, and the server knows it; the loss is told of once."""
    with serve(backend) as server, structlog.testing.capture_logs() as logs:
        peer = make_peer(forward_to(server.address, lose={1, 2}))
        client = connect(peer.address, connect_timeout=0.2)
        for _ in range(4):
            assert client.ping("w") == {"rpc_messages": []}
        assert backend.count("ping") == 4
    assert len(peer.frames) == 6
    assert peer.frames[1] == peer.frames[2] == peer.frames[3]
    told = [entry["event"] for entry in logs if "contact" in entry["event"]]
    assert told == ["lost contact with the scheduler", "contact with the scheduler is back"]


def test_attempts_are_counted_from_the_first(connect: Connect, make_peer: Callable[..., Any]) -> None:
    """That of the lane is one of them."""
    peer = make_peer(lambda frame, answer: answer(echo(frame)) if b'"w"' in frame else None)
    client = connect(peer.address, connect_timeout=0.05, retry_attempts=3)
    client.ping("w")
    with pytest.raises(SchedulerUnreachableError, match="3 attempts"):
        client.ping("unheard")
    assert len(set(peer.frames[1:])) == 1
    assert len(peer.frames) == 4
    assert client.ping("w") == {"pinged": "w"}


@contextmanager
def handling(number: signal.Signals, handler: Callable[..., Any]) -> Iterator[None]:
    former = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, former)


def test_a_signal_handler_may_call_in_the_middle_of_a_call(
    connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """The lane of its thread is taken, so it asks the actor; nobody waits for himself."""
    main = threading.get_ident()
    answered = list[Any]()
    late: list[Callable[[], None]] = []

    def behave(frame: bytes, answer: Answer) -> None:
        if b"outer" in frame:
            late.append(lambda: answer(echo(frame)))
            signal.pthread_kill(main, signal.SIGUSR1)
            return
        answer(echo(frame))
        if b"inner" in frame:
            late.pop()()

    client = connect(make_peer(behave).address)
    client.ping("w")
    with handling(signal.SIGUSR1, lambda *_: answered.append(client.ping("inner"))):
        for _ in range(20):
            assert client.ping("outer") == {"pinged": "outer"}
    assert answered == [{"pinged": "inner"}] * 20


def test_an_interrupted_call_leaves_nothing_behind(connect: Connect, make_peer: Callable[..., Any]) -> None:
    """The next call is not given its answer, and is numbered after it."""
    main = threading.get_ident()

    def behave(frame: bytes, answer: Answer) -> None:
        if b"interrupted" in frame:
            signal.pthread_kill(main, signal.SIGINT)
        answer(echo(frame))

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    peer = make_peer(behave)
    client = connect(peer.address)
    client.ping("w")
    with handling(signal.SIGINT, interrupt):
        for number in range(20):
            with pytest.raises(KeyboardInterrupt):
                # the answer may come before the signal, which is then noticed by what is done next
                for _ in iter(lambda: client.ping("interrupted"), None):
                    pass
            assert client.ping(str(number)) == {"pinged": str(number)}
    by_client: dict[str, list[int]] = {}
    for frame in peer.frames:
        name, seq = identity(frame)
        by_client.setdefault(name, []).append(seq)
    assert all(numbers == sorted(set(numbers)) for numbers in by_client.values())


def test_many_threads_get_their_own_answers(connect: Connect, make_peer: Callable[..., Any]) -> None:
    """Each through a lane, or through the actor where none is left."""
    peer = make_peer(lambda frame, answer: answer(echo(frame)))
    client = connect(peer.address)

    def work(thread: int) -> bool:
        names = [f"{thread}-{number}" for number in range(50)]
        return all(client.ping(name) == {"pinged": name} for name in names)

    with ThreadPoolExecutor(2 * LANES) as pool:
        assert all(pool.map(work, range(2 * LANES)))
    assert peer.greetings <= 1 + LANES
    frames = [identity(frame) for frame in peer.frames]
    assert len(set(frames)) == len(frames) == 2 * LANES * 50


@pytest.mark.parametrize("close", ["facade", "actor"])
def test_a_call_on_a_lane_ends_when_its_client_is_closed(
    close: str, connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """With an error, as one that the actor waits for."""
    asked = threading.Event()

    def behave(frame: bytes, answer: Answer) -> None:
        if b"unheard" in frame:
            asked.set()
        else:
            answer(echo(frame))

    client = connect(make_peer(behave).address, connect_timeout=LONG_S, patience=0.0)
    client.ping("w")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.ping, "unheard")
        assert asked.wait(LONG_S)
        if close == "facade":
            client.close()
        else:
            client.actor_ref.stop(block=True)
        with pytest.raises(SchedulerUnreachableError, match="was closed before"):
            waiting.result(LONG_S)


def test_an_error_is_that_of_its_call(backend: Any, connect: Connect) -> None:
    """And the lane goes on."""

    def break_down() -> None:
        raise KeyError("secret")

    backend.answers |= {"pause": break_down}
    with serve(backend) as server, structlog.testing.capture_logs():
        client = connect(server.address)
        for _ in range(3):
            assert client.ping("w") == {"rpc_messages": []}
            with pytest.raises(RemoteError, match="KeyError"):
                client.pause()


def test_a_scheduler_that_was_away_is_greeted_again(backend: Any, connect: Connect) -> None:
    """A lane notices it before it asks."""
    server = serve(backend)
    client = connect(server.address)
    for _ in range(3):
        client.ping("w")
    server.stop()
    with serve(backend, bind=server.address):
        for _ in range(3):
            assert client.ping("w") == {"rpc_messages": []}
    assert backend.count("ping") == 6
