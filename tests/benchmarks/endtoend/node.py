"""Ours as nodes: scheduler and worker are `actorsched node`s, tasks travel by name, the submitter only waits.

The scheduler keeps its state in a SQLite file, as a node does by default.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actorsched import RemoteScheduler, Worker
from tests.benchmarks.endtoend.contest import Job, compete
from tests.benchmarks.endtoend.tasks import wanted


@contextmanager
def node(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A node that says on its standard output where it is."""
    command = [str(Path(sys.executable).parent / "actorsched"), "node", *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def address_of(process: subprocess.Popen[str]) -> str:
    """Where a scheduler node listens, from its first lines."""
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"tcp://127\.0\.0\.1:\d+", line)
        if found and not found.group().endswith(":0"):
            return found.group()
    raise RuntimeError("the scheduler node ended")


@contextmanager
def nodes(scratch: str) -> Iterator[Job]:
    os.environ["XDG_STATE_HOME"] = f"{scratch}/state"
    store = f"sqlite:///{scratch}/state.db"
    bind = "tcp://127.0.0.1:0"
    with node("--role", "scheduler", "--bind", bind, "--store", store, "--log-level", "error") as scheduler:
        address = address_of(scheduler)
        with (
            node("--role", "worker", "--scheduler", address, "--slots", "2", "--log-level", "error"),
            RemoteScheduler(address) as remote,
            Worker(remote, worker_processes=0, wait_interval=0.05, wait_jitter=0.0) as submitter,
        ):
            while not remote.worker_list():
                time.sleep(0.01)

            def job(shape: str, n: int, folder: str) -> None:
                submitter.add_all(wanted(shape, n, folder))
                if not submitter.run():
                    raise RuntimeError(submitter.result.summary_text)

            job("flat", 2, scratch)
            yield job


if __name__ == "__main__":
    compete(nodes)
