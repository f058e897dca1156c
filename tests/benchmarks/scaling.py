"""How many workers and tasks one scheduler can serve, and what saturates first.

The costs of a request are measured: the processor time of a scheduler's process, through ZeroMQ. Then
systems are simulated whose scheduler takes that long for each request; the rest of them is what ships. A
simulator cannot have ten thousand workers in a minute, so a hundred stand for them before a scheduler that
takes a hundred times as long: the queue before it is as full. `python -m tests.benchmarks scaling` prints
the tables and writes the plot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psutil

from actorsched import RemoteScheduler
from actorsched.actors.messages import Call
from actorsched.actors.scheduler import SchedulerActor
from actorsched.simulation import Options, Plan, Simulation, sleep
from tests.benchmarks.endtoend.scheduler_node import scheduler_node
from tests.benchmarks.table import show

PLOT = Path(__file__).parents[2] / "docs" / "scaling.svg"
#: calls from which a cost is taken
CALLS = 4_000
#: seconds that a simulated system is watched, after all workers are there
WATCHED_S = 20.0
#: heartbeats of a worker in a second, unless it is busy asking and reporting
PINGS = 1.0
RUNS_S = (1, 10, 60, 600)


def measured_us() -> dict[str, float]:
    """Microseconds of the scheduler's processor time for a call of each kind."""
    with scheduler_node() as address, RemoteScheduler(address) as remote:
        (server,) = [each for each in psutil.Process().children(recursive=True) if "serve" in each.cmdline()]

        def cost(call: Callable[[int], Any]) -> float:
            before = server.cpu_times()
            for number in range(CALLS):
                call(number)
            after = server.cpu_times()
            return (after.user + after.system - before.user - before.system) / CALLS * 1e6

        def run_one(_: int) -> None:
            grant = remote.get_work(worker="w")
            remote.add_task(worker="w", task_id=grant["task_id"], status="DONE", run_id=grant["run_id"])

        ping = cost(lambda _: remote.ping(worker="w"))
        register = cost(lambda n: remote.add_task(worker="w", task_id=f"t{n}", family="T"))
        half = cost(run_one) / 2  # asked for and reported
        return {"ping": ping, "add_task": register, "get_work": half, "report": half}


class Busy(SchedulerActor):
    """Takes as long for each call as was measured, in virtual time; what arrives meanwhile waits."""

    cost_us: ClassVar[dict[str, float]] = {}
    slowed: ClassVar[int] = 1
    busy_s = 0.0
    calls = 0

    def _spend(self, calls: Sequence[Call]) -> None:
        for call in calls:
            kind = "report" if call.params.get("run_id") else call.method
            spent_s = self.cost_us.get(kind, self.cost_us["ping"]) * self.slowed / 1e6
            Busy.busy_s += spent_s
            Busy.calls += 1
            sleep(spent_s)

    def _carry_out(self, calls: Sequence[Call]) -> list[Any]:
        self._spend(calls)
        return super()._carry_out(calls)

    def _carry_out_once(self, calls: Sequence[Call], client: str, seq: int, mark: bytes) -> list[Any]:
        self._spend(calls)
        return super()._carry_out_once(calls, client, seq, mark)


def simulate(workers: int, run_s: float, watched_s: float = WATCHED_S) -> dict[str, float]:
    """One system: each worker has two slots, and more tasks of one length than it can do."""
    each = max(2, int(watched_s / run_s) * 2 + 4)
    names = {f"w{n}": tuple(f"t{n}_{m}" for m in range(each)) for n in range(workers)}
    plans = [Plan(name=name, duration_s=run_s) for wanted in names.values() for name in wanted]
    options = Options(lease_s=60.0, assistants=0, slots=2, hostile_s=watched_s, workers=workers)
    simulation = Simulation(
        options,
        plans=plans,
        submissions=names,
        faults=(),
        stand_ins={SchedulerActor: Busy},
        keep=0,
        checkers=(),
    )
    simulation.checkers.clear()
    simulation.world.watchers.clear()
    simulation.network.watchers.clear()
    simulation.hub.after_step = None
    began = time.process_time()
    with simulation:
        simulation.advance(5.0)  # all register
        Busy.busy_s, Busy.calls, done = 0.0, 0, len(simulation.world.outputs)
        simulation.advance(watched_s)
        return {
            "busy": Busy.busy_s / watched_s,
            "calls": Busy.calls / watched_s,
            "done": (len(simulation.world.outputs) - done) / watched_s,
            "ideal": workers * options.slots / run_s,
            "cpu_s": time.process_time() - began,
        }


def share(workers: float, run_s: float, cost_us: dict[str, float]) -> float:
    """The share of one processor that a scheduler needs, by arithmetic."""
    handed_out = workers * 2 / run_s * (cost_us["get_work"] + cost_us["report"])
    return (workers * PINGS * cost_us["ping"] + handed_out) / 1e6


def plot(cost_us: dict[str, float], found: list[tuple[int, float, dict[str, float]]], path: Path) -> None:
    """Write the picture."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "actorsched"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    counts = [10 * 10 ** (step / 10) for step in range(31)]
    for run_s in RUNS_S:
        (line,) = axes.plot(
            counts, [100 * share(n, run_s, cost_us) for n in counts], label=f"runs of {run_s} s"
        )
        dots = [(workers, 100 * row["busy"]) for workers, each_s, row in found if each_s == run_s]
        if dots:
            axes.plot(*zip(*dots, strict=True), "o", color=line.get_color())
    axes.axhline(100, color="black", linewidth=1, linestyle="--")
    axes.set(xscale="log", yscale="log", xlabel="workers with two slots each", ylim=(0.01, 1000))
    axes.set_ylabel("% of one processor that the scheduler needs")
    axes.set_title("Lines: costs, added up. Dots: simulated systems.")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def suite(sizes: Sequence[int] = (10, 30, 100), path: Path = PLOT) -> None:
    logging.disable(logging.ERROR)
    cost_us = measured_us()
    show("processor time of a scheduler", ["", "µs"], cost_us.items())
    Busy.cost_us = cost_us
    found = []
    for run_s, slowed in ((1, 1), (1, 10), (1, 100), (10, 1), (10, 10), (10, 100)):
        for workers in sizes:
            if workers * slowed > 10_000:
                continue
            Busy.slowed = slowed
            row = simulate(workers, run_s)
            found.append((workers * slowed, run_s, row))
            print(f"{workers} workers, {slowed} times: {row['cpu_s']:.1f} s", flush=True)
    show(
        "simulated; tasks a second are those of the small system",
        ["workers that it stands for", "run, s", "busy, %", "tasks/s", "ideal", "of it, %"],
        [
            [
                f"{workers:,}", run_s, 100 * row["busy"], row["done"], row["ideal"],
                100 * row["done"] / row["ideal"],
            ]
            for workers, run_s, row in found
        ],
    )  # fmt: skip
    plot(cost_us, found, path)
    print(f"plot: {path}", flush=True)
