"""A private parameter leaves its program for nothing but the child process that runs its task.

Everything that a whole run leaves behind is searched for it: what worker and scheduler say to each
other, the store's files, the logs of runs and of the program, and what was printed.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import luigi
import pytest

import actorsched
from actorsched import LocalTarget, Task, param
from actorsched.actors.messages import RunJob
from actorsched.actors.scheduler import SchedulerActor
from actorsched.children.speech import Job
from actorsched.tasks.travel import pack

SECRET = "hunter2-must-not-leave"
TIMEOUT_S = 60


class Fetch(Task):
    folder: Path
    n: int
    token: str = param(visibility="private")

    def requires(self) -> Any:
        return (
            [self.clone(n=self.n - 1)] if self.n else [LuigiFetch(folder=str(self.folder), token=self.token)]
        )

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / f"fetched-{self.n}")

    def run(self) -> Any:
        assert self.token == SECRET
        if self.n == 1:
            yield Extra(self.folder, self.token)
        self.set_status_message("running")
        print(self, "runs")
        with self.output().open("w") as stream:
            stream.write("ok")


class Extra(Task):
    folder: Path
    token: str = param(visibility="private")

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / "extra")

    def run(self) -> None:
        assert self.token == SECRET
        self.output().open("w").close()


class LuigiFetch(luigi.Task):  # type: ignore[misc]
    folder = luigi.Parameter()
    token = luigi.Parameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE)

    def output(self) -> Any:
        return luigi.LocalTarget(f"{self.folder}/luigi")

    def run(self) -> None:
        assert self.token == SECRET
        self.output().open("w").close()


class Fails(Fetch):
    """Its run fails, and what it requires is broken, missing, and a batch."""

    def requires(self) -> Any:
        return []

    def run(self) -> None:
        raise ValueError("no reason")


class Recording:
    """Stands between a worker and a scheduler, and keeps what passes."""

    def __init__(self, scheduler: actorsched.Scheduler, kept: list[str]) -> None:
        self._scheduler = scheduler
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._scheduler, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            self._kept.append(f"{name}{args}{kwargs} -> {answer}")
            return answer

        return call


def everything(scheduler: Any, worker_id: str) -> list[str]:
    """Ask all that can be asked about tasks and workers."""
    ids = [task_id for status in ("", "DONE", "FAILED") for task_id in scheduler.task_list(status, "")]
    answers = [scheduler.task_list("", ""), scheduler.worker_list(), scheduler.resource_list()]
    answers += [scheduler.task_search("fetch"), scheduler.graph(), scheduler.count_pending(worker_id)]
    for task_id in ids:
        answers += [
            scheduler.dep_graph(task_id),
            scheduler.inverse_dep_graph(task_id),
            scheduler.fetch_error(task_id),
            scheduler.get_task_status_message(task_id),
        ]
    assert len(ids) >= 5
    return [json.dumps(answer, default=str) for answer in answers]


@pytest.mark.parametrize("execution", ["process", "inline"])
def test_nothing_that_a_run_leaves_behind_holds_the_secret(
    tmp_path: Path, execution: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Native tasks and Luigi's; successes, failures, and what was found while running."""
    (tmp_path / "out").mkdir()
    kept: list[str] = []
    with (
        caplog.at_level(logging.DEBUG),
        actorsched.Scheduler(store=f"sqlite:///{tmp_path}/state.db") as scheduler,
    ):
        tasks = [Fetch(tmp_path / "out", 2, SECRET), Fails(tmp_path / "out", 7, SECRET)]
        result = actorsched.build(
            tasks,
            scheduler=Recording(scheduler, kept),
            execution=execution, log_dir=str(tmp_path / "logs"), wait_interval=0.02,
            observer=lambda event: kept.append(repr(event)),
        )  # fmt: skip
        assert result.counts["ran"] == 5, result.summary_text
        assert result.counts["failed"] == 1
        kept += [result.summary_text, repr(result.tasks), caplog.text, *everything(scheduler, "w")]
    printed = capfd.readouterr()
    kept += [printed.out, printed.err]
    assert any("Fetch" in text for text in kept)
    assert [text for text in kept if SECRET in text] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"state.db"} <= {path.name for path in files}
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_an_actor_that_refuses_a_message_does_not_show_it(tmp_path: Path) -> None:
    """It would end up in a log."""
    task = Fetch(tmp_path, 1, SECRET)
    message = RunJob(job=Job(run_id="1", task_id=task.task_id, packed=pack(task)), task=task)
    ref = SchedulerActor.start()
    try:
        with pytest.raises(TypeError) as caught:
            ref.ask(message, timeout=TIMEOUT_S)
    finally:
        ref.stop()
    assert "SchedulerActor does not accept RunJob" in str(caught.value)
    assert SECRET not in str(caught.value)


COMMAND = """
from actorsched import Task, param


class Login(Task):
    token: str = param(visibility="private", default="")
    port: int = param(visibility="private", default=0)

    def run(self):
        raise ValueError("no reason")
"""


@pytest.mark.parametrize(
    "arguments", [["--token", SECRET], ["--port", SECRET], ["--token", SECRET, "--json"]]
)
def test_the_command_does_not_repeat_it(tmp_path: Path, arguments: list[str]) -> None:
    """Its output ends up in tickets."""
    (tmp_path / "login_tasks.py").write_text(COMMAND)
    command = [sys.executable, "-m", "actorsched", "run", "login_tasks.py", "Login", *arguments]
    done = subprocess.run(
        command,
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=tmp_path,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")},
    )  # fmt: skip
    assert done.returncode != 0
    assert "Login" in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
