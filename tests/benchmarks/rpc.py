"""Calls through the network: pings by one and by four clients, beside a bare echo and luigid; registration.

As a module it is a client: `python -m … KIND ADDRESS SECONDS` says how many calls it made in that time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import zmq

from actorsched import RemoteScheduler, Task, Worker
from tests.benchmarks.endtoend.luigi_central import luigid
from tests.benchmarks.endtoend.scheduler_node import scheduler_node
from tests.benchmarks.rounds import Sample, median
from tests.benchmarks.table import show

#: what our client sends and gets for a ping, for the echo that does nothing else
PING = b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"id":12345}'
SECONDS = 2.0
REGISTERED = 100_000


class Node(Task):
    index: int

    def complete(self) -> bool:
        return False


@contextmanager
def echo_server() -> Iterator[str]:
    """A REP socket in a process of its own that reads and writes JSON and nothing more."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, "serve-echo"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _serve_echo() -> None:
    socket = zmq.Context.instance().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"tcp://127.0.0.1:{port}", flush=True)
    while True:
        request = json.loads(socket.recv())
        socket.send(json.dumps({"jsonrpc": "2.0", "result": request["params"], "id": request["id"]}).encode())


def _call_echo(address: str) -> Callable[[], Any]:
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(address)

    def call() -> None:
        socket.send(PING)
        json.loads(socket.recv())

    return call


def _call_ours(address: str) -> Callable[[], Any]:
    scheduler = RemoteScheduler(address)
    return lambda: scheduler.ping(worker="w")


def _call_luigi(address: str) -> Callable[[], Any]:
    from luigi.rpc import RemoteScheduler as LuigiScheduler

    scheduler = LuigiScheduler(address)
    return lambda: scheduler.ping(worker="w")


KINDS: dict[str, Callable[[str], Callable[[], Any]]] = {
    "echo": _call_echo,
    "ours": _call_ours,
    "luigi": _call_luigi,
}


def _client(kind: str, address: str, seconds: float) -> int:
    call = KINDS[kind](address)
    call()
    calls = 0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        call()
        calls += 1
    return calls


def _rate(kind: str, address: str, clients: int) -> float:
    command = [sys.executable, "-m", __name__, kind, address, str(SECONDS)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(clients)]
    return sum(int(process.communicate(timeout=60)[0]) for process in running) / SECONDS


def _registration_s() -> float:
    with scheduler_node() as address, RemoteScheduler(address) as scheduler, Worker(scheduler) as worker:
        tasks = [Node(index) for index in range(REGISTERED)]
        began = time.perf_counter()
        worker.add_all(tasks)
        return time.perf_counter() - began


def suite(n_rounds: int) -> None:
    samples: dict[tuple[str, int], list[Sample]] = {}
    registered: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(n_rounds):
            with echo_server() as echo, scheduler_node() as ours, luigid(folder) as luigi:
                for kind, address in (("echo", echo), ("ours", ours), ("luigi", luigi)):
                    for clients in (1, 4):
                        rate = _rate(kind, address, clients)
                        samples.setdefault((kind, clients), []).append({"rate": rate})
            registered.append({"s": _registration_s()})
    names = {"echo": "bare REQ/REP echo with JSON", "ours": "actorsched", "luigi": "luigid over HTTP"}
    rows = []
    for kind, name in names.items():
        row: list[object] = [name]
        for clients in (1, 4):
            rate, bare = (median(samples[who, clients], "rate") for who in (kind, "echo"))
            row += [f"{rate:,.0f}", f"{rate / bare:.2f}×"] if rate and bare else [None, None]
        rows.append(row)
    show("pings a second", ["", "1 client", "to echo", "4 clients", "to echo"], rows)
    print(f"{REGISTERED:,} tasks registered through TCP in {median(registered, 's'):.1f} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve-echo":
        _serve_echo()
    else:
        print(_client(sys.argv[1], sys.argv[2], float(sys.argv[3])))
