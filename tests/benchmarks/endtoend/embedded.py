"""Ours, with the scheduler in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actorsched import Worker
from tests.benchmarks.endtoend.contest import Job, compete
from tests.benchmarks.endtoend.tasks import wanted


@contextmanager
def worker(scratch: str, scheduler: Any = None) -> Iterator[Job]:
    with Worker(scheduler, worker_processes=2) as ours:

        def job(shape: str, n: int, folder: str) -> None:
            ours.add_all(wanted(shape, n, folder))
            if not ours.run():
                raise RuntimeError(ours.result.summary_text)

        job("flat", 2, scratch)
        yield job


if __name__ == "__main__":
    compete(worker)
