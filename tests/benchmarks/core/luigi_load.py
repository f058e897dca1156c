"""The same with Luigi's scheduler: `python -m … SHAPE N CALLS`, where only so many tasks are worked off."""

from __future__ import annotations

import json
import statistics
import sys
import time

from luigi.scheduler import Scheduler

from tests.benchmarks.core.load import registrations


def main(shape: str, n: int, calls: int) -> dict[str, float]:
    scheduler = Scheduler(prune_on_get_work=False)
    add_s = []
    for worker, params in registrations(shape, n, "plain"):
        began = time.perf_counter()
        scheduler.add_task(worker=worker, **params)
        add_s.append(time.perf_counter() - began)
    work_s = []
    for _ in range(min(calls, n)):
        began = time.perf_counter()
        grant = scheduler.get_work(worker="worker-0", host="h", assistant=False, current_tasks=[])
        scheduler.add_task(worker="worker-0", task_id=grant["task_id"], status="DONE", runnable=None)
        work_s.append(time.perf_counter() - began)
    return {"add_us": statistics.mean(add_s) * 1e6, "work_us": statistics.median(work_s) * 1e6}


if __name__ == "__main__":
    sys.setrecursionlimit(100_000)
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
