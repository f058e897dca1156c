"""Requests that are sent again to another scheduler than the one that has carried them out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import zmq

from actorsched.actors.messages import Call, CallBatch
from actorsched.actors.scheduler import SchedulerActor
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.store.memory import Disk, MemoryStore
from actorsched.transport.context import context

LONG_S = 30.0
Connect = Callable[..., Any]


def message(content: str) -> Call:
    params = {"worker": "w", "task": "t", "content": content}
    return Call(method="send_scheduler_message", params=params)


@pytest.mark.parametrize("n", [1, 3])
def test_what_a_scheduler_did_before_it_died_its_standby_does_not_do_again(
    n: int, connect: Connect, make_peer: Callable[..., Any]
) -> None:
    """The answer is lost with it; the client asks at the next address, and is answered from the store."""
    disk = Disk()
    first, second = (SchedulerActor.start(store=MemoryStore(disk)) for _ in range(2))
    with serve(first) as served_first, serve(second) as served_second:

        def behave(frame: bytes, answer: Callable[[bytes], None]) -> None:
            if not first.is_alive():
                return
            with context().socket(zmq.REQ) as onward:
                onward.linger = 0
                onward.connect(served_first.address)
                onward.send(frame)
                assert onward.poll(LONG_S * 1000)
                reply = onward.recv()
            if b'"send_scheduler_message"' in frame:
                first.stop(block=True)  # after it has carried it out
            else:
                answer(reply)

        peer = make_peer(behave)
        client = connect(f"{peer.address},{served_second.address}", connect_timeout=0.5)
        client.add_task("t", worker="w", family="F")
        assert client.get_work(worker="w")["task_id"] == "t"
        answers = client.actor_ref.ask(CallBatch(calls=tuple(message(str(i)) for i in range(n))))
        assert not first.is_alive()
        messages = [found["kwargs"] for found in client.ping("w")["rpc_messages"]]
        assert [found["content"] for found in messages] == [str(i) for i in range(n)]
        assert [found["message_id"] for found in messages] == [found["message_id"] for found in answers]
    second.stop(block=True)


def test_two_clients_of_one_process_are_two(connect: Connect) -> None:
    """Each counts its requests for itself, also when they take turns and when several threads use one."""
    with Scheduler() as scheduler, serve(scheduler) as server:
        clients = [connect(server.address) for _ in range(2)]

        def register(number: int) -> None:
            for n in range(50):
                clients[n % 2].add_task(f"{number}-{n}", worker="w", family="F")

        threads = [threading.Thread(target=register, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG_S)
        assert len(scheduler.graph()) == 200
