"""One million tasks through a scheduler that prunes as it goes: `python -m … TASKS`.

Submitters come, register a job of a thousand tasks, watch it for a minute and leave. A worker that never
leaves runs what they registered. What nobody wants any more is forgotten after `remove_delay`. Virtual
time: every job takes a minute.
"""

from __future__ import annotations

import gc
import json
import sys
import time

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from tests.benchmarks.machine import rss_bytes

JOB = 1_000
JOB_S = 60.0
POINTS = 20


def main(tasks: int) -> dict[str, object]:
    machine = SchedulerMachine(SchedulerSettings(), epoch="bench")
    at = 0.0
    curve: list[tuple[int, int, int]] = []
    jobs = tasks // JOB
    began = time.process_time()
    for job in range(jobs):
        submitter = f"submitter-{job}"
        tick = JOB_S / JOB / 3
        for index in range(JOB):  # a tree for each job
            deps = [f"Touch_{job}_{child}" for child in (2 * index + 1, 2 * index + 2) if child < JOB]
            at += tick
            machine.add_task(
                Instant(at, at), worker=submitter, task_id=f"Touch_{job}_{index}", deps=deps, family="Touch",
                module="pipelines.touch", params={"job": str(job), "index": str(index)},
            )  # fmt: skip
        for done in range(JOB):
            at += tick
            grant = machine.get_work(Instant(at, at), worker="node", assistant=True, current_tasks=[])
            at += tick
            # one in a hundred fails once, which leaves a trail of its own
            if done % 100 == 99 and job % 2:
                machine.add_task(
                    Instant(at, at), worker="node", task_id=grant["task_id"], status="FAILED", runnable=None,
                    run_id=grant["run_id"], assistant=True, expl="it failed",
                )  # fmt: skip
                machine.forgive_failures(Instant(at, at), task_id=grant["task_id"])
                grant = machine.get_work(Instant(at, at), worker="node", assistant=True, current_tasks=[])
            machine.add_task(
                Instant(at, at), worker="node", task_id=grant["task_id"], status="DONE", runnable=None,
                run_id=grant["run_id"], assistant=True,
            )  # fmt: skip
            machine.prune(Instant(at, at))
        if (job + 1) % max(1, jobs // POINTS) == 0:
            gc.collect()
            curve.append(((job + 1) * JOB, len(machine.tasks), rss_bytes()))
    middle, last = curve[len(curve) // 2 - 1][2], curve[-1][2]
    return {"curve": curve, "drift": (last - middle) / middle, "cpu_s": time.process_time() - began}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
