"""A slot that was given several runs at once."""

from __future__ import annotations

import math
import os
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import Task
from actorsched.actors.base import Actor
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded, SlotReturned
from actorsched.actors.slot import SlotActor
from actorsched.children.launcher import make_launcher
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


class Listener(Actor):
    def __init__(self, heard: queue.Queue[Any]) -> None:
        super().__init__()
        self.heard = heard

    def handle(self, message: object) -> None:
        self.heard.put(message)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.file, self.gate = str(folder / "lines"), str(folder / "gate")
        os.mkfifo(self.gate)
        self.gate_fd = os.open(self.gate, os.O_RDWR)  # so that opening it waits for nobody
        self.heard: queue.Queue[Any] = queue.Queue()
        self.listener = Listener.start(self.heard)
        self.launcher = make_launcher("forkserver")
        self.slot = SlotActor.start(0, self.listener, self.launcher, WorkerSettings(kill_grace=0.3))

    def run(self, line: str, start_by: float = math.inf, **params: Any) -> None:
        task = Append(line=line, file=self.file, **params)
        job = Job(run_id=f"run-{line}", task_id=task.task_id, packed=pack(task))
        self.slot.tell(RunJob(job=job, start_by=start_by))

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


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_runs_go_in_their_order(bench: Bench) -> None:
    """What a slot does not get to it may return, and what ran, ran once."""
    for line in "abcdef":
        bench.run(line)
    words = bench.hear(6)
    done = [run_id for run_id, status in words if status == "DONE"]
    assert sorted(run_id for run_id, _ in words) == [f"run-{line}" for line in "abcdef"]
    assert bench.lines() == "".join(run_id[-1] for run_id in done)
    assert done == sorted(done)


def test_what_waits_behind_a_long_run_is_returned(bench: Bench) -> None:
    """Others have a free slot for it, and the long run goes on."""
    bench.run("a", gate=bench.gate)
    bench.run("b")
    bench.run("c")
    assert bench.hear(2) == [("run-b", "returned"), ("run-c", "returned")]
    bench.open_gate()
    assert bench.hear(1) == [("run-a", "DONE")]
    assert bench.lines() == "a"


def test_an_end_is_not_kept_behind_a_long_run(bench: Bench) -> None:
    """Somebody may wait for what has just been done."""
    bench.run("a")
    bench.run("b", gate=bench.gate)
    bench.run("c")
    bench.run("d")
    words = bench.hear(3)  # on a slow machine "a" itself is the long one
    assert ("run-a", "DONE") in words or ("run-b", "returned") in words
    bench.open_gate()
    words += bench.hear(1)
    assert sorted(run_id for run_id, _ in words) == ["run-a", "run-b", "run-c", "run-d"]


def test_a_run_whose_time_has_passed_is_returned(bench: Bench) -> None:
    """Its lease may have run out, and somebody else may have the task."""
    bench.run("a", start_by=-1.0)
    assert bench.hear(1) == [("run-a", "returned")]
    assert not os.path.exists(bench.file)


def test_a_waiting_run_that_is_cancelled_never_begins(bench: Bench) -> None:
    """And the run before it does not notice."""
    bench.run("a", gate=bench.gate)
    bench.run("b")
    bench.slot.tell(CancelRun(run_id="run-b", cause="cancelled"))
    [word] = bench.hear(1)
    assert word in (("run-b", "FAILED"), ("run-b", "returned"))
    bench.open_gate()
    assert bench.hear(1) == [("run-a", "DONE")]
    assert bench.lines() == "a"


def test_a_child_that_dies_takes_only_its_own_run_with_it(bench: Bench) -> None:
    """What waits runs in the next child, or is returned."""
    bench.run("a", dies=True)
    bench.run("b")
    words = bench.hear(2)
    assert words[0] == ("run-a", "FAILED") or words[0] == ("run-b", "returned")
    assert sorted(run_id for run_id, _ in words) == ["run-a", "run-b"]


def test_a_slot_that_stops_speaks_of_every_run(bench: Bench) -> None:
    """A worker counts on one word for each."""
    bench.run("a", gate=bench.gate)
    bench.run("b")
    bench.slot.stop(block=True)
    assert sorted(bench.hear(2)) == [("run-a", "FAILED"), ("run-b", "returned")]
