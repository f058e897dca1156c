"""Luigi's tasks run unchanged: parameters, requirements, events, resources, batches, and what they say."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import luigi
import pytest

import actorsched
from actorsched.facade.result import RunResult, RunStatus
from actorsched.tasks.loading import load_module, load_task

PIPELINES = Path(__file__).parent / "pipelines"


@pytest.fixture(scope="module")
def features() -> Iterator[ModuleType]:
    path = list(sys.path)
    yield load_module(str(PIPELINES / "luigi_features.py"))
    sys.path[:] = path


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "given").write_text("what was given\n")
    return str(tmp_path)


def story(folder: str) -> list[str]:
    file = Path(folder) / "story"
    return file.read_text().splitlines() if file.exists() else []


def build(*tasks: Any, **options: Any) -> RunResult:
    options = {"wait_interval": 0.02, "wait_jitter": 0.0, "log_dir": "off"} | options
    return actorsched.build(tasks, **options)


@pytest.mark.parametrize("execution", ["process", "inline"])
def test_a_pipeline_of_many_features_runs(features: ModuleType, folder: str, execution: str) -> None:
    """In child processes, and in the thread of the caller."""
    scheduler = actorsched.Scheduler(resources={"line": 2})
    with scheduler:
        result = build(
            features.Everything(folder=folder, name="given"),
            scheduler=scheduler,
            workers=2 if execution == "process" else 1,
            execution=execution,
        )
        task_id = features.Talks(folder=folder).task_id
        assert scheduler.get_task_status_message(task_id)["statusMessage"] == "half way"
        assert scheduler.get_task_progress_percentage(task_id)["progressPercentage"] == 50
    assert result.succeeded, result.summary_text
    told = Counter(story(folder))
    assert told["AllKinds run"] == 1
    assert told["UsesGiven read what was given"] == 1
    assert told["Inherits inputs ['given', 'used'] 1"] == 1
    assert told["Grows begin"] == 1  # the generator goes on; it is not started again
    assert told["Grows got True ['a', 'b'] 2"] == 1
    assert told["Leaf run"] == 5
    assert told["Talks messages True"] == 1
    assert result.counts["already_complete"] >= 1


def test_every_kind_of_parameter_makes_the_same_task_again(features: ModuleType, folder: str) -> None:
    """On a node that knows it by name only. A private one is not known there, and has its default."""
    task = features.AllKinds(folder=folder, private="secret")
    again = load_task("luigi_features", "AllKinds", task.to_str_params())
    assert again.task_id == task.task_id
    same = {name: value for name, value in task.param_kwargs.items() if name != "private"}
    assert {name: again.param_kwargs[name] for name in same} == same
    assert again.private == "p"


def test_a_worker_that_knows_the_tasks_by_name_runs_them(features: ModuleType, folder: str) -> None:
    """Somebody else has registered them."""
    task = features.Inherits(folder=folder, name="given")
    with (
        actorsched.Scheduler() as scheduler,
        actorsched.Worker(scheduler, worker_processes=0) as registers,
        actorsched.Worker(scheduler, assistant=True, log_dir="off") as runs,
    ):
        assert registers.add(task)
        runs.run()
    assert task.complete()
    assert "UsesGiven read what was given" in story(folder)


def test_high_priority_goes_first(features: ModuleType, folder: str) -> None:
    """Also when it is a property."""
    assert build(features.AllOrdered(folder=folder)).succeeded
    assert story(folder) == ["Ordered run 2", "Ordered run 3", "Ordered run 1"]


def ends(folder: str, make: Callable[[], Any], **options: Any) -> tuple[RunResult, list[str]]:
    result = build(make(), **options)
    return result, story(folder)


def test_the_events_of_a_success(features: ModuleType, folder: str) -> None:
    """In the order of Luigi."""
    _, told = ends(folder, lambda: features.Ends(folder=folder, how="well"))
    assert told == [
        "Ends EVENT START",
        "Ends run",
        "Ends EVENT PROCESSING_TIME float",
        "Ends on_success",
        "Ends EVENT SUCCESS",
    ]


def test_the_events_of_a_failure(features: ModuleType, folder: str) -> None:
    """FAILURE before on_failure, whose text is kept."""
    result, told = ends(folder, lambda: features.Ends(folder=folder, how="fail"))
    assert told == [
        "Ends EVENT START",
        "Ends run",
        "Ends EVENT FAILURE ValueError",
        "Ends on_failure bad luck",
    ]
    (failed,) = result.tasks["failed"]
    assert failed.cause == "ValueError: bad luck"
    assert "Traceback" in failed.detail


def test_a_run_that_changes_nothing_is_a_failure(features: ModuleType, folder: str) -> None:
    """Unless Luigi's default is asked for."""
    result, told = ends(folder, lambda: features.Ends(folder=folder, how="not done"))
    assert not result.succeeded
    assert told[2] == "Ends EVENT FAILURE IncompleteError"
    (Path(folder) / "story").unlink()
    _, told = ends(folder, lambda: features.Ends(folder=folder, how="not done"), check_complete_on_run=False)
    assert told[-1] == "Ends EVENT SUCCESS"


