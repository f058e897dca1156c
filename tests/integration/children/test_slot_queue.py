"""A slot that was given several runs at once."""

from __future__ import annotations

import math
import os
import queue
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import Task
from actorsched.actors.base import Actor
from actorsched.actors.child_link import ChildLink, ChildPrinted
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded, SlotReturned
from actorsched.actors.slot import SlotActor
from actorsched.children.launcher import make_launcher
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
        self.logs = RunLogs(folder / "logs", 1 << 20, 1000, echo=None)
        settings = WorkerSettings(kill_grace=0.3)
        self.slot = SlotActor.start(0, self.listener, self.launcher, settings, logs=self.logs)

    def run(self, line: str, start_by: float = math.inf, after: str = "", **params: Any) -> None:
        task = Append(**{"line": line, "file": self.file, **params})
        self.run_task(task, f"run-{line}", start_by=start_by, after=after)

    def run_task(self, task: Task, run_id: str, **more: Any) -> None:
        job = Job(run_id=run_id, task_id=task.task_id, packed=pack(task))
        self.slot.tell(RunJob(job=job, **more))

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


@pytest.fixture
def patient(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A slot with a warm child that returns nothing: what waits is run by this child or the next one."""
    bench.run("w")
    bench.hear(1)
    monkeypatch.setattr("actorsched.actors.slot.LINGER_S", LONG_S)
    return bench


def test_what_a_run_prints_is_in_its_own_log(patient: Bench, tmp_path: Path) -> None:
    """Also where the child goes from one run to the next by itself, and only some of them print."""
    lines = [f"line {number}" for number in range(200)]
    for number, line in enumerate(lines):
        patient.run_task(Say(line=line if number % 3 else ""), f"run-{number}")
    assert {status for _, status in patient.hear(len(lines))} == {"DONE"}
    for number, line in enumerate(lines):
        printed = [log.read_text() for log in (tmp_path / "logs").rglob(f"run-{number}.log")]
        assert printed == ([f"{line}\n"] if number % 3 else [])


def test_what_the_next_run_prints_at_the_wrong_moment_is_not_of_the_present_one(
    patient: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The slot looks for an end, finds none, and then for what was printed: in between, all may happen."""
    links: list[ChildLink] = []
    said = ChildLink.said

    def look_and_be_late(link: ChildLink) -> list[bytes]:
        frames = said(link)
        if not links:
            links.append(link)
            patient.open_gate()
            while not (tmp_path / "printed").exists():
                threading.Event().wait(0.001)
        return frames

    patient.run("a", gate=patient.gate)
    patient.run_task(Say(line="b", printed=str(tmp_path / "printed")), "run-b")
    slot: Any = patient.slot._actor_weakref()
    patient.slot.ask(CancelRun(run_id="run-x", cause="not one of ours"))  # now one runs, and one lies ready
    link = slot._child
    monkeypatch.setattr(ChildLink, "said", look_and_be_late)
    other = link._child.log_fds[
        (link._child.log_fds.index(link._child.log_fd) + 1) % len(link._child.log_fds)
    ]
    patient.slot.tell(ChildPrinted(link.life, other))
    assert patient.hear(2) == [("run-a", "DONE"), ("run-b", "DONE")]
    assert [log.name for log in (tmp_path / "logs").rglob("*.log")] == ["run-b.log"]


def test_a_child_that_may_be_tainted_takes_nothing_more(patient: Bench, tmp_path: Path) -> None:
    """What lay ready for it runs in the next one."""
    patient.run_task(Process(file=str(tmp_path / "first")), "run-0")
    patient.run_task(Leave(), "run-1")
    patient.run_task(Process(file=str(tmp_path / "last")), "run-2")
    assert [status for _, status in patient.hear(3)] == ["DONE"] * 3
    assert (tmp_path / "first").read_text() != (tmp_path / "last").read_text()


def test_what_lay_ready_for_a_child_that_dies_runs_in_the_next(patient: Bench) -> None:
    patient.run("a", gate=patient.gate, dies=True)
    patient.run("b")
    patient.open_gate()
    assert patient.hear(2) == [("run-a", "FAILED"), ("run-b", "DONE")]
    assert patient.lines() == "wb"


def test_what_lies_ready_can_be_cancelled(patient: Bench) -> None:
    """It was not begun, and the run before it does not notice."""
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.slot.tell(CancelRun(run_id="run-b", cause="cancelled"))
    patient.slot.ask(CancelRun(run_id="run-x", cause="not one of ours"))
    patient.open_gate()
    assert sorted(patient.hear(2)) == [("run-a", "DONE"), ("run-b", "FAILED")]
    assert patient.lines() == "wa"


def test_of_many_that_lie_ready_each_can_be_cancelled(patient: Bench) -> None:
    """The others keep their order."""
    patient.run("a", gate=patient.gate)
    for line in "bcdefghijkl":
        patient.run(line)
    patient.slot.tell(CancelRun(run_id="run-e", cause="cancelled"))
    patient.slot.ask(CancelRun(run_id="run-x", cause="not one of ours"))
    patient.open_gate()
    words = patient.hear(12)
    assert [run_id for run_id, status in words if status != "DONE"] == ["run-e"]
    assert patient.lines() == "wabcdfghijkl"


def test_what_the_child_did_while_its_slot_did_not_look_counts_when_it_stops(
    patient: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, looks = ChildLink.said, threading.Event()
    monkeypatch.setattr(ChildLink, "said", lambda link: said(link) if looks.is_set() else [])
    patient.run("a", gate=patient.gate)
    for line in "bcd":
        patient.run(line)
    patient.slot.ask(CancelRun(run_id="run-x", cause="not one of ours"))  # now they lie ready
    patient.open_gate()
    while patient.lines() != "wabcd":  # the child runs what lies ready
        threading.Event().wait(0.001)
    looks.set()
    patient.slot.stop(block=True)
    words = patient.hear(4)
    assert words[:3] == [("run-a", "DONE"), ("run-b", "DONE"), ("run-c", "DONE")]
    assert words[3][0] == "run-d"  # it may have been about to say so


def test_a_run_that_ends_by_force_leaves_what_lies_ready(patient: Bench) -> None:
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    assert patient.hear(2) == [("run-a", "FAILED"), ("run-b", "DONE")]
    assert patient.lines() == "wb"


def test_a_run_that_the_child_went_on_to_has_its_limit(patient: Bench) -> None:
    """It counts from when the run before it was over."""
    patient.run("a")
    patient.run_task(Sleep(), "run-s", timeout_s=0.2)
    assert patient.hear(2) == [("run-a", "DONE"), ("run-s", "FAILED")]


def test_a_child_that_stands_still_between_two_runs_is_ended(
    patient: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has taken what lay ready, and nothing will be heard of the run before."""
    monkeypatch.setattr("actorsched.children.shelf.Shelf.clear", lambda self: set())
    monkeypatch.setattr("actorsched.actors.slot.CROSSING_S", 0.1)
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    assert patient.hear(2) == [("run-a", "FAILED"), ("run-b", "DONE")]
    assert patient.lines() == "wb"


def test_what_is_to_follow_a_success_does(patient: Bench) -> None:
    """Also when another run has come between; the child itself knows it of the run before."""
    patient.run("a", gate=patient.gate)
    patient.run("b", after="run-a")
    patient.run("x")
    patient.run("c", after="run-b")
    patient.open_gate()
    assert [status for _, status in patient.hear(4)] == ["DONE"] * 4
    assert patient.lines() == "wabxc"


@pytest.mark.parametrize("how", ["fails", "dies", "cancelled"])
def test_what_was_to_follow_a_success_is_given_back_after_a_failure(patient: Bench, how: str) -> None:
    """And what was to follow that; the rest goes on, and the end of the one that failed comes first."""
    if how == "fails":
        patient.run("a", gate=patient.gate, file=f"{patient.file}/none")
    else:
        patient.run("a", gate=patient.gate, dies=how == "dies")
    patient.run("b", after="run-a")
    patient.run("c", after="run-b")
    patient.run("x")
    if how == "cancelled":
        patient.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    else:
        patient.open_gate()
    heard = patient.hear(4)
    assert heard[:3] == [("run-a", "FAILED"), ("run-b", "returned"), ("run-c", "returned")]
    assert heard[3] == ("run-x", "DONE")
    assert patient.lines() == "wx"
