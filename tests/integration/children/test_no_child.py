"""There is no room for another child process, for a while or for ever."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched.actors.messages import CancelRun, SlotEnded, TaskMessage
from actorsched.actors.slot import NO_CHILD_TRIES
from actorsched.children import descriptors, fork_server
from actorsched.children.launcher import STATUS, Child, Launcher, make_launcher
from actorsched.errors import ChildLostError
from tests.integration.children.deeds import pid_in, wait_until_gone
from tests.integration.children.slot_bench import LONG_S, Bench, Hear, Limit, Process


class Reluctant:
    """Starts no child for so many times."""

    def __init__(self) -> None:
        self.launcher = make_launcher("forkserver")
        self.failures = 0
        self.asked = 0

    def launch(self) -> Child:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise ChildLostError("no room")
        return self.launcher.launch()

    def close(self) -> None:
        self.launcher.close()


@pytest.fixture
def reluctant() -> Reluctant:
    return Reluctant()


@pytest.fixture
def begin(
    reluctant: Reluctant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int, float], Bench]]:
    """Starts a slot that can have no child for so many times, and waits so long for the next one."""
    benches: list[Bench] = []

    def begin(failures: int, pause_s: float) -> Bench:
        monkeypatch.setattr("actorsched.actors.slot.NO_CHILD_PAUSE_S", pause_s)
        reluctant.failures = failures
        benches.append(Bench(tmp_path, reluctant))
        return benches[0]

    yield begin
    benches[0].close()


def test_a_run_waits_for_a_child(begin: Callable[[int, float], Bench]) -> None:
    """A slot that failed it at once would be free for the next task, and fail all that there are."""
    bench = begin(4, 0.01)
    bench.run("a")
    assert bench.hear(1) == [("run-a", "DONE")]


def test_without_a_child_it_fails_at_last(begin: Callable[[int, float], Bench], reluctant: Reluctant) -> None:
    bench = begin(1000, 0.0)
    bench.run("a")
    ended = bench.heard.get(timeout=LONG_S)
    assert isinstance(ended, SlotEnded)
    assert ended.outcome.cause == "no child process could be had: no room"
    assert reluctant.asked == 2 + NO_CHILD_TRIES  # when the slot began, and for the run
    reluctant.failures = 2  # the next one waits, too
    bench.run("b")
    assert bench.hear(1) == [("run-b", "DONE")]


def test_while_it_waits_it_can_be_cancelled(
    begin: Callable[[int, float], Bench], reluctant: Reluctant
) -> None:
    bench = begin(1000, 2 * LONG_S)
    bench.run("a")
    bench.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    assert bench.hear(1) == [("run-a", "FAILED")]
    reluctant.failures = 0
    bench.run("b")
    assert bench.hear(1) == [("run-b", "DONE")]
    assert bench.lines() == "b"


def test_what_is_sent_to_it_meanwhile_waits_with_it(begin: Callable[[int, float], Bench]) -> None:
    bench = begin(4, 0.2)
    bench.run_task(Hear(file=bench.file), "run-a")
    bench.slot.tell(TaskMessage(run_id="run-a", message_id="m", content="hello"))
    assert bench.hear(1) == [("run-a", "DONE")]
    assert bench.lines() == "hello"


def test_an_idle_child_that_was_killed_costs_no_run(slot_bench: Bench, tmp_path: Path) -> None:
    slot_bench.run_task(Process(file=str(tmp_path / "pid")), "run-a")
    slot_bench.hear(1)
    os.kill(pid_in(tmp_path / "pid"), signal.SIGKILL)
    wait_until_gone(pid_in(tmp_path / "pid"))
    slot_bench.run("b")
    assert slot_bench.hear(1) == [("run-b", "DONE")]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_tasks_may_open_as_many_files_as_if_nothing_had_been_asked_for(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some walk through all descriptors that there may be, some wait for them with `select`."""
    monkeypatch.setattr(descriptors, "_had", 300)
    bench = Bench(tmp_path, make_launcher(method))
    bench.run_task(Limit(file=str(tmp_path / "limit")), "run-a")
    bench.hear(1)
    assert (tmp_path / "limit").read_text() == "300"
    bench.close()


def test_a_child_can_be_had_while_the_server_of_children_is_being_killed() -> None:
    """It lets go of its socket a moment before it has ended."""
    launcher: Any = make_launcher("forkserver")
    for _ in range(4):
        os.kill(launcher._process.pid, signal.SIGKILL)
        launcher.launch().close()
    launcher.close()


def test_nobody_waits_for_ever_while_others_wait_for_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of children may stand still."""
    monkeypatch.setattr(fork_server, "START_TIMEOUT_S", 0.01)
    launcher: Any = make_launcher("forkserver")
    with launcher._turn, pytest.raises(ChildLostError, match="no other child process has begun within"):
        launcher.launch()
    launcher.close()


class Stillborn:
    """Starts children that have ended."""

    def __init__(self) -> None:
        self.started = 0

    def launch(self) -> Child:
        self.started += 1
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.close()
        read, write = os.pipe()
        os.write(write, STATUS.pack(1))
        os.close(write)
        return Child(ours, read, 0)

    def close(self) -> None: ...


def test_children_that_end_at_once_are_not_started_over_and_over(tmp_path: Path) -> None:
    """The machine has better things to do while there is nothing to run."""
    launcher = Stillborn()
    bench = Bench(tmp_path, launcher)
    for _ in range(10):
        bench.look()
    assert launcher.started == 1
    bench.close()


#: the second child cannot be started, as where a container has all the processes that it may have
_SCARCE = """
import errno, os
fork, spawn, asked = os.fork, os.posix_spawn, []
def second_fails(start):
    def call(*args, **options):
        asked.append(1)
        if len(asked) == 2:
            raise OSError(errno.EAGAIN, "no more")
        return start(*args, **options)
    return call
os.fork, os.posix_spawn = second_fails(fork), second_fails(spawn)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_child_that_cannot_be_started_harms_no_other(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_server, "_BOOT_SERVER", _SCARCE + fork_server._BOOT_SERVER)
    launcher: Launcher = make_launcher(method)
    first = launcher.launch()
    with pytest.raises(ChildLostError, match="no room for another process: Resource temporarily unavailable"):
        launcher.launch()
    third = launcher.launch()
    assert not first.has_ended()
    first.close()
    third.close()
    launcher.close()
