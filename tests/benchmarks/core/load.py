"""Register a graph, work it off, and note what each call took: `python -m … SHAPE N VARIANT`.

A variant is `plain`, or words with commas between: `resources`, `priorities`, `10 workers`, `own tasks`.

Means are of processor time, so that others on the machine do not count; they include making the arguments.
The calls are those of our worker: registration with all that is known of a task, `get_work`, and a report
with the run id. What several workers register, each of them registers in full.
"""

from __future__ import annotations

import json
import re
import sys
import time
from array import array
from collections.abc import Iterator
from typing import Any

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from tests.benchmarks.core.graphs import graph, name

RESOURCES = {f"pool-{i}": 8 for i in range(10)}


class Clock:
    """Goes on by a microsecond with each reading: time passes, and nothing expires."""

    def __init__(self) -> None:
        self._ticks = 0

    def __call__(self) -> Instant:
        self._ticks += 1
        return Instant(self._ticks * 1e-6, self._ticks * 1e-6)


def workers_of(variant: str) -> list[str]:
    found = re.search(r"(\d+) workers", variant)
    return [f"worker-{i}" for i in range(int(found[1]) if found else 1)]


def registrations(shape: str, n: int, variant: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Worker and arguments of each call of `add_task`."""
    workers = workers_of(variant)
    own = "own tasks" in variant
    for number, worker in enumerate(workers):
        for index, deps in graph(shape, n):
            if own and index % len(workers) != number:
                continue
            yield (
                worker,
                {
                    "task_id": name(index),
                    "status": "PENDING",
                    "runnable": True,
                    "deps": [name(dep) for dep in deps],
                    "priority": index * 7919 % 100 if "priorities" in variant else 0,
                    "resources": {f"pool-{index % 10}": 1} if "resources" in variant else {},
                    "params": {"folder": "/dev/shm/out", "index": str(index)},
                    "family": "Touch",
                    "module": "pipelines.touch",
                },
            )


def make_machine(variant: str) -> SchedulerMachine:
    resources = RESOURCES if "resources" in variant else None
    return SchedulerMachine(SchedulerSettings(), resources=resources, epoch="bench")


def main(shape: str, n: int, variant: str) -> dict[str, Any]:
    now = Clock()
    machine = make_machine(variant)
    clock = time.perf_counter_ns
    add_ns = array("q")
    cpu_began = time.process_time()
    for worker, params in registrations(shape, n, variant):
        began = clock()
        machine.add_task(now(), worker=worker, **params)
        add_ns.append(clock() - began)
    cpu_registered = time.process_time()
    work_ns = array("q")
    workers = workers_of(variant)
    done = 0
    while done < n:
        before = done
        for worker in workers:
            began = clock()
            grant = machine.get_work(now(), worker=worker, host="h", assistant=False, current_tasks=[])
            if grant["task_id"] is None:
                continue
            machine.add_task(
                now(),
                worker=worker,
                task_id=grant["task_id"],
                status="DONE",
                runnable=None,
                run_id=grant["run_id"],
            )
            work_ns.append(clock() - began)
            done += 1
        if done == before:
            raise RuntimeError(f"nothing to do after {done} of {n} tasks")
    cpu_done = time.process_time()
    return {
        "add_us": (cpu_registered - cpu_began) / len(add_ns) * 1e6,
        "add_p99_us": _quantile(add_ns, 0.99),
        "work_us": (cpu_done - cpu_registered) / n * 1e6,
        "work_p50_us": _quantile(work_ns, 0.5),
        "work_p99_us": _quantile(work_ns, 0.99),
        "work_max_us": max(work_ns) / 1e3,
    }


def _quantile(values_ns: array[int], share: float) -> float:
    ordered = sorted(values_ns)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e3


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
