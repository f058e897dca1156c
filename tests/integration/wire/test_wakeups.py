"""Idle workers hear when there is something for them, and lose only time when they do not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import actorsched
from actorsched.actors.messages import Heard, KeepAlive, WakeUp
from actorsched.actors.runtime import Runtime
from actorsched.errors import RemoteError, VersionError
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.facade.worker import Worker
from actorsched.transport.address import Address, parse_address, parse_bind, parse_events
from actorsched.transport.pub import PubSocket, SubSocket
from actorsched.transport.zeromq import ZeroMq

LONG_S = 30.0
Connect = Callable[..., Any]
ran: dict[str, threading.Event] = {}


class Woken(actorsched.Task):
    """A task that others register and an idle worker runs."""

    name: str

    def complete(self) -> bool:
        return self.name in ran and ran[self.name].is_set()

    def run(self) -> None:
        ran[self.name].set()


class Idle:
    """A worker that serves in a thread of its own, and that looks for work by itself once in an hour."""

    def __init__(self, scheduler: Any, **options: Any) -> None:
        settings = {"wait_interval": 3600.0, "execution": "inline"} | options
        self.worker = Worker(scheduler, worker_id="idle", assistant=True, forever=True, **settings)
        self.thread = threading.Thread(target=self.worker.run)
        self.thread.start()

    def __enter__(self) -> Idle:
        return self

    def __exit__(self, *error: object) -> None:
        self.worker.stop(drain_s=0)
        self.thread.join(LONG_S)
        self.worker.close()
        assert not self.thread.is_alive()


def give_work(scheduler: Any, name: str) -> None:
    ran[name] = threading.Event()
    task = Woken(name=name)
    scheduler.add_task(
        task.task_id, worker="owner", family="Woken", module=Woken.__module__, params={"name": name}
    )


def until_one_runs(scheduler: Any) -> None:
    """Give work until some of it is done: the first hints may come before the listener does."""
    for _ in range(300):
        name = f"try {len(ran)}"
        give_work(scheduler, name)
        if ran[name].wait(0.1):
            return
    raise AssertionError("no hint was ever heard")


@pytest.mark.parametrize("kind", ["tcp", "ipc", "inproc"])
def test_a_worker_far_away_is_woken(kind: str, connect: Connect, tmp_path: Any) -> None:
    """By the hint alone: it would not look for an hour."""
    bind = {"tcp": "tcp://127.0.0.1:0", "ipc": f"ipc://{tmp_path}/s", "inproc": "inproc://woken"}[kind]
    with (
        Scheduler() as scheduler,
        serve(scheduler, bind=bind) as server,
        Idle(connect(server.address)),
    ):
        until_one_runs(scheduler)
        for number in range(20):  # and from now on each of them
            give_work(scheduler, f"next {number}")
            assert ran[f"next {number}"].wait(LONG_S)


def test_a_worker_of_the_same_process_is_woken() -> None:
    """By a message."""
    with Scheduler() as scheduler, Idle(scheduler):
        until_one_runs(scheduler)
        for number in range(20):
            give_work(scheduler, f"here {number}")
            assert ran[f"here {number}"].wait(LONG_S)


class Deaf(ZeroMq):
    """A network in which every hint gets lost."""

    def open_sub(self, address: Address, **options: Any) -> Any:
        return super().open_sub(Address(scheme="inproc", name="nobody-is-here"), **options)


def test_without_any_hint_only_time_is_lost() -> None:
    """The worker looks by itself."""
    with (
        Scheduler() as scheduler,
        serve(scheduler) as server,
        RemoteScheduler(server.address, runtime=replace(Runtime(), network=Deaf())) as remote,
        Idle(remote, wait_interval=0.05, wait_jitter=0.0),
    ):
        for number in range(5):
            give_work(scheduler, f"deaf {number}")
            assert ran[f"deaf {number}"].wait(LONG_S)


def test_hints_are_for_the_workers_that_listen(connect: Connect, listener: Any) -> None:
    """A name that only begins like another one is another one; messages are fetched at once."""
    ref, heard, told = listener
    with Scheduler(worker_disconnect_delay=36_000.0) as scheduler, serve(scheduler) as server:
        client = connect(server.address)
        client.add_worker("w", {})
        client.actor_ref.tell(KeepAlive(worker="w", interval_s=3600.0, listener=ref))
        until = threading.Event()
        for _ in range(300):
            client.hello()
            scheduler.set_worker_processes("w2", 1)
            scheduler.set_worker_processes("w", 3)
            if told.wait(0.1):
                until.set()
                break
        assert until.is_set()
    assert all(isinstance(message, Heard) and message.worker == "w" for message in heard)
    assert not any(isinstance(message, WakeUp) for message in heard)


def test_a_server_that_came_back_is_listened_to_again(connect: Connect) -> None:
    """Its hints have another address then."""
    with Scheduler() as scheduler, serve(scheduler) as first:
        client = connect(first.address)
        with Idle(client):
            until_one_runs(scheduler)
            first.stop()
            second = serve(scheduler, bind=first.address)
            client.is_paused()  # any call: it greets whoever is there now
            until_one_runs(scheduler)
        second.stop()


def test_the_handshake_tells_what_a_client_needs(connect: Connect) -> None:
    """Versions, epoch, limits, and where the hints are."""
    with Scheduler(worker_disconnect_delay=7.0) as scheduler, serve(scheduler, bind="tcp://127.0.0.1:0") as s:
        said = connect(s.address).hello()
        assert said["protocol_version"] == 1
        assert said["server_version"] == actorsched.__version__
        assert said["lease_s"] == 7.0
        assert said["epoch"]
        assert said["limits"] == {"frame_bytes": 16 * 1024 * 1024, "batch": 50_000}
        events = parse_events(said["events"], parse_address("tcp://example.org:1"))
        assert events.host == "example.org"
        assert events.port == int(said["events"].rpartition(":")[2]) != 1


def test_versions_that_do_not_fit_are_refused(connect: Connect, make_peer: Any, backend: Any) -> None:
    """By both sides, with both versions, at once."""
    with (
        Scheduler() as scheduler,
        serve(scheduler) as server,
        pytest.raises(VersionError, match=r"version 2 .* version 1"),
    ):
        connect(server.address).hello(protocol_version=2)
    with serve(object()) as server, pytest.raises(VersionError, match="version 7"):
        connect(server.address).hello(protocol_version=7)
    backend.hello = lambda **_: {"protocol_version": 9, "epoch": "e"}
    with serve(backend) as server, pytest.raises(VersionError, match="version 9"):
        connect(server.address).ping("w")
    assert backend.count("ping") == 0


def test_a_call_can_be_bounded(connect: Connect, free_address: str, backend: Any) -> None:
    """Whatever the patience of the client is, and while it is busy with another call."""
    held = threading.Event()
    backend.answers["graph"] = lambda: held.wait(LONG_S)
    client = connect(free_address)
    with pytest.raises(Exception, match=r"no scheduler answered|no answer from"):
        client.within(0.2).ping("w")
    with serve(backend) as server:
        busy = connect(server.address)
        thread = threading.Thread(target=busy.graph)
        thread.start()
        try:
            with pytest.raises(Exception, match="no answer from"):
                busy.within(0.1).ping("w")
        finally:
            held.set()
            thread.join(LONG_S)
        assert busy.within(LONG_S).ping("w") == {"rpc_messages": []}


def test_attempts_can_be_counted(connect: Connect, free_address: str) -> None:
    """As Luigi does it: a fixed wait, and so many attempts."""
    client = connect(
        free_address,
        connect_timeout=0.05,
        retry_wait_min=0.01,
        retry_wait_max=0.01,
        retry_jitter=0.0,
        retry_attempts=3,
        patience=0.0,
    )
    with pytest.raises(Exception, match=r"\(3 attempts"):
        client.ping("w")
    once = connect(free_address, connect_timeout=0.05, retry_attempts=1)
    with pytest.raises(Exception, match=r"\(1 attempt"):
        once.ping("w")
    assert not issubclass(RemoteError, VersionError)


def test_a_worker_with_an_endless_name_costs_nobody_a_hint() -> None:
    """Who listens to all, as a relay does, would lose his connection by a hint for it."""
    there = PubSocket(parse_bind("tcp://127.0.0.1:0"))
    here = SubSocket(there.address)
    endless = "x" * 10_000
    for worker in (endless, ""):
        here.subscribe(worker)
    for _ in range(300):
        there.publish("first", "work")
        if here.socket.poll(100):
            break
    there.publish(endless, "work")
    there.publish("last", "work")
    heard = []
    while ("last", "work") not in heard and here.socket.poll(LONG_S * 1000):
        heard.append(here.receive())
    here.unsubscribe(endless)
    here.close()
    there.close()
    assert set(heard) == {("first", "work"), ("last", "work")}
