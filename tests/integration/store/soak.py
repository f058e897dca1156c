"""python -m tests.integration.store.soak [--kills N] [--tasks N] [--store sqlite|full|postgresql] [--seed N]

A longer run of the crash tests, never part of CI: pipelines of `--tasks` tasks, one after the other, until
the scheduler was killed `--kills` times. Ends with an error at the first thing that was lost.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.integration.store import pipeline
from tests.integration.store.plant import Plant
from tests.servers.postgres import PostgresServer

#: what `Plant.check` and the exit codes have shown by then
VERDICT = (
    "every task complete, none run by two workers at once, no acknowledged report lost, all exit codes 0"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--per-pipeline", type=int, default=40)
    parser.add_argument("--store", choices=["sqlite", "full", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    server = PostgresServer() if options.store == "postgresql" else None
    done, seed, started = 0, options.seed, time.monotonic()
    names = ("ready", "at work", "processor time of a start", "wait for a processor in a start")
    times: dict[str, list[float]] = {name: [] for name in names}
    try:
        while done < options.kills:
            folder = Path(tempfile.mkdtemp(prefix="as-"))
            store = server.new_database() if server else f"sqlite:///{folder}/state.db"
            if options.store == "full":
                store += "?durability=full"
            with Plant(folder, store, layers=options.tasks // pipeline.WIDTH) as plant:
                plant.start_scheduler().wait_for("scheduler ready")
                workers = plant.start_workers()
                run = plant.start_run()
                wanted = min(options.per_pipeline, options.kills - done)
                done += plant.kill_again_and_again(wanted, seed, run)
                codes = [run.wait(), *[worker.end() for worker in workers]]
                assert codes == [0, 0, 0], f"seed {seed}: exit codes {codes}\n{plant.story()}"
                plant.check()
                of_plant = (
                    plant.back_after_s, plant.at_work_after_s, plant.start_cpu_s, plant.start_queue_s
                )  # fmt: skip
                for name, found in zip(names, of_plant, strict=True):
                    times[name] += found
                print(f"seed {seed}: {plant.n_tasks} tasks, {done} kills so far; {VERDICT}", flush=True)
            for name, found in times.items():
                print(
                    f"    {name}: {median(found):.2f} s (median), {max(found):.2f} s (most) of {len(found)}",
                    flush=True,
                )
            print(f"    load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
            shutil.rmtree(folder, ignore_errors=True)
            seed += 1
    finally:
        if server:
            server.close()
    print(f"{done} kills in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
