"""A slot with a real child, for tests that give it runs as a worker would."""

from __future__ import annotations

import ctypes
import math
import os
import queue
import resource
import signal
import threading
from pathlib import Path
from typing import Any, ClassVar

from actorsched import Task
from actorsched.actors.base import Actor
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded, SlotReturned
from actorsched.actors.slot import SlotActor
from actorsched.children.launcher import Launcher, make_launcher
from actorsched.children.runlog import RunLogs
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks.travel import pack

#: nothing that these tests wait for takes a tenth of it
LONG_S = 30.0


class Append(Task):
    """Writes a line, after a line was put into a pipe if it is told of one; or dies."""

    line: str
    file: str
    gate: str = ""
    dies: bool = False

    def run(self) -> None:
        if self.gate:
            with open(self.gate) as gate:
                gate.readline()
        if self.dies:
            os._exit(1)
        with open(self.file, "a") as file:
            file.write(self.line)


class Say(Task):
    """Prints its line, if it has one, past Python's own buffers."""

    line: str
    printed: str = ""

    def run(self) -> None:
        if self.line:
            os.write(1, f"{self.line}\n".encode())
        if self.printed:
            Path(self.printed).touch()


class Hear(Task):
    """Writes what is sent to it, after a line was put into a pipe if it is told of one."""

    file: str
    gate: str = ""
    accepts_messages = True

    def run(self) -> None:
        if self.gate:
            with open(self.gate) as gate:
                gate.readline()
        Path(self.file).write_text(self.scheduler_messages.get().content)


class Copy(Task):
    """Writes its number often, to the standard output that the first of these tasks had."""

    n: int
    copies: ClassVar[list[int]] = []

    def run(self) -> None:
        if not self.copies:
            self.copies.append(os.dup(1))
        os.write(self.copies[0], str(self.n).encode() * 50_000 + b"\n")


class SayInC(Task):
    """Prints a line the way that a library in C does it."""

    line: str

    def run(self) -> None:
        ctypes.CDLL(None).printf(b"%s\n", self.line.encode())


class Leave(Task):
    """Leaves a thread behind."""

    def run(self) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class Sleep(Task):
    """Never returns."""

    def run(self) -> None:
        while True:
            signal.pause()


class Process(Task):
    """Tells in a file which process ran it."""

    file: str

    def run(self) -> None:
        Path(self.file).write_text(str(os.getpid()))


class Limit(Task):
    """Tells in a file how many files it may open."""

    file: str

    def run(self) -> None:
        Path(self.file).write_text(str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


class Listener(Actor):
    def __init__(self, heard: queue.Queue[Any]) -> None:
        super().__init__()
        self.heard = heard

    def handle(self, message: object) -> None:
        self.heard.put(message)


class Bench:
    """One slot, and everybody that it speaks with; the tasks of this module are for it.

    Args:
        folder: for the lines that tasks write, and for the logs.
        launcher: None for one of its own.
    """

    def __init__(self, folder: Path, launcher: Launcher | None = None) -> None:
        self.folder = folder
        self.file, self.gate = str(folder / "lines"), str(folder / "gate")
        os.mkfifo(self.gate)
        self.gate_fd = os.open(self.gate, os.O_RDWR)  # so that opening it waits for nobody
        self.heard: queue.Queue[Any] = queue.Queue()
        self.listener = Listener.start(self.heard)
        self.launcher = launcher or make_launcher()
        self.logs = RunLogs(folder / "logs", 1 << 20, 1000, echo=None)
        settings = WorkerSettings(kill_grace=0.3)
        self.slot = SlotActor.start(0, self.listener, self.launcher, settings, logs=self.logs)

    def run(self, line: str, start_by: float = math.inf, after: str = "", **params: Any) -> None:
        task = Append(**{"line": line, "file": self.file, **params})
        self.run_task(task, f"run-{line}", start_by=start_by, after=after)

    def run_task(self, task: Task, run_id: str, **more: Any) -> None:
        job = Job(run_id=run_id, task_id=task.task_id, packed=pack(task))
        self.slot.tell(RunJob(job=job, **more))

    def look(self) -> None:
        """Return when the slot has done all that it was told to."""
        self.slot.ask(CancelRun(run_id="run-x", cause="not one of ours"))

    @property
    def inside(self) -> Any:
        """The actor itself."""
        return self.slot._actor_weakref()

    def log_of(self, run_id: str) -> str:
        """What is in the log of a run; "" where there is none."""
        return "".join(log.read_text() for log in (self.folder / "logs").rglob(f"{run_id}.log"))

    def open_gate(self) -> None:
        os.write(self.gate_fd, b"go\n")

    def hear(self, n: int) -> list[tuple[str, str]]:
        """The next so many words of the slot: run id, and status or "returned"."""
        words = []
        for _ in range(n):
            message = self.heard.get(timeout=LONG_S)
            match message:
                case SlotEnded(run_id=run_id, outcome=outcome):
                    words.append((run_id, outcome.status))
                case SlotReturned(run_id=run_id):
                    words.append((run_id, "returned"))
        return words

    def lines(self) -> str:
        return Path(self.file).read_text()

    def close(self) -> None:
        self.slot.stop()
        self.listener.stop()
        self.launcher.close()
        os.close(self.gate_fd)
