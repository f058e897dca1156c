"""Every ending is an ending: whatever a task does to its process, its run ends with the true cause."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import Task, build
from actorsched.actors.base import Actor
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded
from actorsched.actors.slot import SlotActor
from actorsched.children.launcher import Launcher, make_launcher
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks.travel import pack
from tests.integration.children.deeds import ENDINGS, ENDLESS, Does, group_of, pid_in, wait_until_gone

METHODS = ("forkserver", "spawn")


class Listener(Actor):
    """Stands where the worker would: keeps what the slot says."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: queue.Queue[Any] = queue.Queue()

    def handle(self, message: object) -> None:
        self.heard.put(message)


class Bench:
    """One slot with a real child."""

    def __init__(self, launcher: Launcher, folder: Path, **options: Any) -> None:
        self.folder = folder
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
            message = self.heard.get(timeout=60)
            if isinstance(message, SlotEnded):
                return message

    def child(self) -> int:
        """The process that runs the tasks of this slot now."""
        note = self.folder / f"child-{self.runs}"
        self.run(Does("return", str(note)))
        assert self.end().outcome.status == "DONE"
        return pid_in(note)

    def close(self) -> None:
        self.slot.stop()
        self.listener.stop()


@pytest.fixture(scope="module", params=METHODS)
def launcher(request: pytest.FixtureRequest) -> Iterator[Launcher]:
    launcher = make_launcher(request.param)
    yield launcher
    launcher.close()


@pytest.fixture
def bench(launcher: Launcher, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(launcher, tmp_path)
    yield bench
    bench.close()


@pytest.mark.parametrize("what", ENDINGS)
def test_a_run_ends_with_its_true_cause_and_the_slot_goes_on(what: str, bench: Bench) -> None:
    """The child is used again when it is as it was; no process of its group survives when it is not."""
    status, cause, used_again = ENDINGS[what]
    before = bench.child()
    run_id = bench.run(Does(what))
    ended = bench.end()
    outcome = ended.outcome
    assert (ended.run_id, outcome.status) == (run_id, status)
    assert cause in outcome.cause, outcome.cause[:500]
    assert len(outcome.error) + len(outcome.cause) + len(outcome.expl or "") < 100_000
    after = bench.child()
    assert (after == before) is used_again
    if not used_again:
        wait_until_gone(before)
        assert group_of(before) == []
    assert bench.heard.empty(), "a run ends once"


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.parametrize("why", ["timeout", "cancel"])
def test_a_run_that_does_not_end_is_ended_with_all_its_processes(
    what: str, why: str, bench: Bench, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    bench.child()  # the time limit shall not end the run while its child is still starting
    run_id = bench.run(Does(what, str(note)), timeout_s=1.0 if why == "timeout" else 0.0)
    pid = pid_in(note)
    if why == "cancel":
        bench.slot.tell(CancelRun(run_id=run_id, cause="nobody wants it"))
    outcome = bench.end().outcome
    expected = "nobody wants it" if why == "cancel" else "timed out after 1 s and was ended"
    assert (outcome.status, outcome.cause) == ("FAILED", expected)
    wait_until_gone(pid)
    bench.child()


@pytest.mark.parametrize("what", ["leave_a_process", "leave_an_orphan"])
def test_what_a_task_leaves_running_ends_with_its_child(what: str, bench: Bench, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    bench.run(Does(what, str(note)))
    assert bench.end().outcome.status == "DONE"
    wait_until_gone(pid_in(note))


def test_a_cancel_at_once_leaves_no_grace(launcher: Launcher, tmp_path: Path) -> None:
    bench = Bench(launcher, tmp_path, kill_grace=600)
    note = tmp_path / "pid"
    run_id = bench.run(Does("ignore_sigterm", str(note)))
    pid = pid_in(note)
    bench.slot.tell(CancelRun(run_id=run_id, cause="be quick", at_once=True))
    assert bench.end().outcome.cause == "be quick"
    wait_until_gone(pid)
    bench.close()


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_when_slot_and_launcher_are_closed(method: str, tmp_path: Path) -> None:
    launcher = make_launcher(method)
    bench = Bench(launcher, tmp_path)
    child = bench.child()
    server = launcher._process.pid  # type: ignore[attr-defined]
    descriptors = len(os.listdir("/proc/self/fd"))
    bench.close()
    launcher.close()
    wait_until_gone(child)
    wait_until_gone(server)
    assert len(os.listdir("/proc/self/fd")) < descriptors


@pytest.mark.parametrize("method", METHODS)
def test_a_server_of_children_that_was_killed_is_replaced(method: str, tmp_path: Path) -> None:
    launcher = make_launcher(method)
    bench = Bench(launcher, tmp_path)
    bench.child()
    note = tmp_path / "pid"
    bench.run(Does("sleep", str(note)))
    pid = pid_in(note)
    os.kill(launcher._process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    outcome = bench.end().outcome
    assert outcome.status == "FAILED"
    assert "lost together with" in outcome.cause
    wait_until_gone(pid)
    bench.child()
    bench.close()
    launcher.close()


class Good(Task):
    n: int

    def run(self) -> None: ...


@pytest.mark.parametrize("method", METHODS)
def test_the_other_slots_never_notice(method: str) -> None:
    """All endings at once in one worker, among tasks that have nothing to do with them."""
    bad = [Does(what) for what in (*ENDINGS, *ENDLESS)]
    for task in bad[len(ENDINGS) :]:
        task.worker_timeout = 0.5  # type: ignore[misc]
    good = [Good(n) for n in range(60)]
    tasks = [task for pair in zip(bad + bad[-1:] * 60, good, strict=False) for task in pair]
    result = build(tasks, workers=3, start_method=method, kill_grace=0.2, log_dir="off",
                   log_console=False)  # fmt: skip
    outcomes = {task.task_id: outcome for outcome, found in result.tasks.items() for task in found}
    assert [outcomes[task.task_id] for task in good] == ["ran"] * len(good)
    for task in bad:
        status = ENDINGS[task.what][0] if task.what in ENDINGS else "FAILED"
        assert outcomes[task.task_id] == ("ran" if status == "DONE" else "failed"), task.what
    causes = {task.name: task.cause for task in result.tasks["failed"]}
    for task in bad:
        if task.what in ENDINGS and ENDINGS[task.what][0] == "FAILED":
            assert any(ENDINGS[task.what][1] in cause for name, cause in causes.items() if task.what in name)
