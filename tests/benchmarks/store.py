"""What a durable store costs the scheduler: frames as they come from busy workers, over the network.

One client plays a worker: each frame reports the tasks of the frame before and asks for as many new ones,
with the parameters that a worker sends, and with an identity, so that the answer is stored too. What is
measured is the processor time of the scheduler's process, for each task that was handed out and reported.

As a module it is the scheduler: it prints its address, and its processor time after each line of input.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import zmq

from actorsched import Scheduler, serve
from actorsched.rpc import envelope
from tests.benchmarks.table import show
from tests.servers.postgres import PostgresServer

#: tasks in one message, or in one frame
SIZES = (1, 4, 16, 64)
N_TASKS = 12_000


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
        self._socket = zmq.Context.instance().socket(zmq.REQ)
        self._socket.linger = 0
        self._socket.connect(self._line())
        self._seq = 0

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the scheduler ended"
        return line

    def cpu_s(self) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        return float(self._line())

    def ask(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        self._seq += 1
        frame = envelope.write_batch(
            [
                envelope.write_call(
                    method, params, number, *(("w", self._seq) if not number else (None, None))
                )
                for number, (method, params) in enumerate(calls)
            ]
        )
        self._socket.send(frame)
        return [answer["result"] for answer in json.loads(self._socket.recv())]

    def close(self) -> None:
        self._socket.close()
        self._process.communicate(timeout=60)


def cost_us(store: str, size: int) -> float:
    """Processor time for each task, in frames of so many."""
    with tempfile.TemporaryDirectory(prefix="as-") as folder:
        node = Node(store.format(folder=folder), folder)
        try:
            for first in range(0, N_TASKS, 500):
                node.ask([("add_task", _registration(number)) for number in range(first, first + 500)])
            before, done, reports = node.cpu_s(), 0, list[tuple[str, dict[str, Any]]]()
            while done < N_TASKS:
                question = {
                    "worker": "w", "host": "h", "assistant": False, "current_tasks": [], "incarnation": "i",
                    "max_tasks": size,
                }  # fmt: skip
                *_, got = node.ask([*reports, ("get_work", question)])
                tasks = got["tasks"] if size > 1 else [got]
                reports = [("add_task", _report(task)) for task in tasks]
                done += len(tasks)
            node.ask(reports)
            return (node.cpu_s() - before) / N_TASKS * 1e6
        finally:
            node.close()


def _registration(number: int) -> dict[str, Any]:
    return {
        "worker": "w", "incarnation": "i", "task_id": f"Task_2026_11_25_{number:010}", "family": "Task",
        "module": "pipeline", "params": {"day": "2026-11-25", "number": str(number)},
        "param_visibilities": {"day": 0, "number": 0}, "status": "PENDING",
    }  # fmt: skip


def _report(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "worker": "w", "incarnation": "i", "task_id": task["task_id"], "status": "DONE", "runnable": None,
        "assistant": False, "run_id": task["run_id"],
    }  # fmt: skip


@contextlib.contextmanager
def _stores() -> Iterator[dict[str, str]]:
    stores = {
        "memory://": "memory://",
        "SQLite": "sqlite:///{folder}/state.db",
        "SQLite, durability=full": "sqlite:///{folder}/state.db?durability=full",
    }
    try:
        server = PostgresServer()
    except RuntimeError:
        yield stores
        return
    try:
        yield stores | {"PostgreSQL, without fsync": server.new_database()}
    finally:
        server.close()


def suite(n_rounds: int) -> None:
    with _stores() as stores:
        rows: list[list[object]] = []
        for size in SIZES:
            found: dict[str, list[float]] = {name: [] for name in stores}
            for _ in range(n_rounds):
                for name, store in stores.items():
                    if name.startswith("PostgreSQL") and found[name]:
                        continue  # its database is not empty any more
                    found[name].append(cost_us(store, size))
            base = found["memory://"]
            for name, costs in found.items():
                ratios = [cost / other for cost, other in zip(costs, base, strict=False)]
                rows.append(
                    [f"{name}, {size} in a frame", statistics.median(costs), statistics.median(ratios)]
                )
        show(
            "a task that is handed out and reported", ("store", "µs of the scheduler", "beside memory"), rows
        )


if __name__ == "__main__":
    with Scheduler(store=sys.argv[1]) as scheduler, serve(scheduler, sys.argv[2]) as server:
        print(server.address, flush=True)
        for _ in sys.stdin:
            print(time.process_time(), flush=True)
