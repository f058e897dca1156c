"""Memory of a worker node while it runs the tasks of others: `python -m … TASKS`."""

from __future__ import annotations

import gc
import json
import sys
import threading

from actorsched import RemoteScheduler, Worker
from tests.benchmarks.endtoend.scheduler_node import scheduler_node
from tests.benchmarks.endtoend.tasks import Tiny
from tests.benchmarks.machine import rss_bytes
from tests.benchmarks.rounds import run
from tests.benchmarks.table import show

JOB = 5_000


def main(tasks: int) -> dict[str, object]:
    curve: list[tuple[int, int]] = []
    with (
        scheduler_node() as address,
        RemoteScheduler(address) as scheduler,
        Worker(scheduler, worker_processes=2, assistant=True, forever=True) as node,
    ):
        serving = threading.Thread(target=node.run)
        serving.start()
        for job in range(tasks // JOB):
            with (
                RemoteScheduler(address) as remote,
                Worker(remote, worker_processes=0, wait_interval=0.05, wait_jitter=0.0) as submitter,
            ):
                submitter.add_all([Tiny(job, index) for index in range(JOB)])
                if not submitter.run():
                    raise RuntimeError(submitter.result.summary_text)
            gc.collect()
            curve.append(((job + 1) * JOB, rss_bytes()))
        node.stop()
        serving.join()
    return {"curve": curve}


def suite(tasks: int = 100_000) -> None:
    sample = run("worker_memory", tasks, timeout_s=600)
    if sample:
        rows = [[f"{done:,}", round(rss / 2**20, 1)] for done, rss in sample["curve"]]
        show("memory of a worker that runs tasks of others", ["tasks so far", "MB"], rows)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
