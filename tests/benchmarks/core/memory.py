"""Memory of a scheduler that was told of N tasks by the network, and of their ends: `python -m … N SHAPE`."""

from __future__ import annotations

import gc
import json
import sys

import msgspec

from actorsched.rpc.methods import METHODS
from tests.benchmarks.core.load import Clock, make_machine, registrations
from tests.benchmarks.machine import rss_bytes


def main(n: int, shape: str) -> dict[str, float]:
    decode = METHODS["add_task"].decode
    encode = msgspec.json.encode
    now = Clock()
    machine = make_machine("plain")
    before = rss_bytes()
    for worker, params in registrations(shape, n, "plain"):
        machine.add_task(now(), **decode(encode({"worker": worker, **params})))
    gc.collect()
    pending = rss_bytes()
    for _ in range(n // 2):
        grant = machine.get_work(now(), worker="worker-0", max_tasks=1)
        machine.add_task(
            now(),
            worker="worker-0",
            task_id=grant["task_id"],
            status="DONE",
            runnable=None,
            run_id=grant["run_id"],
        )
    if shape == "flat":  # and the other half is being run
        while machine.get_work(now(), worker="worker-0", max_tasks=1000)["tasks"]:
            pass
    gc.collect()
    return {"pending_b": (pending - before) / n, "handed_out_b": (rss_bytes() - before) / n}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2])))
