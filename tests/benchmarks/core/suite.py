"""The scheduler's machine: cost of work by number of tasks, shape and workers; views; memory; a long life."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.core.graphs import SHAPES
from tests.benchmarks.rounds import Sample, median, rounds, run
from tests.benchmarks.table import show

KINDS = ("plain", "resources", "priorities")
#: shape and variant → the most tasks with which it is measured: many workers register everything many times
CASES = {
    **{(shape, kind): 1_000_000 for kind in KINDS for shape in SHAPES},
    ("flat", "own tasks, 10 workers"): 1_000_000,
    ("flat", "plain, 10 workers"): 100_000,
    ("flat", "plain, 100 workers"): 10_000,
    **{(shape, f"{kind}, 10 workers"): 10_000 for kind in KINDS for shape in SHAPES if shape != "flat"},
    **{(shape, f"{kind}, 100 workers"): 1_000 for kind in KINDS for shape in SHAPES if shape != "flat"},
}
#: at that many tasks Luigi takes half a second for each task handed out, so few are
LUIGI_CALLS = {1_000: 300, 10_000: 50, 100_000: 8}
LUIGI_SHAPES = ("flat", "chain")
#: worker nodes, and how many tasks each holds: with two slots, as many as there are of long and of short ones
NODES = (1, 10, 100)
HELD = (2, 64)


def main(sizes: Sequence[int], n_rounds: int) -> None:
    few = min(sizes)
    results: dict[tuple[str, str, int], list[Sample]] = {}
    for (shape, variant), most in CASES.items():
        for n in sizes:
            if n <= most:
                times = n_rounds if n <= 100_000 else 1
                found = rounds({"ours": ("core.load", shape, n, variant)}, times, timeout_s=900)
                results[shape, variant, n] = found["ours"]
    for key, what in (
        ("work_us", "get_work and report, mean µs of processor time"),
        ("work_p99_us", "get_work and report, 99th percentile, µs"),
        ("add_us", "add_task, mean µs of processor time"),
    ):
        _show(results, sizes, few, key, what)
    _show_handouts(min(100_000, max(sizes)))
    _show_luigi(results, [n for n in sizes if n in LUIGI_CALLS])
    _show_views(min(sizes), min(100_000, max(sizes)))
    _show_memory(max(sizes))
    _show_life(max(sizes))


def _show(
    results: dict[tuple[str, str, int], list[Sample]], sizes: Sequence[int], few: int, key: str, what: str
) -> None:
    rows = []
    for shape, variant in dict.fromkeys((shape, variant) for shape, variant, _ in results):
        by_size = [median(results.get((shape, variant, n), ()), key) for n in sizes]
        base = by_size[list(sizes).index(few)]
        measured = [value for value in by_size if value is not None]
        growth = f"{measured[-1] / base:.2f}×" if base and len(measured) > 1 else None
        rows.append([f"{shape}, {variant}", *by_size, growth])
    show(what, ["tasks", *(f"{n:,}" for n in sizes), "last to first"], rows)


def _show_handouts(n: int) -> None:
    rows = []
    for variant in ("plain", "resources"):
        for each in HELD:
            row: list[object] = [f"{variant}, {each} for each"]
            for workers in NODES:
                sample = run("core.handouts", n, workers, each, variant, timeout_s=900)
                row.append(sample["work_us"] if sample else None)
            rows.append(row)
    show(
        f"work for nodes: get_work and report, mean µs of processor time, {n:,} tasks",
        ["nodes", *map(str, NODES)],
        rows,
    )


def _show_luigi(results: dict[tuple[str, str, int], list[Sample]], sizes: Sequence[int]) -> None:
    rows = []
    for shape in LUIGI_SHAPES:
        for n in sizes:
            luigi = run("core.luigi_load", shape, n, LUIGI_CALLS[n], timeout_s=600)
            ours = results.get((shape, "plain", n), ())
            for key, what in (("work_us", "get_work and report"), ("add_us", "add_task")):
                mine, theirs = median(ours, key), luigi[key] if luigi else None
                ratio = f"{theirs / mine:,.1f}×" if mine and theirs else None
                rows.append([f"{shape}, {n:,}: {what}", mine, theirs, ratio])
    show("beside Luigi's scheduler, µs", ["", "ours", "Luigi", "faster"], rows)


def _show_views(few: int, many: int) -> None:
    less, more = (run("core.views", n, timeout_s=300) or {} for n in (few, many))
    rows = [[what, less[what], more.get(what)] for what in less]
    show("beside the work, median µs", ["tasks", f"{few:,}", f"{many:,}"], rows)


def _show_memory(n: int) -> None:
    rows = []
    for shape in ("flat", "tree"):
        sample = run("core.memory", n, shape, timeout_s=900)
        if sample:
            rows.append([f"{shape}, {n:,}", round(sample["pending_b"]), round(sample["handed_out_b"])])
    show("memory of the process, bytes a task", ["tasks", "all pending", "after the work"], rows)


def _show_life(n: int) -> None:
    sample = run("core.life", n, timeout_s=900)
    if sample:
        rows = [[f"{done:,}", f"{held:,}", round(rss / 2**20, 1)] for done, held, rss in sample["curve"]]
        show("a long life", ["tasks so far", "known", "MB"], rows)
        print(f"drift over the second half: {sample['drift'] * 100:+.1f} %", flush=True)
