"""The comparison from end to end: everybody in turn, round after round, as ratios to the floor."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence

from tests.benchmarks.endtoend.shapes import SHAPES
from tests.benchmarks.machine import scratch
from tests.benchmarks.rounds import Sample, median, run
from tests.benchmarks.table import show

FLOOR = "ProcessPoolExecutor"
#: name → module, and the most tasks that it gets: Luigi's cost grows with their number
CONTESTANTS: dict[str, tuple[str, int]] = {
    FLOOR: ("floor", 10_000),
    "actorsched, embedded": ("embedded", 10_000),
    "actorsched, through ZeroMQ": ("remote", 10_000),
    "actorsched, nodes and SQLite": ("node", 10_000),
    "doit -n 2": ("doit_run", 10_000),
    "dask.distributed": ("dask_cluster", 10_000),
    "Luigi, local": ("luigi_local", 1_000),
    "Luigi, luigid over HTTP": ("luigi_central", 1_000),
}

Results = dict[tuple[str, str, int], list[Sample]]


def main(sizes: Sequence[int], rounds: int, only: Sequence[str], slow: bool) -> Results:
    """Run and print.

    Args:
        sizes: numbers of tasks.
        rounds: how often everybody runs.
        only: contestants by the beginning of their names, besides the floor; none: all.
        slow: also run the peers with more tasks than they are fit for; takes hours.
    """
    results: Results = {}
    out: set[tuple[str, str, int]] = set()
    try:
        for _, n, shape in itertools.product(range(rounds), sizes, SHAPES):
            for name, (module, most) in CONTESTANTS.items():
                if only and name != FLOOR and not name.startswith(tuple(only)):
                    continue
                key = name, shape, n
                if key in out or (n > most and not slow):
                    continue
                with tempfile.TemporaryDirectory(dir=scratch() or None) as folder:
                    sample = run(f"endtoend.{module}", shape, n, folder, timeout_s=36_000 if slow else 300)
                if sample is None:
                    out.add(key)
                else:
                    results.setdefault(key, []).append(sample)
    except KeyboardInterrupt:
        print("interrupted: what there is so far", flush=True)
    for n in sizes:
        _show(results, n)
    if len(sizes) > 1:
        _show_growth(results, sizes[0], sizes[-1])
    return results


def _per_task_ms(results: Results, name: str, shape: str, n: int) -> float | None:
    job_s = median(results.get((name, shape, n), ()), "job_s")
    return None if job_s is None else job_s / n * 1000


def _show(results: Results, n: int) -> None:
    names = [name for name in CONTESTANTS if any((name, shape, n) in results for shape in SHAPES)]
    rows = []
    for name in names:
        row: list[object] = [name]
        for shape in SHAPES:
            own, floor = (_per_task_ms(results, who, shape, n) for who in (name, FLOOR))
            row += [own, f"{own / floor:.2f}×" if own and floor else None]
        start_s = median([s for shape in SHAPES for s in results.get((name, shape, n), ())], "start_s")
        rows.append([*row, None if start_s is None else round(start_s * 1000)])
    head = ["ms a task", *(cell for shape in SHAPES for cell in (shape, "to floor")), "start, ms"]
    runs = max((len(samples) for (_, _, size), samples in results.items() if size == n), default=0)
    show(f"{n:,} tasks on 2 slots, medians of {runs} runs in turn", head, rows)


def _show_growth(results: Results, few: int, many: int) -> None:
    rows = []
    for name in CONTESTANTS:
        row: list[object] = [name]
        for shape in SHAPES:
            less, more = (_per_task_ms(results, name, shape, n) for n in (few, many))
            row.append(f"{more / less:.2f}×" if more and less else None)
        if any(row[1:]):
            rows.append(row)
    show(f"cost of a task among {many:,}, to that among {few:,}", ["", *SHAPES], rows)
