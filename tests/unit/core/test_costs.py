"""What a call costs does not depend on how many tasks there are.

Counted, not timed: the instructions that the interpreter executes in our code, which any loop in Python
adds to; and the memory that is in use at the peak, which grows when a list of all tasks is made by a
single instruction. (What this does not see are the comparisons within a heap: O(log n).)
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from types import FrameType
from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine

FEW, MANY = 300, 20_000
#: one page of views and the like
PEAK_BYTES_MAX = 150_000

Method = Callable[["Bench"], object]


class Bench:
    """A machine with so many tasks of a shape, half of which are done and a few are being run."""

    def __init__(self, shape: str, n: int) -> None:
        self.n = n
        self.has_pending_first = shape in ("chain", "tree")
        self.ticks = 0
        self.machine = SchedulerMachine(SchedulerSettings(), resources={"pool": 8}, epoch="e")
        for index in range(n):
            self.add(index, shape, n)
        for _ in range(n // 2):
            self.work()
        for _ in range(5 if shape != "chain" else 0):
            self.machine.get_work(self.now(), worker="w")

    def now(self) -> Instant:
        self.ticks += 1
        return Instant(self.ticks * 1e-6, self.ticks * 1e-6)

    def add(self, index: int, shape: str, n: int) -> None:
        deps = {
            "flat": (),
            "resources": (),
            "chain": (index + 1,) if index + 1 < n else (),
            "tree": tuple(child for child in (2 * index + 1, 2 * index + 2) if child < n),
        }[shape]
        self.machine.add_task(
            self.now(),
            worker="w",
            task_id=f"T{index}",
            deps=[f"T{dep}" for dep in deps],
            family="T",
            params={"index": str(index)},
            priority=index % 3 if shape == "resources" else 0,
            resources={"pool": 1} if shape == "resources" else {},
        )

    def work(self) -> None:
        grant = self.machine.get_work(self.now(), worker="w")
        self.machine.add_task(
            self.now(), worker="w", task_id=grant["task_id"], status="DONE", run_id=grant["run_id"]
        )


METHODS: dict[str, Method] = {
    "add_task": lambda b: b.machine.add_task(b.now(), worker="w", task_id=f"new-{b.ticks}", deps=["T2"]),
    "add_task by another worker": lambda b: b.machine.add_task(b.now(), worker="v", task_id="T1", deps=None),
    "get_work and report": lambda b: b.work(),
    "ping": lambda b: b.machine.ping(b.now(), worker="w"),
    "count_pending": lambda b: b.machine.count_pending(b.now(), worker="w"),
    "prune": lambda b: b.machine.prune(b.now()),
    "task_list, a page": lambda b: b.machine.task_list(b.now(), limit=10, after=f"T{b.n // 2}"),
    "task_list, a page of a frequent status": lambda b: b.machine.task_list(
        b.now(), status="PENDING", limit=10, after="T10" if b.has_pending_first else f"T{b.n * 3 // 4}"
    ),
    "worker_list": lambda b: b.machine.worker_list(b.now()),
    "resource_list": lambda b: b.machine.resource_list(b.now()),
    "dep_graph, a page": lambda b: b.machine.dep_graph(b.now(), task_id="T0", limit=10),
    "inverse_dep_graph of a task": lambda b: b.machine.inverse_dep_graph(b.now(), task_id="T1"),
}


@cache
def bench(shape: str, n: int) -> Bench:
    return Bench(shape, n)


def instructions(call: Callable[[], object]) -> int:
    """How many instructions of Python code a call executes."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def peak_bytes(call: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", ["flat", "resources", "chain", "tree"])
@pytest.mark.parametrize("name", METHODS)
def test_a_call_does_no_more_among_many_tasks_than_among_few(name: str, shape: str) -> None:
    """Somebody's million tasks must not make everybody wait."""
    method = METHODS[name]
    few, many = bench(shape, FEW), bench(shape, MANY)
    # the smallest of three: heaps and lists are now and then cleared of what is stale
    counts = [min(instructions(lambda b=b: method(b)) for _ in range(3)) for b in (few, many)]
    assert counts[1] <= 1.1 * counts[0], counts
    assert min(peak_bytes(lambda: method(many)) for _ in range(3)) < PEAK_BYTES_MAX


