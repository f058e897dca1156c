"""Every way to a scheduler gives the same answers: called directly, through an actor, over a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import luigi.rpc
import pytest
from luigi.scheduler import Scheduler

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.messages import Call, CallBatch
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.serve import serve
from actorsched.web.serving import WebServer

MakeCall = Callable[[str, dict[str, Any]], Any]

SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("add_worker", {"worker": "w", "info": [("host", "here")]}),
    ("add_task", {"task_id": "A", "worker": "w", "family": "F", "params": {"n": "1"}, "priority": 2}),
    ("add_task", {"task_id": "B", "worker": "w", "family": "F", "params": {"n": "2"}, "deps": ["A"]}),
    ("update_resources", {"cpu": 3}),
    ("update_resource", {"resource": "gpu", "amount": 1}),
    ("update_resource", {"resource": "gpu", "amount": -1}),
    ("count_pending", {"worker": "w"}),
    ("get_work", {"worker": "w", "host": "here", "current_tasks": []}),
    ("set_task_status_message", {"task_id": "A", "status_message": "half"}),
    ("get_task_status_message", {"task_id": "A"}),
    ("set_task_progress_percentage", {"task_id": "A", "progress_percentage": 50}),
    ("get_task_progress_percentage", {"task_id": "A"}),
    ("add_task", {"task_id": "A", "worker": "w", "status": "DONE"}),
    ("get_work", {"worker": "w"}),
    ("set_worker_processes", {"worker": "w", "n": 3}),
    ("ping", {"worker": "w"}),
    ("add_task", {"task_id": "B", "worker": "w", "status": "FAILED", "expl": "broken ünïcode"}),
    ("fetch_error", {"task_id": "B"}),
    ("forgive_failures", {"task_id": "B"}),
    ("forgive_failures", {}),
    ("add_task_batcher", {"worker": "w", "task_family": "F", "batched_args": ["n"]}),
    ("pause", {}),
    ("is_paused", {}),
    ("is_pause_enabled", {}),
    ("unpause", {}),
    ("has_task_history", {}),
    ("prune", {}),
    ("disable_worker", {"worker": "w"}),
    ("get_work", {"worker": "w"}),
]


@pytest.fixture(params=["actor", "batches", "tcp", "ipc", "inproc", "relay", "proxy", "web"])
def call(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeCall]:
    scheduler = Scheduler()
    with ExitStack() as stack:
        ref = AdapterActor.start(scheduler)
        stack.callback(ref.stop)
        if request.param == "actor":
            yield lambda method, params: ref.ask(Call(method=method, params=params))
        elif request.param == "batches":
            yield lambda method, params: ref.ask(CallBatch(calls=(Call(method=method, params=params),)))[0]
        elif request.param == "proxy":
            proxy = ref.proxy()
            yield lambda method, params: getattr(proxy, method)(**params).get()
        elif request.param == "web":
            web = stack.enter_context(WebServer(scheduler, "127.0.0.1:0"))
            luigis = luigi.rpc.RemoteScheduler(web.address)
            yield lambda method, params: luigis._request(f"/api/{method}", params)
        else:
            bind = {"ipc": f"ipc://{tmp_path}/s", "inproc": "inproc://ways"}.get(request.param)
            server = stack.enter_context(serve(ref, bind=bind or "tcp://127.0.0.1:0"))
            client = stack.enter_context(RemoteScheduler(server.address))
            if request.param == "relay":
                relay = stack.enter_context(serve(client))
                client = stack.enter_context(RemoteScheduler(relay.address))
            yield lambda method, params: getattr(client, method)(**params)


def test_the_answers_are_the_same(call: MakeCall) -> None:
    """A worker must not be able to tell an embedded scheduler from a remote one."""
    direct = Scheduler()
    for method, params in SCRIPT:
        expected = getattr(direct, method)(**params)
        assert json.loads(json.dumps(call(method, params))) == json.loads(json.dumps(expected)), method
