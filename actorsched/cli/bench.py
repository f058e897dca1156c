"""`actorsched bench`: what this machine makes of it, as a ratio to what the standard library needs."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from typing import Any

import click

from actorsched.cli.bench_tasks import Touch, touch
from actorsched.cli.output import print_json, print_table
from actorsched.errors import WorldError

#: how often each side runs; in turn, so that a machine that is busy for a while is so for both
ROUNDS = 3
SIZES_OF_MACHINE = (1_000, 100_000)


def _work_us(n: int) -> float:
    """Microseconds to hand out a task and to hear that it is done, among `n`."""
    from actorsched.config import SchedulerSettings
    from actorsched.core import Instant, SchedulerMachine

    machine = SchedulerMachine(SchedulerSettings(), epoch="bench")
    for index in range(n):
        machine.add_task(Instant(0.0, 0.0), worker="bench", task_id=f"Touch_{index}", family="Touch")
    began = time.process_time()
    for _ in range(calls := min(n, 10_000)):
        grant = machine.get_work(Instant(0.0, 0.0), worker="bench")
        machine.add_task(
            Instant(0.0, 0.0),
            worker="bench",
            task_id=grant["task_id"],
            status="DONE",
            run_id=grant["run_id"],
        )
    return (time.process_time() - began) / calls * 1e6


def _pool_s(n: int, slots: int, folder: str) -> float:
    with ProcessPoolExecutor(slots) as pool:
        list(pool.map(touch, [f"{folder}/first-{slot}" for slot in range(slots)]))
        began = time.perf_counter()
        futures = [pool.submit(touch, f"{folder}/{index}") for index in range(n)]
        for future in futures:
            future.result()
        return time.perf_counter() - began


def _embedded_s(n: int, slots: int, folder: str) -> float:
    from actorsched.facade.worker import Worker

    with Worker(worker_processes=slots) as worker:
        return _run_s(worker, n, slots, folder)


def _served_s(n: int, slots: int, folder: str) -> float:
    """The same with a scheduler on a socket, though in this process."""
    from actorsched.facade.remote_scheduler import RemoteScheduler
    from actorsched.facade.scheduler import Scheduler
    from actorsched.facade.serve import serve
    from actorsched.facade.worker import Worker

    with (
        Scheduler() as scheduler,
        serve(scheduler) as server,
        RemoteScheduler(server.address) as remote,
        Worker(remote, worker_processes=slots) as worker,
    ):
        return _run_s(worker, n, slots, folder)


def _run_s(worker: Any, n: int, slots: int, folder: str) -> float:
    worker.add_all([Touch(folder=folder, name=f"first-{slot}") for slot in range(slots)])
    worker.run()
    began = time.perf_counter()
    worker.add_all([Touch(folder=folder, name=str(index)) for index in range(n)])
    if not worker.run():
        raise WorldError(f"the run ended without its tasks done:\n{worker.result.summary_text}")
    return time.perf_counter() - began


_SIDES: dict[str, Callable[[int, int, str], float]] = {
    "ProcessPoolExecutor": _pool_s,
    "actorsched, embedded": _embedded_s,
    "actorsched, through ZeroMQ": _served_s,
}


def _end_to_end(n: int, slots: int) -> dict[str, float]:
    """Milliseconds a task, the median over the rounds."""
    spent: dict[str, list[float]] = {name: [] for name in _SIDES}
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    for _ in range(ROUNDS):
        for name, side in _SIDES.items():
            folder = tempfile.mkdtemp(prefix="actorsched-bench-", dir=base)
            try:
                spent[name].append(side(n, slots, folder) / n * 1e3)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return {name: median(each) for name, each in spent.items()}


@click.command("bench")
@click.option(
    "--tasks", "n", type=click.IntRange(min=1), default=1_000, show_default=True, help="Run so many tasks."
)
@click.option(
    "--slots",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="So many processes run tasks, on every side.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def bench(n: int, slots: int, as_json: bool) -> None:
    """Measure this machine.

    Handing out one task and hearing that it is done, with few tasks and with many; and tasks that create
    one empty file each, from the first to the last, beside the process pool of the standard library, which
    knows of no scheduler. Nothing is left behind.
    """
    machine_us = {size: _work_us(size) for size in SIZES_OF_MACHINE}
    tasks_ms = _end_to_end(n, slots)
    floor_ms = tasks_ms["ProcessPoolExecutor"]
    if as_json:
        print_json(
            {
                "get_work_and_report_us": {str(size): round(spent, 2) for size, spent in machine_us.items()},
                "tasks": n,
                "slots": slots,
                "ms_a_task": {name: round(spent, 4) for name, spent in tasks_ms.items()},
                "ratio": {name: round(spent / floor_ms, 2) for name, spent in tasks_ms.items()},
            }
        )
        return
    print_table(
        ["get_work and report, among", "µs"],
        [[f"{size:,} tasks", f"{spent:.1f}"] for size, spent in machine_us.items()],
        right=[1],
    )
    click.echo()
    print_table(
        [f"{n:,} tasks on {slots} slots", "ms a task", "ratio"],
        [[name, f"{spent:.3f}", f"{spent / floor_ms:.2f}"] for name, spent in tasks_ms.items()],
        right=[1, 2],
    )
