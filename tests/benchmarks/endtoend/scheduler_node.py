"""A scheduler in a process of its own: prints its address, serves until its input ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from actorsched import Scheduler, serve


@contextmanager
def scheduler_node() -> Iterator[str]:
    """Start one and give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()


if __name__ == "__main__":
    with Scheduler() as scheduler, serve(scheduler) as server:
        print(server.address, flush=True)
        sys.stdin.read()
