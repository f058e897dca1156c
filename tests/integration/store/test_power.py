"""The power goes: what was not synced is gone, and so is the process."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actorsched.facade.scheduler import Scheduler

#: registers and finishes tasks for ever, and says what was acknowledged
WRITER = """
import sys
from actorsched.facade.scheduler import Scheduler
scheduler = Scheduler(store=sys.argv[1])
for number in range(10**9):
    scheduler.add_task(task_id=f"T{number}", worker="w", family="F")
    run_id = scheduler.get_work(worker="w")["run_id"]
    scheduler.add_task(task_id=f"T{number}", worker="w", status="DONE", run_id=run_id)
    print(number, flush=True)
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        if os.environ.get("ACTORSCHED_TEST_NO_CC"):
            pytest.skip("ACTORSCHED_TEST_NO_CC is set")
        raise RuntimeError("this test needs a C compiler (cc); install one, or set ACTORSCHED_TEST_NO_CC=1")
    shared = tmp_path_factory.mktemp("shim") / "powerloss.so"
    source = Path(__file__).with_name("powerloss.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shared, source, "-ldl"], check=True)
    return shared


def lose_power(folder: Path, shim: Path, durability: str, after: int) -> int:
    """Let the writer run until it said so much, and take its power; what it said last."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, f"sqlite:///{folder}/state.db?durability={durability}"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LD_PRELOAD": str(shim), "POWERLOSS": str(folder / "state.db")},
    )
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) >= after:
            break
    writer.send_signal(signal.SIGKILL)
    last = int(([line, *writer.stdout.read().split("\n")[:-1]])[-1])
    writer.wait()
    writer.stdout.close()
    for path in (folder / "state.db", folder / "state.db-wal"):
        durable = path.with_name(path.name + ".durable")
        if durable.exists():
            shutil.move(durable, path)
        elif path.exists():
            path.unlink()
    return last


@pytest.mark.parametrize("seed", range(3))
def test_with_full_durability_a_loss_of_power_loses_nothing(tmp_path: Path, shim: Path, seed: int) -> None:
    """What was acknowledged was on the disk before."""
    last = lose_power(tmp_path, shim, "full", random.Random(seed).randint(5, 300))
    with Scheduler(store=f"sqlite:///{tmp_path}/state.db?durability=full") as scheduler:
        done = scheduler.task_list(status="DONE")
    assert [f"T{number}" for number in range(last + 1)] == [task for task in done if int(task[1:]) <= last]


def test_with_normal_durability_a_loss_of_power_loses_the_latest_only(tmp_path: Path, shim: Path) -> None:
    """What is left is the state at some commit: no task without those before it."""
    last = lose_power(tmp_path, shim, "normal", 3_000)
    if not (tmp_path / "state.db").exists() or not (tmp_path / "state.db").stat().st_size:
        return  # it was never synced at all
    with Scheduler(store=f"sqlite:///{tmp_path}/state.db") as scheduler:
        tasks = scheduler.task_list()
    assert [f"T{number}" for number in range(len(tasks))] == list(tasks)
    assert all(view["status"] == "DONE" for view in list(tasks.values())[:-1])
    assert len(tasks) <= last + 2
