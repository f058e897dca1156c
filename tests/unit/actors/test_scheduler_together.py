"""Frames that wait at the same moment are committed as one, before the first of them is answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import zmq

from actorsched.actors.host import Bind
from actorsched.actors.scheduler import SchedulerActor
from actorsched.errors import InvalidParamsError, StoreUnavailableError
from actorsched.rpc import envelope
from actorsched.store.memory import MemoryStore
from actorsched.transport.context import context

TIMEOUT_S = 60
#: a name is free again only when libzmq has found the time to let go of it
numbers = count()
TIMEOUT_MS = TIMEOUT_S * 1000


class GatedStore(MemoryStore):
    """Each commit waits until it is let through, and may be told to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.n_commits = 0
        self.arrived = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.fails: Exception | None = None
        #: a task that cannot be stored
        self.indigestible = ""

    def commit(self, *args: Any) -> None:
        self.n_commits += 1
        self.arrived.release()
        assert self.gate.acquire(timeout=TIMEOUT_S)
        if self.fails is not None:
            raise self.fails
        if self.indigestible in [row.task_id for _, row in args[0].tasks]:
            raise InvalidParamsError("this cannot be stored")
        super().commit(*args)

    def try_out(self, size: int) -> None:
        if self.fails is not None:
            raise self.fails


class Client:
    """Sends at once and looks later, from the test's own thread."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self.socket: zmq.Socket[bytes] = context().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.connect(address)

    def send(self, method: str, seq: int = 1, **params: Any) -> None:
        self.socket.send(envelope.write_call(method, params, 1, self.name, seq))

    def add(self, task: str, seq: int = 1, **params: Any) -> None:
        self.send("add_task", seq, task_id=task, worker=f"w-{self.name}", family="F", **params)

    @property
    def answered(self) -> bool:
        return bool(self.socket.poll(0))

    def receive(self) -> dict[str, Any]:
        assert self.socket.poll(TIMEOUT_MS)
        found: dict[str, Any] = json.loads(self.socket.recv())
        return found


class World:
    """A scheduler that is in the middle of the commit of a first frame, and clients that wait."""

    def __init__(self) -> None:
        self.store = GatedStore()
        self.ref = SchedulerActor.start(store=self.store)
        place = f"inproc://together-{next(numbers)}"
        self.address = self.ref.ask(Bind(address=place, server="s"), timeout=TIMEOUT_S)
        self.clients: list[Client] = []
        self.first = self.client("first")
        self.first.add("first")
        self.wait_for_commit()

    def client(self, name: str) -> Client:
        client = Client(self.address, name)
        self.clients.append(client)
        return client

    def wait_for_commit(self) -> None:
        assert self.store.arrived.acquire(timeout=TIMEOUT_S)

    def let_through(self, n_commits: int = 1) -> None:
        self.store.gate.release(n_commits)

    def close(self) -> None:
        self.store.gate.release(1000)
        self.ref.stop()
        for client in self.clients:
            client.socket.close()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_frames_that_wait_are_committed_as_one_before_any_of_them_is_answered(world: World) -> None:
    """What a commit costs is shared, and what it promises is not."""
    others = [world.client(name) for name in "abc"]
    for client in others:
        client.add(client.name)
    world.let_through()
    assert world.first.receive()["result"] is None
    world.wait_for_commit()
    assert not any(client.answered for client in others)
    world.let_through()
    assert [client.receive()["result"] for client in others] == [None, None, None]
    assert world.store.n_commits == 2
    assert {json.loads(data)[0] for data in world.store.disk.tasks.values()} == {"first", "a", "b", "c"}


def test_when_the_commit_fails_each_is_told_so_and_nothing_of_it_has_happened(world: World) -> None:
    """Each may have seen what the others did, so none of them may be answered, not even who only looks."""
    others = [world.client(name) for name in "ab"]
    for client in others:
        client.add(client.name)
    looks = world.client("c")
    looks.send("task_list")
    garbage = world.client("d")
    garbage.socket.send(b"{")
    world.let_through()
    assert world.first.receive()["result"] is None
    world.wait_for_commit()
    world.store.fails = StoreUnavailableError("no room")
    world.let_through()
    for client in (*others, looks):
        assert client.receive()["error"]["message"] == "no room"
    assert "Parse error" in garbage.receive()["error"]["message"]
    world.store.fails = None
    world.let_through(100)
    looks.send("task_list", 2)
    refused = looks.receive()
    while "error" in refused:  # it looks for the store twice a second
        looks.send("task_list", 2)
        refused = looks.receive()
    assert set(refused["result"]) == {"first"}
    others[0].add("a")  # as clients do: the same frame again
    assert others[0].receive()["result"] is None
    looks.send("task_list", 3)
    assert set(looks.receive()["result"]) == {"first", "a"}


def test_what_cannot_be_stored_of_one_frame_does_not_hurt_the_others(world: World) -> None:
    """They are carried out again, each with a commit of its own."""
    others = {name: world.client(name) for name in "abc"}
    for client in others.values():
        client.add(client.name)
    world.store.indigestible = "b"
    world.let_through(100)
    assert world.first.receive()["result"] is None
    assert others["a"].receive()["result"] is None
    assert others["b"].receive()["error"]["message"] == "this cannot be stored"
    assert others["c"].receive()["result"] is None
    others["a"].send("task_list", 2)
    assert set(others["a"].receive()["result"]) == {"first", "a", "c"}


def test_two_copies_of_a_frame_in_one_commit_are_carried_out_once(world: World) -> None:
    """A client that lost its patience has sent the frame again, by another socket."""
    one, copy = world.client("a"), world.client("a")
    for client in (one, copy):
        client.send("get_work", worker="w-first")
    world.let_through(100)
    assert world.first.receive()["result"] is None
    answers = [client.receive()["result"] for client in (one, copy)]
    assert answers[0] == answers[1]
    assert answers[0]["task_id"] == "first"
    assert world.store.n_commits == 2
