"""Worker nodes that ask for several tasks at once: `python -m … N WORKERS EACH VARIANT`.

Somebody else has registered N tasks. Each worker holds EACH of them all the time; it reports them done,
and asks for as many again.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.benchmarks.core.load import Clock, make_machine, registrations


def main(n: int, n_workers: int, each: int, variant: str) -> dict[str, float]:
    now, machine = Clock(), make_machine(variant)
    for worker, params in registrations("flat", n, variant):
        machine.add_task(now(), worker=worker, **params)
    nodes = [f"node-{number}" for number in range(n_workers)]
    for node in nodes:
        machine.add_worker(now(), node, {"workers": 2})

    def ask(node: str) -> list[dict[str, Any]]:
        work = machine.get_work(now(), worker=node, assistant=True, max_tasks=each)
        return work["tasks"]

    held = {node: ask(node) for node in nodes}
    began, done = time.process_time(), 0
    while any(held.values()):
        for node in nodes:
            for grant in held[node]:
                machine.add_task(
                    now(), worker=node, task_id=grant["task_id"], status="DONE", run_id=grant["run_id"]
                )
            done += len(held[node])
            held[node] = ask(node)
    return {"work_us": (time.process_time() - began) / done * 1e6}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
