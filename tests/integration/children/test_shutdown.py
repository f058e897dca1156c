"""Signals to the worker's process: what runs ends well or at once, leases go back, nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actorsched import Scheduler, serve
from tests.integration.children.deeds import is_alive

#: seconds; no test is to reach it
LONG = "60"


class Program:
    """The worker's program, and the scheduler that it works for, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scheduler = Scheduler()
        self.server = serve(self.scheduler, bind="tcp://127.0.0.1:0")
        self.process: subprocess.Popen[str] | None = None

    def start(self, method: str = "forkserver", drain_s: str = LONG, how: str = "", shell: str = "") -> None:
        command = [sys.executable, "-m", "tests.integration.children.worker_program"]
        if shell:
            command = ["sh", "-c", f'{shell}; exec "$@"', "sh", *command]
        self.process = subprocess.Popen(
            [*command, self.server.address, str(self.folder), method, drain_s, *([how] if how else [])],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.until(lambda: len(self.started()) == 4)

    def started(self) -> list[int]:
        """The processes of the tasks that have begun."""
        return [int(pid) for note in self.folder.glob("started-?") for pid in note.read_text().split()]

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def hears(self, line: str) -> None:
        """Wait until the program has printed this line next."""
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == line

    def finish(self) -> None:
        """Let the tasks end."""
        (self.folder / "finish").touch()

    def end(self) -> tuple[int, str]:
        assert self.process is not None
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out.strip()

    def statuses(self) -> list[str]:
        return sorted(view["status"] for view in self.scheduler.task_list().values())

    def until(self, condition: Callable[[], bool]) -> None:
        """Bounded by the test runner's limit."""
        while not condition():
            threading.Event().wait(0.01)

    def nothing_is_left(self) -> None:
        self.until(lambda: not any(map(is_alive, self.started())))

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.server.stop()
        self.scheduler.close()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_may_end_and_nothing_else_begins(number: signal.Signals, program: Program) -> None:
    program.start()
    program.signal(number)
    program.hears("stopping")
    program.finish()
    # as after any such signal; Python itself turns a KeyboardInterrupt into SIGINT
    assert program.end()[0] == -number
    assert program.statuses() == ["DONE", "DONE", "PENDING"]
    program.nothing_is_left()


def test_a_worker_in_the_background_is_stopped_like_any_other(program: Program) -> None:
    """A script that starts it with `&` has it ignore SIGINT, which stays so, and nothing else."""
    program.start(shell="trap '' INT")
    program.signal(signal.SIGINT)
    program.signal(signal.SIGTERM)
    program.hears("stopping")
    program.finish()
    assert program.end()[0] == -signal.SIGTERM
    assert program.statuses() == ["DONE", "DONE", "PENDING"]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_at_the_deadline_runs_are_ended_and_given_back_at_once(method: str, program: Program) -> None:
    """The lease of the scheduler is a minute: who waits for it waits too long."""
    program.start(method, drain_s="0.1")
    program.signal(signal.SIGTERM)
    assert program.end()[0] == -signal.SIGTERM
    assert program.statuses() == ["PENDING"] * 3
    program.nothing_is_left()
    assert program.scheduler.worker_list() == [], "it has said goodbye"
    assert program.scheduler.get_work(worker="v", assistant=True)["task_id"] is not None


@pytest.mark.parametrize("how", ["", "thread"])
def test_a_second_signal_ends_it_now(how: str, program: Program) -> None:
    """Also where the worker runs off the main thread."""
    program.start(drain_s=LONG, how=how)
    program.signal(signal.SIGTERM)
    program.hears("stopping")
    program.signal(signal.SIGTERM)
    code, text = program.end()
    assert (code, text) == (0, "stopping\nthread 15") if how else code == -signal.SIGTERM, (code, text)
    assert program.statuses() == ["PENDING"] * 3
    program.nothing_is_left()


@pytest.mark.parametrize("how", ["", "thread"])
def test_sigusr1_takes_no_more_work_and_hurries_nobody(how: str, program: Program) -> None:
    program.start(drain_s="0", how=how)
    program.signal(signal.SIGUSR1)
    program.hears("phasing out")
    program.finish()
    assert program.end() == (0, f"thread {None}" if how else "run False")
    assert program.statuses() == ["DONE", "DONE", "PENDING"]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_the_death_of_the_worker_is_the_death_of_its_children(method: str, program: Program) -> None:
    program.start(method)
    program.signal(signal.SIGKILL)
    assert program.end()[0] == -signal.SIGKILL
    program.nothing_is_left()


def test_it_works_off_the_main_thread(program: Program) -> None:
    program.start(drain_s="0.1", how="thread")
    program.signal(signal.SIGTERM)
    assert program.end() == (0, "stopping\nthread 15")
    assert program.statuses() == ["PENDING"] * 3
    program.nothing_is_left()


def test_it_works_without_sigusr1(program: Program) -> None:
    program.start(drain_s="0.1", how="without-usr1")
    program.signal(signal.SIGTERM)
    assert program.end()[0] == -signal.SIGTERM
    assert program.statuses() == ["PENDING"] * 3
