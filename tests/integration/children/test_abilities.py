"""What Luigi's worker can do, done by real children."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import LocalTarget, Scheduler, Task, Worker, build
from actorsched.children.logbook import read, runs_of
from actorsched.tasks.parameter import param
from tests.integration.children.background import until

OPTIONS: dict[str, Any] = {"log_dir": "off", "wait_interval": 0.05, "wait_jitter": 0.0}


@pytest.fixture(params=["process", "inline"])
def execution(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Day(Task):
    n: int = param(batch=max)
    folder: str = ""

    max_batch_size = 4

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / "days")

    def complete(self) -> bool:
        done = Path(self.output().path)
        return done.exists() and self.n <= int(done.read_text())

    def run(self) -> None:
        with (Path(self.folder) / "runs").open("a") as file:
            file.write(f"{self.n}\n")
        Path(self.output().path).write_text(str(self.n))


class BrokenDay(Day):
    def run(self) -> None:
        raise RuntimeError("no such day")


def test_a_batch_runs_once_for_all_its_members(execution: str, tmp_path: Path) -> None:
    days = [Day(n, str(tmp_path)) for n in range(1, 5)]
    result = build(days, execution=execution, **OPTIONS)
    assert result.succeeded, result.summary_text
    assert result.counts["ran"] == 4
    assert (tmp_path / "runs").read_text().split() == ["4"]


def test_the_failure_of_a_batch_is_that_of_all_its_members(tmp_path: Path) -> None:
    result = build([BrokenDay(n, str(tmp_path)) for n in range(1, 4)], **OPTIONS)
    assert result.counts["failed"] == 3
    assert {task.cause for task in result.tasks["failed"]} == {"RuntimeError: no such day"}


class Talks(Task):
    accepts_messages = True
    resources = {"lorry": 2}  # noqa: RUF012  # as users write it

    def run(self) -> None:
        self.set_status_message("listening")
        self.set_progress_percentage(50)
        self.set_tracking_url("http://localhost/here")
        self.decrease_running_resources({"lorry": 1})
        message = self.scheduler_messages.get(timeout=60)
        message.respond(f"heard {message}")
        assert self.scheduler_messages.empty()


def test_a_running_task_can_be_talked_to(execution: str) -> None:
    task = Talks()
    with (
        Scheduler(resources={"lorry": 2}) as scheduler,
        Worker(scheduler, worker_id="w", ping_interval=0.05, execution=execution, **OPTIONS) as worker,
    ):
        worker.add(task)
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(worker.run()))
        thread.start()
        until(lambda: scheduler.get_running_task_resources(task.task_id)["resources"] == {"lorry": 1})
        [view] = scheduler.task_list(status="RUNNING").values()
        assert view["tracking_url"] == "http://localhost/here"
        assert scheduler.get_task_status_message(task.task_id)["statusMessage"] == "listening"
        assert scheduler.get_task_progress_percentage(task.task_id)["progressPercentage"] == 50
        sent = scheduler.send_scheduler_message("w", task.task_id, "hello")
        assert sent["message_id"] is not None
        message_id = sent["message_id"]
        found: list[Any] = []

        def answered() -> bool:
            found.append(scheduler.get_scheduler_message_response(task.task_id, message_id)["response"])
            return found[-1] is not None

        until(answered)
        thread.join(timeout=60)
        assert found[-1] == "heard hello"
        assert answers == [True]


class Made(Task):
    folder: str

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / "made")

    def run(self) -> None:
        Path(self.output().path).write_text("x")


class Uses(Task):
    folder: str
    loses: bool = False

    def requires(self) -> Any:
        # it is lost between being found complete and being used
        if self.loses and (Path(self.folder) / "armed").exists():
            (Path(self.folder) / "armed").unlink()
            (Path(self.folder) / "made").unlink()
        return Made(self.folder)

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / "used")

    def run(self) -> None:
        Path(self.output().path).write_text("x")


def test_requirements_that_vanished_are_made_again(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("x")
    with Scheduler(stable_done_cooldown_secs=0) as scheduler, Worker(scheduler, **OPTIONS) as worker:
        worker.add(Uses(str(tmp_path), loses=True))
        (tmp_path / "armed").touch()
        assert worker.run() is True
        assert worker.result.status.name == "SUCCESS_WITH_RETRY"
        assert worker.result.counts["ran"] == 2


class Speaks(Task):
    def run(self) -> None:
        print("printed")
        logging.getLogger("mine").info("logged")


def test_what_a_run_prints_goes_to_its_file_and_to_the_console(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Speaks()
    build([task], log_dir=str(tmp_path))
    [run] = runs_of(tmp_path, task.task_id)
    assert b"".join(read(run)) == b"printed\nINFO mine: logged\n"
    assert capsys.readouterr().err.splitlines() == [
        "[Speaks()] printed",
        "[Speaks()] INFO mine: logged",
    ]


def test_workers_get_slots_while_they_run(tmp_path: Path) -> None:
    """One that began without any, too."""
    with (
        Scheduler() as scheduler,
        Worker(scheduler, worker_id="w", worker_processes=0, ping_interval=0.05, **OPTIONS) as worker,
    ):
        worker.add(Made(str(tmp_path)))
        scheduler.set_worker_processes(worker="w", n=2)
        assert worker.run() is True
        assert worker.result.counts["ran"] == 1


class TimesOut(Task):
    worker_timeout = 0.3

    def run(self) -> Iterator[Any]:
        threading.Event().wait(600)
        yield from ()


def test_a_task_has_a_timeout_of_its_own() -> None:
    [failed] = build([TimesOut()], timeout=600, kill_grace=0.2, **OPTIONS).tasks["failed"]
    assert failed.cause == "timed out after 0.3 s and was ended"


class Count(Task):
    """Needs the one before it, and says so only while it runs."""

    n: int
    folder: str

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / f"count-{self.n}")

    def run(self) -> Iterator[Any]:
        if self.n:
            yield Count(self.n - 1, self.folder)
        Path(self.output().path).write_text("x")


def test_luigis_own_scheduler_will_do(tmp_path: Path) -> None:
    """It knows no run ids, no leases and no `n_can_run`; batches and dynamic requirements it has."""
    from luigi.scheduler import Scheduler as LuigiScheduler

    tasks = [Count(3, str(tmp_path)), *(Day(n, str(tmp_path)) for n in range(1, 5))]
    result = build(tasks, scheduler=LuigiScheduler(), workers=2, **OPTIONS)
    assert result.status.name == "SUCCESS", result.summary_text
    assert result.counts["ran"] == 8
    assert (tmp_path / "runs").read_text().split() == ["4"]


class CannotTravel(Task):
    """What it holds exists in one process only, and it cannot be made again by name either."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lock = threading.Lock()


@pytest.mark.parametrize("start_method", ["forkserver", "spawn"])
def test_one_task_that_cannot_travel_fails_alone(start_method: str, tmp_path: Path) -> None:
    """With the reason."""
    tasks = [CannotTravel(), Made(str(tmp_path))]
    result = build(tasks, start_method=start_method, **OPTIONS)
    assert result.counts["ran"] == 1, result.summary_text
    [failed] = result.tasks["failed"]
    assert "cannot be sent to a child process: " in failed.cause
    assert "lock" in failed.cause


def test_what_an_assistant_cannot_load_fails_only_when_nobody_can(execution: str) -> None:
    """It says why. The assistant itself has asked for nothing, so its run was a success."""
    with Scheduler() as scheduler:
        scheduler.add_worker("somebody", {"submission": True})
        scheduler.add_task("T_1", worker="somebody", module="no_such_module", family="T")
        with Worker(scheduler, assistant=True, execution=execution, **OPTIONS) as worker:
            assert worker.run()
        error = scheduler.fetch_error("T_1")["error"]
        assert error.startswith("no worker can load it: Worker(")
        assert "no module 'no_such_module'" in error
        assert list(scheduler.task_list(status="FAILED")) == ["T_1"]
