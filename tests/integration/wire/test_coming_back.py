"""What goes on by itself when a scheduler comes back, as the same one or as one that knows nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import actorsched
from actorsched.actors.messages import Call, KeepAlive, WakeUp
from actorsched.actors.scheduler import SchedulerActor
from actorsched.errors import ConfigError, StoreUnavailableError
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.facade.worker import Worker
from actorsched.store.memory import MemoryStore

LONG_S = 60.0
OWED = 2_000
Connect = Callable[..., Any]


class Link(actorsched.Task):
    """One of a chain; none of them is ever complete."""

    n: int

    def requires(self) -> list[Link]:
        return [Link(self.n + 1)] if self.n + 1 < OWED else []

    def complete(self) -> bool:
        return False


class Crashing(MemoryStore):
    """Dies in the middle of the first large commit, and comes back."""

    crashes = 1
    crashed = False

    def commit(self, changes: Any, replies: Any, clock: float) -> None:
        if self.crashes and len(changes.tasks) > OWED / 2:
            self.crashes -= 1
            self.crashed = True
            raise StoreUnavailableError("no room")
        super().commit(changes, replies, clock)


class Watch:
    """Another worker, which asks a scheduler for work all the time and notes what it is told."""

    def __init__(self, ref: Any) -> None:
        self.n_pending: set[int] = set()
        self.handed_out: dict[str, None] = {}
        self._ref = ref
        self._over = threading.Event()
        self.complete = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        params = {"worker": "other", "assistant": True, "current_tasks": []}
        while not self._over.is_set():
            try:
                reply = self._ref.ask(Call(method="get_work", params=params))
            except StoreUnavailableError:
                continue
            self.n_pending.add(reply["n_pending_tasks"])
            if reply["task_id"] is not None:
                self.handed_out[reply["task_id"]] = None
                self.complete.set()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(LONG_S)


@contextmanager
def started(store: MemoryStore) -> Iterator[Any]:
    ref = SchedulerActor.start(store=store)
    yield ref
    ref.stop(block=True)


def test_a_forgotten_worker_registers_all_that_it_owes_at_once(connect: Connect) -> None:
    """Nobody ever sees a part of the graph, also when the scheduler fails in the middle of it."""
    with Scheduler(worker_disconnect_delay=LONG_S) as first, serve(first) as server:
        worker = Worker(connect(server.address), worker_id="w", ping_interval=0.05, execution="inline")
        with worker:
            worker.add(Link(0))
            assert first.count_pending("w")["n_pending_tasks"] == OWED
            server.stop()
            store = Crashing()
            with started(store) as ref, Watch(ref) as watch, serve(ref, bind=server.address):
                assert watch.complete.wait(LONG_S)
            assert store.crashed
            # the only one that can run; it is handed out again and again, because `other` does not hold it
            assert list(watch.handed_out) == [Link(OWED - 1).task_id]
            assert watch.n_pending <= {0, OWED, OWED - 1}


class Ear:
    """Hears what a worker would be told, through a client that makes no calls of its own."""

    def __init__(self, client: Any, listener: Any) -> None:
        self.ref, self.heard, self.told = listener
        client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.05, listener=self.ref))

    def hears_work(self, scheduler: Any) -> bool:
        """Whether some hint of work arrives; the first ones may be given before anybody listens."""
        for number in range(300):
            scheduler.get_work(worker="w", assistant=True, max_tasks=1000)
            self.told.clear()
            scheduler.add_task(f"t{number}", worker="owner", family="F")
            self.told.wait(0.1)
            if any(isinstance(message, WakeUp) for message in self.heard):
                return True
        return False


@pytest.mark.parametrize("moves", [False, True])
def test_hints_come_again_when_the_scheduler_does(moves: bool, connect: Connect, listener: Any) -> None:
    """Nobody calls anything: the next heartbeat finds out where they are given now."""
    with Scheduler(worker_disconnect_delay=LONG_S) as first, serve(first) as server:
        ear = Ear(connect(server.address), listener)
        assert ear.hears_work(first)
        port = 0 if moves else int(first_events(server.address, connect).rpartition(":")[2])
        server.stop()
    with (
        Scheduler(worker_disconnect_delay=LONG_S) as second,
        serve(second, bind=server.address, events_port=port),
    ):
        ear.heard.clear()
        assert ear.hears_work(second)


def first_events(address: str, connect: Connect) -> str:
    return str(connect(address).hello()["events"])


def test_a_relay_passes_hints_on(connect: Connect, listener: Any) -> None:
    """A worker behind it is woken as well as one before it; and so through two of them."""
    with (
        Scheduler(worker_disconnect_delay=LONG_S) as scheduler,
        serve(scheduler) as server,
        serve(connect(server.address)) as relay,
        serve(connect(relay.address)) as second,
    ):
        assert Ear(connect(second.address), listener).hears_work(scheduler)


def test_messages_are_fetched_at_once_through_a_relay(connect: Connect, listener: Any) -> None:
    """By a heartbeat that would come in an hour."""
    ref, heard, told = listener
    with (
        Scheduler(worker_disconnect_delay=36_000.0) as scheduler,
        serve(scheduler) as server,
        serve(connect(server.address)) as relay,
    ):
        client = connect(relay.address)
        client.add_worker("w", {})
        client.actor_ref.tell(KeepAlive(worker="w", interval_s=3600.0, listener=ref))
        for _ in range(300):
            client.hello()
            scheduler.set_worker_processes("w", 3)
            if told.wait(0.1):
                break
        assert heard


class TestAWishForHeartbeatsThatComeTooLate:
    """Is refused, with what to do about it, and nothing was said to the scheduler before."""

    MESSAGE = r"ping_interval=21 of this worker: .* silent for 60 s, .* 20 or less"

    def test_where_the_lease_is_known_at_the_start(self) -> None:
        with Scheduler() as scheduler, pytest.raises(ConfigError, match=self.MESSAGE):
            Worker(scheduler, ping_interval=21.0)

    @pytest.mark.parametrize("met", [False, True])
    def test_where_the_handshake_tells_it(self, met: bool, connect: Connect) -> None:
        with Scheduler() as scheduler, serve(scheduler) as server:
            client = connect(server.address)
            if met:
                client.hello()
            with Worker(client, worker_id="w", ping_interval=21.0, execution="inline") as worker:
                with pytest.raises(ConfigError, match=self.MESSAGE):
                    worker.add(Link(OWED - 1))
                with pytest.raises(ConfigError, match=self.MESSAGE):
                    worker.run()
            assert scheduler.worker_list() == []
            assert scheduler.task_list() == {}
