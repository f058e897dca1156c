"""Ours, with the scheduler in another process, through ZeroMQ over TCP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actorsched import RemoteScheduler
from tests.benchmarks.endtoend.contest import Job, compete
from tests.benchmarks.endtoend.embedded import worker
from tests.benchmarks.endtoend.scheduler_node import scheduler_node


@contextmanager
def through_zeromq(scratch: str) -> Iterator[Job]:
    with (
        scheduler_node() as address,
        RemoteScheduler(address) as scheduler,
        worker(scratch, scheduler) as job,
    ):
        yield job


if __name__ == "__main__":
    compete(through_zeromq)
