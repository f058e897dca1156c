"""A network that loses, doubles and delays: the end is that of one that does nothing of the kind."""

from __future__ import annotations

import heapq
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from actorsched.actors.messages import Call, CallBatch, KeepAlive
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.transport.context import context

LONG_S = 60.0
Connect = Callable[..., Any]

#: name → shares of requests lost, requests doubled, answers lost, frames delayed
FAULTS = {
    "none": (0.0, 0.0, 0.0, 0.0),
    "requests lost": (0.2, 0.0, 0.0, 0.0),
    "answers lost": (0.0, 0.0, 0.2, 0.0),
    "requests doubled": (0.0, 0.2, 0.0, 0.0),
    "frames delayed": (0.0, 0.0, 0.0, 0.2),
    "all of it": (0.2, 0.2, 0.2, 0.2),
}


class FaultyProxy:
    """Stands between a client and a server, and does to frames what a seed says.

    A frame that is delayed arrives when the client has long sent it again, or has gone on.
    """

    def __init__(self, address: str, faults: tuple[float, float, float, float], seed: int) -> None:
        self.random = random.Random(seed)
        self.lost, self.doubled, self.unanswered, self.delayed = faults
        self.counts = dict.fromkeys(("frames", "lost", "doubled", "unanswered", "delayed"), 0)
        self._target = address
        self._front = context().socket(zmq.ROUTER)
        self._front.linger = 0
        self.address = f"tcp://127.0.0.1:{self._front.bind_to_random_port('tcp://127.0.0.1')}"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        back = context().socket(zmq.DEALER)
        back.linger = 0
        back.connect(self._target)
        poller = zmq.Poller()
        poller.register(self._front, zmq.POLLIN)
        poller.register(back, zmq.POLLIN)
        later: list[tuple[float, int, list[bytes]]] = []
        tie = itertools.count()
        peers: dict[bytes, list[bytes]] = {}
        while not self._end.is_set():
            ready = dict(poller.poll(5))
            if self._front in ready:
                peer, *rest = self._front.recv_multipart()
                self.counts["frames"] += 1
                tag = b"%d" % next(tie)
                peers[tag] = [peer]
                if self._happens(self.lost, "lost"):
                    continue
                copies = 2 if self._happens(self.doubled, "doubled") else 1
                for copy in range(copies):
                    wait_s = self.random.uniform(0.05, 0.4) if self._happens(self.delayed, "delayed") else 0.0
                    wait_s += copy * self.random.uniform(0.0, 0.3)
                    heapq.heappush(later, (time.monotonic() + wait_s, next(tie), [tag, *rest]))
            if back in ready:
                tag, *rest = back.recv_multipart()
                if not self._happens(self.unanswered, "unanswered"):
                    self._front.send_multipart([*peers[tag], *rest])
            while later and later[0][0] <= time.monotonic():
                back.send_multipart(heapq.heappop(later)[2])
        back.close(0)
        self._front.close(0)

    def _happens(self, share: float, what: str) -> bool:
        happens = bool(share) and self.random.random() < share
        self.counts[what] += happens
        return happens

    def close(self) -> None:
        self._end.set()
        self._thread.join(LONG_S)


@pytest.fixture
def through() -> Iterator[Callable[..., FaultyProxy]]:
    made: list[FaultyProxy] = []

    def make(*args: Any) -> FaultyProxy:
        made.append(FaultyProxy(*args))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


def work_through(client: Any, n: int) -> list[Any]:
    """Some life of a worker, with everything that must not be done twice; returns what it was told."""
    told: list[Any] = []
    client.add_worker("w", {"workers": 3})
    tasks = [
        Call(
            method="add_task",
            params={
                "worker": "w",
                "task_id": f"T{i}",
                "family": "T",
                "deps": [f"T{i - 1}"] if i % 3 else [],
                "retry_policy_dict": {"retry_count": 3},
            },
        )
        for i in range(n)
    ]
    told += client.actor_ref.ask(CallBatch(calls=tuple(tasks)))
    for round_number in range(10 * n):
        message = client.send_scheduler_message("w", "T0", str(round_number))
        told.append(message["message_id"].rpartition("-")[2])
        work = client.get_work(worker="w", max_tasks=2)
        for grant in work["tasks"]:
            failed = grant["task_id"].endswith("5") and not any(grant["task_id"] == each for each in told)
            told.append(grant["task_id"])
            report = {"worker": "w", "task_id": grant["task_id"], "run_id": grant["run_id"]}
            reply = client.add_task(**report, status="FAILED" if failed else "DONE", expl="x")
            told.append(reply)
            if failed:
                client.forgive_failures(task_id=grant["task_id"])
        if not work["tasks"]:
            told.append(work["n_can_run"])
            break
    client.update_resource("r", 5)
    return told


def end_of(scheduler: Scheduler) -> Any:
    """The state that counts, without times and without the name of the epoch."""
    views = {
        task_id: {name: view[name] for name in ("status", "deps", "params", "priority", "workers")}
        for task_id, view in scheduler.graph().items()
    }
    return {
        "tasks": views,
        "resources": [
            (each["name"], each["num_total"], each["num_used"]) for each in scheduler.resource_list()
        ],
        "messages": len(scheduler.ping("w")["rpc_messages"]),
        "workers": sorted(each["name"] for each in scheduler.worker_list()),
    }


@pytest.fixture(scope="module")
def faultless() -> Any:
    """What comes of it when nothing goes wrong."""
    with Scheduler() as scheduler:

        class Direct:
            """Without any network."""

            actor_ref = scheduler.actor_ref

            def __getattr__(self, name: str) -> Any:
                return getattr(scheduler, name)

        told = work_through(Direct(), 12)
        return json.loads(json.dumps([told, end_of(scheduler)]))


@pytest.mark.parametrize(("name", "seed"), [*((name, 1) for name in FAULTS), ("all of it", 2)])
def test_the_end_is_that_of_a_faultless_network(
    name: str, seed: int, faultless: Any, connect: Connect, through: Callable[..., FaultyProxy]
) -> None:
    """Every answer too: each grant, each refusal, each count."""
    with Scheduler() as scheduler, serve(scheduler) as server:
        proxy = through(server.address, FAULTS[name], seed)
        client = connect(proxy.address, connect_timeout=0.15, patience=LONG_S)
        told = work_through(client, 12)
        assert json.loads(json.dumps([told, end_of(scheduler)])) == faultless
        for what, share in zip(("lost", "doubled", "unanswered", "delayed"), FAULTS[name], strict=True):
            assert (proxy.counts[what] > 0) == (share > 0), proxy.counts
        client.close()


def test_messages_arrive_once_through_faulty_pings(
    connect: Connect, through: Callable[..., FaultyProxy], listener: Any
) -> None:
    """A ping takes messages away from the scheduler; a lost answer must not lose them."""
    ref, heard, _ = listener
    with Scheduler() as scheduler, serve(scheduler) as server:
        proxy = through(server.address, FAULTS["all of it"], 3)
        client = connect(proxy.address, connect_timeout=0.15, patience=LONG_S)
        client.add_worker("w", {})
        client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.02, listener=ref))
        for number in range(40):
            scheduler.send_scheduler_message("w", "T", str(number))
        until = time.monotonic() + LONG_S
        while sum(len(each.rpc_messages) for each in heard) < 40:
            assert time.monotonic() < until
            threading.Event().wait(0.01)
        client.close()
    contents = [message["kwargs"]["content"] for each in heard for message in each.rpc_messages]
    assert contents == [str(number) for number in range(40)]
