"""What is asked beside the work, with N tasks there: `python -m … N`. Microseconds, medians."""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable

from actorsched.core import Instant
from tests.benchmarks.core.graphs import name
from tests.benchmarks.core.load import Clock, make_machine, registrations

PAGE = 100


def main(n: int) -> dict[str, float]:
    now = Clock()
    machine = make_machine("resources")
    for worker, params in registrations("tree", n, "resources"):
        machine.add_task(now(), worker=worker, **params)
    for _ in range(100):
        machine.get_work(now(), worker="worker-0")
    middle = name(n // 2)
    calls: dict[str, Callable[[], object]] = {
        "ping": lambda: machine.ping(now(), worker="worker-0"),
        "count_pending": lambda: machine.count_pending(now(), worker="worker-0"),
        "prune, nothing due": lambda: machine.prune(now()),
        f"task_list, page of {PAGE}": lambda: machine.task_list(now(), limit=PAGE, after=middle),
        f"task_list PENDING, page of {PAGE}": lambda: machine.task_list(
            now(), status="PENDING", limit=PAGE, after=middle
        ),
        "worker_list": lambda: machine.worker_list(now()),
        "resource_list": lambda: machine.resource_list(now()),
        "dep_graph of a leaf": lambda: machine.dep_graph(now(), task_id=name(n - 1)),
        f"dep_graph, page of {PAGE}": lambda: machine.dep_graph(now(), task_id=name(0), limit=PAGE),
    }
    found = {what: _median_us(call) for what, call in calls.items()}
    found["prune, 100 due"] = statistics.median([_prune_us(n, 100) for _ in range(3)])
    return found


def _median_us(call: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()  # a collection looks at every object there is, and hits whoever comes by
    spent = []
    for _ in range(15):
        began = time.perf_counter_ns()
        call()
        spent.append(time.perf_counter_ns() - began)
    gc.enable()
    return statistics.median(spent) / 1e3


def _prune_us(n: int, due: int) -> float:
    """A worker that registered so many of the tasks has been silent for long enough."""
    now = Clock()
    machine = make_machine("plain")
    for worker, params in registrations("flat", n, "plain"):
        machine.add_task(now(), worker=worker, **params)
    for index in range(due):
        machine.add_task(now(), worker="gone", task_id=f"gone-{index}")
    last = now().monotonic
    for at in (last + 40, last + 59):
        machine.ping(Instant(at, at), worker="worker-0")
    machine.prune(Instant(last + 61, last + 61))
    machine.ping(Instant(last + 100, last + 100), worker="worker-0")
    later = Instant(last + 61 + 601, last + 661)
    machine.workers["worker-0"].last_active = later
    began = time.perf_counter_ns()
    machine.prune(later)
    spent = time.perf_counter_ns() - began
    if len(machine.tasks) != n:
        raise RuntimeError(f"{len(machine.tasks)} tasks instead of {n}")
    return spent / 1e3


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
