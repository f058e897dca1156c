"""A scheduler and its workers as real processes, to be killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from tests.integration.store import pipeline

#: patience for anything that a process should do, on a busy machine
PATIENCE_S = 90.0
COMMAND = [sys.executable, "-m", "actorsched"]


def environment(folder: Path) -> dict[str, str]:
    """With a place for bytecode: nobody compiles a program for each start."""
    ours = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    root = Path(pipeline.__file__).parents[3]
    return ours | {"PYTHONPATH": str(root), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


class Process:
    """A process of ours, and the lines that it printed."""

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [*COMMAND, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env=environment(folder),
            )
        self.started = time.monotonic()
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._lines.append("")
            self._news.notify_all()

    def wait_for(self, text: str) -> float:
        """Wait for a line with this text; the seconds since the start of the process."""
        with self._news:
            found = self._news.wait_for(
                lambda: any(text in line for line in self._lines) or "" in self._lines, PATIENCE_S
            )
            assert found, f"{self.name} did not say {text!r}\n{self.tail()}"
            assert any(text in line for line in self._lines), f"{self.name} ended\n{self.tail()}"
        return time.monotonic() - self.started

    def processor_times(self) -> tuple[float, float]:
        """Seconds that it had a processor, and that it waited for one (0 where the system does not tell)."""
        used = psutil.Process(self.popen.pid).cpu_times()
        waited_ns = 0
        for path in Path(f"/proc/{self.popen.pid}/task").glob("*/schedstat"):
            waited_ns += int(path.read_text().split()[1])
        return used.user + used.system, waited_ns / 1e9

    def tail(self) -> str:
        return "".join(self._lines) + self.log.read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        self.popen.kill()
        self.wait()

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        code = self.popen.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        return code


class Plant:
    """Two worker nodes, somebody who waits for the pipeline, and a scheduler or two.

    Args:
        folder: for everything; its name must be short, because sockets lie in it.
        store: of the scheduler.
        layers: of the pipeline.
    """

    def __init__(self, folder: Path, store: str, layers: int, n_schedulers: int = 1) -> None:
        self.folder = folder
        self.store = store
        self.layers = layers
        self.addresses = [f"ipc://{folder}/s{number}" for number in range(n_schedulers)]
        self.processes: list[Process] = []
        #: of each restart: seconds until the scheduler was ready and until a task started; and until it was
        #: ready, the processor time, and how long it waited for a processor, because others had them all
        self.back_after_s: list[float] = []
        self.at_work_after_s: list[float] = []
        self.start_cpu_s: list[float] = []
        self.start_queue_s: list[float] = []
        (folder / "out").mkdir(exist_ok=True)

    def start(self, name: str, *arguments: str) -> Process:
        process = Process(name, list(arguments), self.folder)
        self.processes.append(process)
        return process

    def start_scheduler(self, number: int = 0, *options: str) -> Process:
        return self.start(
            f"scheduler{number}", "node", "--role", "scheduler", "--bind", self.addresses[number],
            "--store", self.store, *options,
        )  # fmt: skip

    def start_workers(self, n: int = 2, slots: int = 3, *options: str) -> list[Process]:
        url = ",".join(self.addresses)
        return [
            self.start(
                f"worker{number}", "node", "--role", "worker", "--scheduler", url, "--slots", str(slots),
                "--wait-interval", "0.2", "--retry-wait-max", "0.3", *options,
            )
            for number in range(n)
        ]  # fmt: skip

    def start_run(self, work_s: float = 0.01, *options: str) -> Process:
        """Somebody who registers the pipeline and waits for its end."""
        return self.start(
            "run", "run", "tests.integration.store.pipeline", "All", "--folder", str(self.folder),
            "--layers", str(self.layers), "--work-s", str(work_s), "--workers", "0", "--patience", "0",
            "--scheduler", ",".join(self.addresses), "--wait-interval", "0.2", "--retry-wait-max", "0.3",
            *options,
        )  # fmt: skip

    @property
    def n_tasks(self) -> int:
        return self.layers * pipeline.WIDTH

    def marks(self) -> list[list[str]]:
        try:
            return [line.split() for line in (self.folder / "marks").read_text().splitlines()]
        except FileNotFoundError:
            return []

    def wait_for_marks(self, n: int, *others: Process) -> bool:
        """Wait until tasks have started or ended so often, or one of the processes has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if any(other.popen.poll() is not None for other in others):
                return False
            if len(self.marks()) >= n:
                return True
            time.sleep(0.005)
        raise AssertionError(f"only {len(self.marks())} marks of {n}\n{self.story()}")

    def wait_for_a_moment(self, rng: random.Random, step: int, run: Process) -> bool:
        """Wait for about so many marks more, and then a moment; false when the run has ended."""
        if not self.wait_for_marks(len(self.marks()) + rng.randint(1, 2 * step - 1), run):
            return False
        time.sleep(rng.random() * 0.02)  # anywhere within a message
        return True

    def kill_again_and_again(self, n_kills: int, seed: int, run: Process) -> int:
        """Kill the scheduler while the pipeline runs; how often that was possible."""
        rng = random.Random(seed)
        scheduler = self.processes[0]
        step = max(2, 2 * self.n_tasks // (n_kills + 2))
        for kills in range(n_kills):
            if not self.wait_for_a_moment(rng, step, run):
                return kills
            scheduler.kill()
            scheduler = self.start_scheduler()
            self._note_return(scheduler, run)
        return n_kills

    def _note_return(self, scheduler: Process, run: Process) -> None:
        self.back_after_s.append(scheduler.wait_for("scheduler ready"))
        used_s, waited_s = scheduler.processor_times()
        self.start_cpu_s.append(used_s)
        self.start_queue_s.append(waited_s)
        n = self._n_starts()
        deadline = time.monotonic() + PATIENCE_S
        while run.popen.poll() is None and time.monotonic() < deadline:
            if self._n_starts() > n:
                self.at_work_after_s.append(time.monotonic() - scheduler.started)
                return
            time.sleep(0.005)

    def _n_starts(self) -> int:
        return sum(mark[0] == "start" for mark in self.marks() if mark)

    def check(self) -> None:
        """Every task ran, once, and at no time by two."""
        running: dict[str, str] = {}
        starts: dict[str, int] = {}
        for what, task, pid in self.marks():
            if what == "start":
                assert task not in running, f"{task} is run by {running[task]} and by {pid} at once"
                running[task] = pid
                starts[task] = starts.get(task, 0) + 1
            else:
                assert running.pop(task) == pid
        assert not running
        assert len(starts) == self.n_tasks
        again = {task: n for task, n in starts.items() if n > 1}
        assert not again, f"ran more than once, so a report was lost: {again}"

    def story(self) -> str:
        return "\n".join(f"--- {process.name}\n{process.tail()}" for process in self.processes)

    def close(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.signal(signal.SIGCONT)
                process.kill()

    def __enter__(self) -> Plant:
        return self

    def __exit__(self, *details: Any) -> None:
        self.close()