def asked_for(n_running: int, needs: dict[str, int], wanted: int, *, passing: bool = False) -> int:
    """The instructions of a request for so many tasks while so many run, which somebody else has begun.

    Args:
        passing: they are the worker's own, and one that needs the same comes before, for another worker;
            else a node asks for what somebody has submitted.
    """
    machine = SchedulerMachine(SchedulerSettings(), resources={"pool": 10_000}, epoch="e")
    now = Instant(1.0, 1.0)
    machine.get_work(now, worker="able")
    for index in range(n_running + wanted):
        machine.add_task(now, worker="w" if passing else "submitter", task_id=f"T{index}", resources=needs)
    machine.get_work(now, worker="other", assistant=True, max_tasks=n_running)
    if passing:
        machine.add_task(now, worker="able", task_id="first", resources=needs, priority=1)
    ask = {"worker": "w", "assistant": not passing, "max_tasks": wanted}
    return instructions(lambda: machine.get_work(now, **ask))


@pytest.mark.parametrize("needs", [{}, {"pool": 1}])
def test_where_what_is_needed_is_there_it_does_not_matter_how_much_runs(needs: dict[str, int]) -> None:
    """A scheduler with a thousand busy nodes hands out as fast as one with a few."""
    few, many = (asked_for(n, needs, 1) for n in (10, 1_000))
    assert many <= 1.1 * few


def test_a_request_for_several_goes_through_what_runs_once() -> None:
    """And not once for each of them."""
    one, several = (
        asked_for(1_000, {"pool": 1}, wanted, passing=True) - asked_for(10, {"pool": 1}, wanted, passing=True)
        for wanted in (1, 40)
    )
    assert one > 10_000, "there is no reservation, and so nothing is shown"
    assert several <= 1.1 * one


def test_a_batch_of_expired_tasks_costs_what_it_holds() -> None:
    """Not what else there is."""
    counts = []
    for n in (FEW, MANY):
        b = Bench("flat", n)
        for index in range(50):
            b.machine.add_task(b.now(), worker="gone", task_id=f"gone-{index}")
        b.machine.workers["w"].last_active = Instant(700.0, 700.0)
        b.machine.prune(Instant(61.0, 61.0))
        counts.append(instructions(lambda b=b: b.machine.prune(Instant(700.0, 700.0))))
        assert not any(task_id.startswith("gone") for task_id in b.machine.tasks)
    assert counts[1] <= 1.1 * counts[0]


def test_nothing_is_recursive() -> None:
    """A chain is as long as it is; Python's stack is not."""
    b = Bench("chain", 5)
    limit = sys.getrecursionlimit()
    depth = 1_000
    for index in reversed(range(depth)):
        b.machine.add_task(
            b.now(), worker="w", task_id=f"C{index}", deps=[f"C{index + 1}"], priority=index, family="C"
        )
    sys.setrecursionlimit(len_of_stack() + 100)
    try:
        b.machine.add_task(b.now(), worker="w", task_id=f"C{depth}", status="DISABLED", priority=5_000)
        b.machine.add_task(b.now(), worker="w", task_id="C0", priority=9_000, deps=["C1"])
        b.machine.task_list(b.now(), status="PENDING", upstream_status="UPSTREAM_DISABLED")
        b.machine.dep_graph(b.now(), task_id="C0")
        b.machine.inverse_dep_graph(b.now(), task_id=f"C{depth}")
        b.machine.count_pending(b.now(), worker="w")
    finally:
        sys.setrecursionlimit(limit)
    assert b.machine.tasks[f"C{depth}"].priority == 9_000


def len_of_stack() -> int:
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    return depth
