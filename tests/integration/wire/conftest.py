"""Schedulers and networks that misbehave as they are told."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from actorsched.actors.base import Actor
from actorsched.actors.log import log
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.rpc.api import SchedulerApi
from actorsched.transport.context import context

#: nothing that these tests wait for takes a tenth of it
LONG_S = 30.0


#: what a server says to `hello`
HELLO = b'{"jsonrpc":"2.0","result":{"protocol_version":1,"epoch":"e","lease_s":60},"id":0}'


class Backend(SchedulerApi):
    """A scheduler that notes what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {"ping": {"rpc_messages": []}}

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        if method == "hello":
            return {"protocol_version": 1, "epoch": "e", "lease_s": 60.0}
        self.calls.append((method, params))
        answer = self.answers.get(method)
        return answer() if callable(answer) else answer

    def count(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)


class Peer:
    """A ROUTER that does with each frame what a test says, in a thread of its own.

    It greets by itself.

    Args:
        behave: called with (frame, answer); calls `answer(bytes)` now, later, or never.
    """

    def __init__(self, behave: Callable[[bytes, Callable[[bytes], None]], None]) -> None:
        self.frames: list[bytes] = []
        self.errors: list[BaseException] = []
        self.greetings = 0
        self._behave = behave
        self._socket = context().socket(zmq.ROUTER)
        self._socket.linger = 0
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._stop = context().socket(zmq.PAIR)
        stop = context().socket(zmq.PAIR)
        self._stop.bind(f"inproc://stop-{id(self)}")
        stop.connect(f"inproc://stop-{id(self)}")
        self._thread = threading.Thread(target=self._run, args=(stop,))
        self._thread.start()

    def _run(self, stop: Any) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(stop, zmq.POLLIN)
        while stop not in (ready := dict(poller.poll())):
            assert self._socket in ready
            *envelope, frame = self._socket.recv_multipart()
            if b'"method":"hello"' in frame:  # a client greets on each new socket
                self.greetings += 1
                self._socket.send_multipart([*envelope, HELLO])
                continue
            self.frames.append(frame)
            try:
                self._behave(frame, lambda answer, to=envelope: self._socket.send_multipart([*to, answer]))
            except BaseException as error:
                self.errors.append(error)
        stop.close(0)
        self._socket.close(0)

    def close(self) -> None:
        self._stop.send(b"")
        self._thread.join(LONG_S)
        self._stop.close(0)
        assert self.errors == []


class Listener(Actor):
    """Keeps what it is told, and says when there is something."""

    def __init__(self, heard: list[object], told: threading.Event) -> None:
        super().__init__()
        self._heard = heard
        self._told = told

    def handle(self, message: object) -> None:
        self._heard.append(message)
        self._told.set()


class Logged:
    """What is logged, and waiting for it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self._news = threading.Condition()

    def __getattr__(self, level: str) -> Callable[..., None]:
        def note(event: str, **fields: Any) -> None:
            with self._news:
                self.events.append(event)
                self._news.notify_all()

        return note

    def wait_for(self, event: str) -> bool:
        with self._news:
            return self._news.wait_for(lambda: event in self.events, LONG_S)


@pytest.fixture
def backend() -> Backend:
    return Backend()


@pytest.fixture
def make_peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def make(behave: Callable[[bytes, Callable[[bytes], None]], None]) -> Peer:
        peers.append(Peer(behave))
        return peers[-1]

    yield make
    for peer in peers:
        peer.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., RemoteScheduler]]:
    """Make clients that retry fast; each is closed at the end."""
    clients: list[RemoteScheduler] = []

    def make(url: str, **settings: Any) -> RemoteScheduler:
        fast = {"retry_wait_min": 0.01, "retry_wait_max": 0.05, "patience": LONG_S}
        clients.append(RemoteScheduler(url, **(fast | settings)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def listener() -> Iterator[tuple[Any, list[object], threading.Event]]:
    heard: list[object] = []
    told = threading.Event()
    ref = Listener.start(heard, told)
    yield ref, heard, told
    ref.stop(block=True)


@pytest.fixture
def free_address() -> str:
    """An address where nobody listens.

    Not one of those that the system gives to sockets of clients: one that keeps connecting to its own
    port would get through, to itself.
    """
    while True:
        address = f"tcp://127.0.0.1:{random.randrange(15_000, 30_000)}"
        with context().socket(zmq.REP) as socket, contextlib.suppress(zmq.ZMQError):
            socket.bind(address)
            return address


@pytest.fixture
def logged() -> Iterator[Logged]:
    found = Logged()
    log.use(lambda: found)
    yield found
    log.use(None)
