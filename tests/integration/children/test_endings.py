"""Every ending is an ending: whatever a task does to its process, its run ends with the true cause."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import Task
from actorsched.actors.base import Actor
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded
from actorsched.actors.slot import SlotActor
from actorsched.children.launcher import Launcher, make_launcher
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks.travel import pack


class Listener(Actor):
    """Stands where the worker would: keeps what the slot says."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: queue.Queue[Any] = queue.Queue()

    def handle(self, message: object) -> None:
        self.heard.put(message)


class Bench:
    """One slot with a real child."""

    def __init__(self, launcher: Launcher, **options: Any) -> None:
        self.listener = Listener.start()
        self.heard: queue.Queue[Any] = self.listener.proxy().heard.get()
        self.settings = WorkerSettings(kill_grace=options.pop("kill_grace", 0.3), **options)
        self.slot = SlotActor.start(0, self.listener, launcher, self.settings)
        self.runs = 0

    def run(self, task: Task, timeout_s: float = 0.0) -> str:
        self.runs += 1
        job = Job(run_id=f"run-{self.runs}", task_id=task.task_id, packed=pack(task))
        self.slot.tell(RunJob(job=job, timeout_s=timeout_s))
        return job.run_id

    def end(self) -> SlotEnded:
        while True:
            message = self.heard.get(timeout=30)
            if isinstance(message, SlotEnded):
                return message

    def close(self) -> None:
        self.slot.stop()
        self.listener.stop()


@pytest.fixture(params=["forkserver", "spawn"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    launcher = make_launcher(request.param)
    bench = Bench(launcher)
    yield bench
    bench.close()
    launcher.close()


class Does(Task):
    """A task that does one thing and has no output."""

    what: str
    where: str = ""

    def run(self) -> None:
        getattr(self, f"do_{self.what}")()

    def do_return(self) -> None: ...

    def do_raise(self) -> None:
        raise ValueError("bad luck")

    def do_raise_unpicklable(self) -> None:
        class OddError(Exception):
            def __init__(self) -> None:
                super().__init__("odd")
                self.lock = threading.Lock()

        raise OddError

    def do_sys_exit(self) -> None:
        sys.exit(3)

    def do_os_exit(self) -> None:
        os._exit(0)

    def do_kill_itself(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def do_segfault(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def do_sleep(self) -> None:
        time.sleep(600)

    def do_ignore_sigterm(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)

    def do_stop_itself(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def do_close_stdout(self) -> None:
        os.close(1)
        sys.stdout.close()

    def do_change_folder(self) -> None:
        os.chdir("/")

    def do_change_environment(self) -> None:
        os.environ["ACTORSCHED_TEST_TRACE"] = "1"

    def do_leave_a_thread(self) -> None:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()

    def do_write_much(self) -> None:
        raise RuntimeError("x" * 20_000_000)

    def do_start_a_grandchild(self) -> None:
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(self.where).write_text(str(process.pid))
        time.sleep(600)

    def do_tell_its_pid(self) -> None:
        Path(self.where).write_text(str(os.getpid()))


def is_alive(pid: int) -> bool:
    """Whether a process exists and is more than the entry of a dead one."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


ENDINGS = {
    "return": ("DONE", ""),
    "raise": ("FAILED", "bad luck"),
    "raise_unpicklable": ("FAILED", "odd"),
    "sys_exit": ("FAILED", "sys.exit(3)"),
    "os_exit": ("FAILED", "exited with code 0"),
    "kill_itself": ("FAILED", "SIGKILL"),
    "segfault": ("FAILED", "SIGSEGV"),
    "close_stdout": ("DONE", ""),
    "change_folder": ("DONE", ""),
    "change_environment": ("DONE", ""),
    "leave_a_thread": ("DONE", ""),
    "write_much": ("FAILED", "xxx"),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_a_run_ends_with_its_true_cause_and_the_slot_goes_on(what: str, bench: Bench) -> None:
    status, cause = ENDINGS[what]
    bench.run(Does(what))
    outcome = bench.end().outcome
    assert (outcome.status, cause in outcome.cause) == (status, True), outcome.cause[:200]
    bench.run(Does("return"))
    assert bench.end().outcome.status == "DONE"


@pytest.mark.parametrize("what", ["sleep", "ignore_sigterm", "stop_itself"])
def test_a_run_that_takes_too_long_is_ended_whatever_it_does_about_it(what: str, bench: Bench) -> None:
    bench.run(Does(what), timeout_s=0.2)
    outcome = bench.end().outcome
    assert outcome.status == "FAILED"
    assert "timed out after 0.2 s" in outcome.cause
    bench.run(Does("return"))
    assert bench.end().outcome.status == "DONE"


def test_a_cancelled_run_fails_with_the_cause_that_was_given(bench: Bench) -> None:
    run_id = bench.run(Does("sleep"))
    bench.slot.tell(CancelRun(run_id=run_id, cause="nobody wants it"))
    assert bench.end().outcome.cause == "nobody wants it"


def test_what_a_task_started_ends_with_it(bench: Bench, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    run_id = bench.run(Does("start_a_grandchild", str(note)))
    while not (note.exists() and note.read_text()):
        threading.Event().wait(0.01)
    grandchild = int(note.read_text())
    assert is_alive(grandchild)
    bench.slot.tell(CancelRun(run_id=run_id, cause="enough"))
    assert bench.end().outcome.cause == "enough"
    wait_until_gone(grandchild)


def test_a_clean_child_is_used_again_and_a_tainted_one_is_not(bench: Bench, tmp_path: Path) -> None:
    pids = []
    for number, what in enumerate(["tell_its_pid", "tell_its_pid", "change_folder", "tell_its_pid"]):
        note = tmp_path / str(number)
        bench.run(Does(what, str(note)))
        assert bench.end().outcome.status == "DONE"
        if note.exists():
            pids.append(int(note.read_text()))
    assert pids[0] == pids[1]
    assert pids[1] != pids[2]


def test_nothing_is_left_when_slot_and_launcher_are_closed(tmp_path: Path) -> None:
    launcher = make_launcher("forkserver")
    bench = Bench(launcher)
    note = tmp_path / "pid"
    bench.run(Does("tell_its_pid", str(note)))
    bench.end()
    child = int(note.read_text())
    bench.close()
    launcher.close()
    wait_until_gone(child)


def wait_until_gone(pid: int) -> None:
    """Bounded: the test runner's own limit ends it otherwise."""
    while is_alive(pid):
        threading.Event().wait(0.01)
