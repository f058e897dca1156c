"""Luigi with its central scheduler, luigid, over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.endtoend.contest import Job, compete
from tests.benchmarks.endtoend.luigi_tasks import luigi_job


@contextmanager
def luigid(scratch: str) -> Iterator[str]:
    """Start one and give its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; from luigi.cmdline import luigid; sys.exit(luigid(sys.argv[1:]))"
    arguments = ["--port", str(port), "--address", "127.0.0.1", "--state-path", f"{scratch}/state"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("luigid does not answer")


@contextmanager
def luigi_central(scratch: str) -> Iterator[Job]:
    with luigid(scratch) as url:

        def job(shape: str, n: int, folder: str) -> None:
            luigi_job(shape, n, folder, scheduler_url=url)

        job("flat", 2, scratch)
        yield job


if __name__ == "__main__":
    compete(luigi_central)
