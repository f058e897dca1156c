"""What the heartbeats of many workers cost a scheduler: `python -m … ADDRESS N` is so many workers.

Each worker is a real one, with a client and connections of its own, and has registered a task.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack

import psutil

from actorsched import RemoteScheduler, Task, Worker
from tests.benchmarks.endtoend.scheduler_node import scheduler_node

WORKERS = 200
SECONDS = 20.0
TIMEOUT_S = 120


class Node(Task):
    index: int

    def complete(self) -> bool:
        return False


def workers(address: str, n: int) -> None:
    """Connect, say so, and live until the input ends."""
    with ExitStack() as stack:
        for number in range(n):
            scheduler = stack.enter_context(RemoteScheduler(address))
            worker = stack.enter_context(Worker(scheduler, worker_id=f"w{number}", execution="inline"))
            worker.add(Node(number))
        print("ready", flush=True)
        sys.stdin.read()


def heartbeats_share() -> tuple[int, float, float]:
    """How many workers, over how many seconds, and the share of a core that the scheduler's process used."""
    with scheduler_node() as address:
        (server,) = [each for each in psutil.Process().children() if "serve" in each.cmdline()]
        command = [sys.executable, "-m", __name__, address, str(WORKERS)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(2.0)  # until the first wave is over
            before, began = server.cpu_times(), time.perf_counter()
            time.sleep(SECONDS)
            after, took = server.cpu_times(), time.perf_counter() - began
            with RemoteScheduler(address) as remote:
                ages = [time.time() - each["last_active"] for each in remote.worker_list()]
            assert len(ages) == WORKERS, f"{len(ages)} workers"
            print(f"the heartbeat that is longest ago: {max(ages):.1f} s", file=sys.stderr)
            process.stdin.close()
            process.wait(TIMEOUT_S)
    used = after.user + after.system - before.user - before.system
    return WORKERS, SECONDS, used / took


if __name__ == "__main__":
    workers(sys.argv[1], int(sys.argv[2]))
