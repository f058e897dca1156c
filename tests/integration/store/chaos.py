"""python -m tests.integration.store.chaos [--kills N] [--victims child worker scheduler] [--seed N] …

Kills whatever there is, again and again, while a pipeline of very short tasks runs, so that many runs lie
ready in slots and children; never part of CI. Ends with an error when something was lost, or run by two
at once.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import psutil

from tests.integration.store import pipeline
from tests.integration.store.plant import Plant, Process

#: each with the word for several
VICTIMS = {"child": "children", "worker": "workers", "scheduler": "schedulers"}
#: what `check` and the exit codes have shown by then
VERDICT = "every task complete, none run by two at once, all exit codes 0"


class Chaos:
    """Kills in a plant."""

    def __init__(self, plant: Plant, rng: random.Random, work_s: float) -> None:
        self.plant = plant
        self.kills = dict.fromkeys(VICTIMS, 0)
        self._rng = rng
        self._scheduler = self._start_scheduler()
        self._workers = plant.start_workers()
        self.run = plant.start_run(work_s, "--keep-alive")  # what is killed is tried again

    def kill(self, victim: str) -> None:
        if victim == "child":
            self._kill_child()
        elif victim == "worker":
            worker = self._workers.pop(self._rng.randrange(len(self._workers)))
            worker.kill()
            self._workers += self.plant.start_workers(1)
        else:
            self._scheduler.kill()
            self._scheduler = self._start_scheduler()
        self.kills[victim] += 1

    def end(self) -> list[int]:
        """Wait for the end of the pipeline; the exit codes of whoever waited for it and of the workers."""
        return [self.run.wait(), *[worker.end() for worker in self._workers]]

    def _kill_child(self) -> None:
        """A child, or the process that starts them."""
        worker = self._rng.choice(self._workers)
        below = psutil.Process(worker.popen.pid).children(recursive=True)
        if below:
            self._rng.choice(below).kill()

    def _start_scheduler(self) -> Process:
        options = ("--retry-delay", "0.05", "--worker-disconnect-delay", "3")
        scheduler = self.plant.start_scheduler(0, *options)
        scheduler.wait_for("scheduler ready")
        return scheduler


def check(plant: Plant) -> int:
    """Every task ended, and no run went on while another one had begun; how many ended more than once."""
    running: dict[str, dict[str, bool]] = {}  # by task and process: whether another has begun since
    ends: dict[str, int] = {}
    for what, task, pid in plant.marks():
        those = running.setdefault(task, {})
        if what == "start":
            those.update(dict.fromkeys(those, True))
            those[pid] = False
        else:
            assert not those.pop(pid), f"{task} was run by {pid} when another run of it had begun"
            ends[task] = ends.get(task, 0) + 1
    assert len(ends) == plant.n_tasks, f"{len(ends)} of {plant.n_tasks} tasks have ended"
    return sum(n > 1 for n in ends.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=6000)
    parser.add_argument("--per-pipeline", type=int, default=20)
    parser.add_argument("--work-s", type=float, default=0.0)
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=list(VICTIMS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    done, seed = 0, options.seed
    while done < options.kills:
        folder = Path(tempfile.mkdtemp(prefix="as-"))
        rng = random.Random(seed)
        store = f"sqlite:///{folder}/state.db"
        with Plant(folder, store, layers=options.tasks // pipeline.WIDTH) as plant:
            chaos = Chaos(plant, rng, options.work_s)
            step = max(2, 2 * plant.n_tasks // (options.per_pipeline + 2))
            killed = 0
            while killed < options.per_pipeline:
                if not plant.wait_for_a_moment(rng, step, chaos.run):
                    break
                chaos.kill(rng.choice(options.victims))
                killed += 1
            codes = chaos.end()
            assert not any(codes), f"seed {seed}: exit codes {codes}\n{plant.story()}"
            again = check(plant)
            done += killed
            shown = ", ".join(f"{n} {VICTIMS[victim]}" for victim, n in chaos.kills.items() if n)
            print(f"seed {seed}: {plant.n_tasks} tasks, killed {shown or 'nobody'}; {VERDICT};", flush=True)
            print(f"    {again} done again, whose process died before it could tell", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
