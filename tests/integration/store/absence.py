"""python -m tests.integration.store.absence [--minutes N]

A scheduler that is killed and stays away for ten minutes, as real processes; never part of CI. A worker with
two runs: one of them ends while the scheduler is away, the other one runs on over all of it. It must live,
the report of the run that ended must arrive, nothing may run twice, and the log has one line for the loss
and one for the return.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.integration.store.plant import COMMAND, PATIENCE_S, Plant, Process, environment

MODULE = "tests.integration.store.gated"
LOST = "lost contact with the scheduler"
BACK = "contact with the scheduler is back"


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Absence:
    """The processes, and what is asked of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plant = Plant(folder, f"sqlite:///{folder}/state.db", layers=0)
        (folder / "gates").mkdir()

    def ask(self, *arguments: str) -> Any:
        done = subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, cwd=self.folder,
            env=environment(self.folder), timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def submit(self) -> None:
        url = self.plant.addresses[0]
        self.ask("submit", MODULE, "AllGated", "--folder", str(self.folder), "--scheduler", url)

    def history(self) -> dict[str, list[str]]:
        """Task → how its runs ended."""
        found: dict[str, list[str]] = {}
        if not (self.folder / "state-history.db").exists():  # made for the first run that has ended
            return found
        for run in self.ask("history", "--json", "--store", self.plant.store)["runs"]:
            name = str(run["params"].get("name", "all"))
            found.setdefault(name, []).append(str(run["outcome"]))
        return found

    def until(self, what: str, true: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"not within {PATIENCE_S:g} s: {what}\n{self.plant.story()}"
            time.sleep(0.05)
        say(what)

    def open(self, gate: str) -> None:
        (self.folder / "gates" / gate).touch()

    def marked(self, *mark: str) -> bool:
        return any(line[:2] == list(mark) for line in self.plant.marks())


def lines_with(process: Process, text: str) -> list[str]:
    return [line for line in process.log.read_text(errors="replace").splitlines() if text in line]


def be_absent(seconds: float, worker: Process, absence: Absence) -> None:
    """Wait; one run ends after a fifth of it."""
    used_before = psutil.Process(worker.popen.pid).cpu_times()
    gone = time.monotonic()
    opened = False
    while (passed := time.monotonic() - gone) < seconds:
        assert worker.popen.poll() is None, f"the worker has ended\n{worker.tail()}"
        if not opened and passed > seconds / 5:
            absence.open("during")
            absence.until("one run ends while it is away", lambda: absence.marked("end", "during"))
            opened = True
        time.sleep(min(1.0, seconds / 20))
    used = psutil.Process(worker.popen.pid).cpu_times()
    spent_s = used.user + used.system - used_before.user - used_before.system
    say(f"away for {seconds / 60:g} min; waiting for it cost the worker {spent_s:.2f} s of processor time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="as-"))
    absence = Absence(folder)
    with absence.plant as plant:
        scheduler = plant.start_scheduler()
        scheduler.wait_for("scheduler ready")
        # all as it comes: the settings of a worker node are what is tried here
        worker = plant.start(
            "worker", "node", "--role", "worker", "--scheduler", plant.addresses[0], "--slots", "2"
        )
        absence.submit()
        absence.until(
            "two runs are under way",
            lambda: absence.marked("start", "during") and absence.marked("start", "through"),
        )
        scheduler.kill()
        say("the scheduler is killed")
        be_absent(options.minutes * 60, worker, absence)
        began = time.monotonic()
        plant.start_scheduler().wait_for("scheduler ready")
        say("the scheduler is there again")
        absence.until("the report of the run that ended has arrived", lambda: absence.history().get("during"))
        absence.until("what waits for it has started", lambda: absence.marked("start", "next"))
        say(f"{time.monotonic() - began:.1f} s after the start of the scheduler")
        absence.open("through")
        absence.open("next")
        absence.until("everything is done", lambda: absence.history().get("all"))
        for line in [*lines_with(worker, LOST), *lines_with(worker, BACK)]:
            say(f"in the log of the worker: {line}")
        check(absence, worker)
        say("each task ran once and was done, the worker lived; two lines in its log")
    shutil.rmtree(folder)


def check(absence: Absence, worker: Process) -> None:
    starts = [line[1] for line in absence.plant.marks() if line[0] == "start"]
    assert sorted(starts) == ["during", "next", "through"], starts
    history = absence.history()
    assert history == {name: ["DONE"] for name in ("during", "through", "next", "all")}, history
    assert worker.popen.poll() is None
    assert len(lines_with(worker, LOST)) == 1, worker.tail()
    assert len(lines_with(worker, BACK)) == 1, worker.tail()
    assert worker.end() == 0, worker.tail()


if __name__ == "__main__":
    sys.exit(main())
