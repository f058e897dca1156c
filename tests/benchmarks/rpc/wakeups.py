"""How soon an idle worker node starts a task that becomes ready.

It hears a hint; by itself it would look for work every 5 s.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from actorsched import LocalTarget, RemoteScheduler, Task, Worker
from tests.benchmarks.endtoend.scheduler_node import scheduler_node

TASKS = 400
#: pauses in which the worker asks for more work, gets none, and is idle again
PAUSES_S = (0.02, 0.08)
PATIENCE_S = 30.0


class Stamp(Task):
    """Writes when it was started, by the clock that all processes of a machine have in common."""

    folder: str
    number: int

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / str(self.number))

    def run(self) -> None:
        started = time.monotonic()
        with self.output().open("w") as file:
            file.write(str(started))


def wakeups_s() -> list[float]:
    """Of each task, the time from the call that registers it to its start in the slot's process; sorted."""
    root = Path(__file__).parents[3]
    rng = random.Random(1)
    latencies: list[float] = []
    with tempfile.TemporaryDirectory() as folder, scheduler_node() as address:
        command = [
            sys.executable, "-m", "actorsched", "node", "--role", "worker", "--scheduler", address,
            "--path", str(root), "--log-dir", "off", "--log-level", "error",
        ]  # fmt: skip
        with (
            subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as node,
            RemoteScheduler(address) as remote,
            Worker(remote) as registrar,
        ):
            try:
                for number in range(TASKS + 5):
                    task = Stamp(folder, number)
                    began = time.monotonic()
                    registrar.add(task)
                    while not task.complete():
                        assert time.monotonic() - began < PATIENCE_S, "the worker node does not start it"
                        time.sleep(0.002)
                    with task.output().open() as file:
                        latencies.append(float(file.read()) - began)
                    time.sleep(rng.uniform(*PAUSES_S))
            finally:
                node.terminate()
    return sorted(latencies[5:])  # the first ones load the module