def test_a_process_that_dies_is_told_to_the_handlers(features: ModuleType, folder: str) -> None:
    """By the program that wanted the task."""
    result, told = ends(folder, lambda: features.Ends(folder=folder, how="die"))
    cause = "the process of the task exited with code 7 before the task ended"
    assert told == ["Ends EVENT START", "Ends run", f"Ends EVENT PROCESS_FAILURE {cause}"]
    assert result.tasks["failed"][0].cause == cause


def test_a_run_that_takes_too_long_is_told_to_the_handlers(features: ModuleType, folder: str) -> None:
    """`worker_timeout` is the task's own."""
    _, told = ends(folder, lambda: features.Sleeps(folder=folder))
    assert told[-1] == "Sleeps EVENT TIMEOUT timed out after 1 s and was ended"
    assert set(told[:-1]) <= {"Sleeps EVENT START", "Sleeps run"}  # on a busy machine it got no further


def test_the_events_of_discovery(features: ModuleType, folder: str) -> None:
    """What is found, missing, present and broken."""
    result, told = ends(folder, lambda: features.Needs(folder=folder))
    assert told == [
        "Needs EVENT DEPENDENCY_DISCOVERED Missing",
        "Needs EVENT DEPENDENCY_DISCOVERED Present",
        "Missing EVENT DEPENDENCY_MISSING",
        "Present EVENT DEPENDENCY_PRESENT",
    ]
    assert result.status is RunStatus.MISSING_EXT
    for task, line in (
        (features.SickRequires(folder=folder), "SickRequires EVENT BROKEN_TASK KeyError"),
        (features.MuteComplete(folder=folder), "MuteComplete EVENT DEPENDENCY_MISSING"),
    ):
        result = build(task)
        assert story(folder)[-1] == line
        assert result.status is RunStatus.SCHEDULING_FAILED


def test_the_retry_policy_of_a_task_counts(features: ModuleType, folder: str) -> None:
    """Two failures and a success; or three, and it is disabled."""
    options = {"keep_alive": True, "wait_interval": 0.02}
    with actorsched.Scheduler(retry_delay=0.01) as scheduler:
        task = features.Retries(folder=folder, failures=2)
        result = build(task, scheduler=scheduler, **options)
        assert result.status is RunStatus.SUCCESS_WITH_RETRY
    assert story(folder) == [f"Retries try {n}" for n in (1, 2, 3)]
    for name in ("story", "tries"):
        (Path(folder) / name).unlink()
    with actorsched.Scheduler(retry_delay=0.01) as scheduler:
        task = features.Retries(folder=folder, failures=9)
        assert not build(task, scheduler=scheduler, **options).succeeded
        assert [view["status"] for view in scheduler.task_list("", "").values()] == ["DISABLED"]
    assert story(folder) == [f"Retries try {n}" for n in (1, 2, 3)]


def test_batches_run_as_one_task(features: ModuleType, folder: str) -> None:
    """As many as fit, equal in all that is not combined."""
    result = build(features.AllBatches(folder=folder))
    assert result.succeeded, result.summary_text
    runs = Counter(line.rpartition(" run ")[0] for line in story(folder))
    assert runs == {"Batched": 3, "Listed": 1}  # 3 + 2 of one kind, 1 of the other; all the names
    assert "Batched run 2024-02-03 k" in story(folder)
    assert "Listed run a,b,c" in story(folder)
    assert result.counts["ran"] == 10


class Native(actorsched.Task):
    folder: Path

    def requires(self) -> Any:
        return LuigiInside(folder=str(self.folder))

    def output(self) -> actorsched.LocalTarget:
        return actorsched.LocalTarget(self.folder / "native")

    def run(self) -> None:
        with self.input().open() as given, self.output().open("w") as stream:
            stream.write(given.read() + " and outside")


class NativeInside(Native):
    def requires(self) -> Any:
        return []

    def output(self) -> actorsched.LocalTarget:
        return actorsched.LocalTarget(self.folder / "inside")

    def run(self) -> None:
        with self.output().open("w") as stream:
            stream.write("inside")


class LuigiInside(luigi.Task):  # type: ignore[misc]
    folder = luigi.Parameter()

    def requires(self) -> Any:
        return NativeInside(Path(self.folder))

    def output(self) -> Any:
        return luigi.LocalTarget(f"{self.folder}/luigi")

    def run(self) -> None:
        with self.requires().output().open() as given, self.output().open("w") as stream:
            stream.write(given.read() + ", between")


def test_native_tasks_and_luigi_s_require_each_other(tmp_path: Path) -> None:
    """A pipeline can move over one task at a time."""
    result = build(Native(tmp_path))
    assert result.succeeded, result.summary_text
    assert (tmp_path / "native").read_text() == "inside, between and outside"


def test_luigi_s_own_scheduler_serves_our_worker(features: ModuleType, folder: str) -> None:
    """Any object with the methods will do."""
    result = build(
        features.Inherits(folder=folder, name="given"), scheduler=luigi.scheduler.Scheduler(), workers=1
    )
    assert result.succeeded, result.summary_text
