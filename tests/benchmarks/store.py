"""What a durable store costs the scheduler: frames as they come from busy workers, over the network.

Each client plays a worker: its frame reports the tasks of the frame before and asks for as many new ones,
with the parameters that a worker sends, and with an identity, so that the answer is stored too. It sends the
next frame as soon as it has the answer. One of them leaves the scheduler nothing to do while it thinks; of
several, some wait while another is served, and what waits together is committed together.

What is measured is the processor time of the scheduler's process, for each task that was handed out and
reported, and beside it the time by the clock, which is also that of the clients.

As a module it is the scheduler: it prints its address, and its processor time after each line of input.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import zmq

from actorsched import Scheduler, serve
from actorsched.rpc import envelope
from tests.benchmarks.table import show
from tests.servers.postgres import PostgresServer

#: clients, and tasks in one frame of each
CASES = ((1, 1), (1, 4), (1, 16), (1, 64), (4, 1), (4, 4), (4, 16), (16, 1), (16, 4))
N_TASKS = 12_000
#: tasks in one frame of registrations
REGISTERED = 250


class Node:
    """A scheduler in a process of its own."""

    def __init__(self, store: str, folder: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, store, f"ipc://{folder}/s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.address = self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the scheduler ended"
        return line

    def cpu_s(self) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        return float(self._line())

    def close(self) -> None:
        self._process.communicate(timeout=60)


class Client:
    """A worker, as the scheduler sees it."""

    def __init__(self, address: str, number: int, n_tasks: int) -> None:
        self.name = f"w{number}"
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.connect(address)
        self._seq = 0
        self._left = n_tasks
        self._reports: list[tuple[str, dict[str, Any]]] = []

    def send(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> None:
        self._seq += 1
        frame = envelope.write_batch(
            [
                envelope.write_call(
                    method, params, number, *((self.name, self._seq) if not number else (None, None))
                )
                for number, (method, params) in enumerate(calls)
            ]
        )
        self.socket.send(frame)

    def receive(self) -> list[dict[str, Any]]:
        return [answer["result"] for answer in msgspec.json.decode(self.socket.recv())]

    def register(self, first: int, n_tasks: int) -> None:
        self.send(
            [("add_task", _registration(self.name, number)) for number in range(first, first + n_tasks)]
        )
        self.receive()

    def ask_for_work(self, size: int) -> None:
        question = {
            "worker": self.name, "host": "h", "assistant": False, "current_tasks": [], "incarnation": "i",
            "max_tasks": size,
        }  # fmt: skip
        self.send([*self._reports, ("get_work", question)])

    def go_on(self, size: int) -> bool:
        """Take an answer and send the next frame; whether there was one to send."""
        *_, got = self.receive()
        if self._left <= 0:
            return False  # that was the answer to the last reports
        tasks = got["tasks"] if size > 1 else [got]
        self._reports = [("add_task", _report(self.name, task)) for task in tasks]
        self._left -= len(tasks)
        if self._left > 0:
            self.ask_for_work(size)
        else:
            self.send(self._reports)
        return True


def cost_us(store: str, n_clients: int, size: int) -> tuple[float, float]:
    """For each task, by so many clients in frames of so many: processor time of the scheduler, and time."""
    with tempfile.TemporaryDirectory(prefix="as-") as folder:
        node = Node(store.format(folder=folder), folder)
        each = N_TASKS // n_clients
        clients = [Client(node.address, number, each) for number in range(n_clients)]
        try:
            for first in range(0, N_TASKS, REGISTERED):
                clients[first // each].register(first, REGISTERED)
            poller = zmq.Poller()
            by_socket = {client.socket: client for client in clients}
            before, began = node.cpu_s(), time.monotonic()
            for client in clients:
                poller.register(client.socket, zmq.POLLIN)
                client.ask_for_work(size)
            while by_socket:
                for socket, _ in poller.poll():
                    if not by_socket[socket].go_on(size):
                        poller.unregister(socket)
                        del by_socket[socket]
            cpu_s, wall_s = node.cpu_s() - before, time.monotonic() - began
            return cpu_s / N_TASKS * 1e6, wall_s / N_TASKS * 1e6
        finally:
            for client in clients:
                client.socket.close()
            node.close()


def _registration(worker: str, number: int) -> dict[str, Any]:
    return {
        "worker": worker, "incarnation": "i", "task_id": f"Task_2026_11_25_{number:010}", "family": "Task",
        "module": "pipeline", "params": {"day": "2026-11-25", "number": str(number)},
        "param_visibilities": {"day": 0, "number": 0}, "status": "PENDING",
    }  # fmt: skip


def _report(worker: str, task: dict[str, Any]) -> dict[str, Any]:
    return {
        "worker": worker, "incarnation": "i", "task_id": task["task_id"], "status": "DONE", "runnable": None,
        "assistant": False, "run_id": task["run_id"],
    }  # fmt: skip


@contextlib.contextmanager
def _stores() -> Iterator[dict[str, Callable[[], str]]]:
    """What makes the url of an empty one, by name; `{folder}` in it is one of its own."""
    stores: dict[str, Callable[[], str]] = {
        "memory://": lambda: "memory://",
        "SQLite": lambda: "sqlite:///{folder}/state.db",
        "SQLite, durability=full": lambda: "sqlite:///{folder}/state.db?durability=full",
    }
    try:
        server = PostgresServer()
    except RuntimeError:
        yield stores
        return
    try:
        yield stores | {"PostgreSQL, without fsync": server.new_database}
    finally:
        server.close()


def suite(n_rounds: int) -> None:
    with _stores() as stores:
        rows: list[list[object]] = []
        for n_clients, size in CASES:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in stores}
            for _ in range(n_rounds):
                for name, store in stores.items():
                    found[name].append(cost_us(store(), n_clients, size))
            base = found["memory://"]
            who = "1 client" if n_clients == 1 else f"{n_clients} clients"
            for name, costs in found.items():
                ratios = zip(*(_beside(*pair) for pair in zip(costs, base, strict=True)), strict=True)
                cost, wall = (statistics.median(column) for column in zip(*costs, strict=True))
                beside, wall_beside = (statistics.median(column) for column in ratios)
                rows.append([f"{name}, {who}, {size} in a frame", cost, beside, wall, wall_beside])
        show(
            "a task that is handed out and reported",
            ("store", "µs of the scheduler", "beside memory", "µs by the clock", "beside memory"),
            rows,
        )


def _beside(cost: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return cost[0] / other[0], cost[1] / other[1]


if __name__ == "__main__":
    with Scheduler(store=sys.argv[1]) as scheduler, serve(scheduler, sys.argv[2]) as server:
        print(server.address, flush=True)
        for _ in sys.stdin:
            print(time.process_time(), flush=True)
