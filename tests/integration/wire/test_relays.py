"""A server in front of a scheduler that is somewhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import zmq

from actorsched.errors import SchedulerUnreachableError
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.transport.context import context
from tests.integration.wire.conftest import LONG_S

Connect = Callable[..., Any]


def ask(address: str, frame: bytes) -> Any:
    with context().socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.connect(address)
        socket.send(frame)
        assert socket.poll(LONG_S * 1000)
        return json.loads(socket.recv())


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}


@pytest.mark.parametrize("batch", [False, True])
def test_a_frame_that_is_sent_again_to_another_relay_has_one_effect(batch: bool, connect: Connect) -> None:
    """The first one was started anew, and remembers nothing; the scheduler does."""
    wanted = {**request("get_work", worker="w"), "client": "me", "seq": 1}
    frame = json.dumps([wanted, request("ping", worker="w")] if batch else wanted).encode()
    with Scheduler() as scheduler, serve(scheduler) as server:
        for name in ("a", "b"):
            scheduler.add_task(name, worker="w")
        found = []
        for _ in range(2):
            with serve(connect(server.address)) as relay:
                answer = ask(relay.address, frame)
                found.append((answer[0] if batch else answer)["result"]["task_id"])
        assert found == ["a", "a"]
        assert ask(server.address, frame.replace(b'"seq": 1', b'"seq": 0')) != answer, "it is a late copy"


def test_a_relay_whose_scheduler_is_away_costs_nobody_a_report(
    backend: Any, connect: Connect, logged: Any
) -> None:
    """It asks its clients for patience, and does not say that what they said was refused."""
    server = serve(backend)
    middle = connect(server.address, patience=0.3, connect_timeout=0.2)
    with serve(middle) as relay, ThreadPoolExecutor(2) as pool:
        client = connect(relay.address)
        client.add_task("T", worker="w", status="RUNNING")
        server.stop()
        report = pool.submit(client.add_task, "T", worker="w", status="DONE")
        assert logged.wait_for("lost contact with the scheduler")
        with pytest.raises(SchedulerUnreachableError):
            middle.pause()  # stands behind the report, which has been tried in vain when this has been
        newcomer = pool.submit(connect(relay.address).task_list)
        with serve(backend, bind=server.address):
            assert report.result(LONG_S) is None
            assert newcomer.result(LONG_S) is None
    assert [params["status"] for method, params in backend.calls if method == "add_task"] == [
        "RUNNING",
        "DONE",
    ]


def test_what_nobody_has_numbered_is_not_to_be_sent_again(connect: Connect, free_address: str) -> None:
    """It may have taken effect, and nobody would know it again."""
    with serve(connect(free_address, patience=0.2, connect_timeout=0.1)) as relay:
        codes = [
            ask(relay.address, json.dumps(request(*asked)).encode())["error"]["code"]
            for asked in (("pause",), ("is_paused",))
        ]
    assert codes == [-32001, -32002]
