"""Discovery alone: tasks a second on one core, whose `complete()` says no at once: `python -m … N`."""

from __future__ import annotations

import json
import sys
import time

from actorsched import Task
from actorsched.config import WorkerSettings
from actorsched.tasks.discovery import discover
from tests.benchmarks.rounds import median, rounds
from tests.benchmarks.table import show


class Node(Task):
    """One of a tree."""

    index: int
    n: int

    def requires(self) -> list[Node]:
        return [Node(child, self.n) for child in (2 * self.index + 1, 2 * self.index + 2) if child < self.n]

    def complete(self) -> bool:
        return False


def main(n: int) -> dict[str, float]:
    began = time.process_time()
    found = sum(1 for _ in discover([Node(0, n)], settings=WorkerSettings(), seen=set()))
    spent = time.process_time() - began
    if found != n:
        raise RuntimeError(f"{found} tasks instead of {n}")
    return {"tasks_a_second": n / spent}


def suite(n_rounds: int) -> None:
    sizes = (1_000, 100_000)
    found = {n: rounds({"ours": ("discovery", n)}, n_rounds)["ours"] for n in sizes}
    rows = [[f"{n:,}", f"{median(samples, 'tasks_a_second') or 0:,.0f}"] for n, samples in found.items()]
    show("discovery of a tree", ["tasks", "tasks a second of processor time"], rows)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
