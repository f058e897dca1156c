"""Luigi with its local scheduler and two processes. It starts a process for each task, so nothing is warm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.endtoend.contest import Job, compete
from tests.benchmarks.endtoend.luigi_tasks import luigi_job


@contextmanager
def luigi_local(scratch: str) -> Iterator[Job]:
    def job(shape: str, n: int, folder: str) -> None:
        luigi_job(shape, n, folder, local_scheduler=True)

    job("flat", 2, scratch)
    yield job


if __name__ == "__main__":
    compete(luigi_local)
