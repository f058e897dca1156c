"""Native tasks from end to end: batches, events, messages, contexts, requirements found while running."""

from __future__ import annotations

import gc
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import actorsched
from actorsched.actors.runtime import Runtime
from actorsched.config import WorkerSettings
from actorsched.errors import TaskDefinitionError
from actorsched.facade.events import Discovery
from actorsched.facade.finder import Finder
from actorsched.facade.result import RunResult, RunStatus
from actorsched.tasks.loading import load_module

PIPELINES = Path(__file__).parent / "pipelines"


@pytest.fixture(scope="module")
def features() -> Iterator[ModuleType]:
    path = list(sys.path)
    yield load_module(str(PIPELINES / "native_features.py"))
    sys.path[:] = path


def story(folder: Path, *, events: bool = False) -> list[str]:
    lines = (folder / "story").read_text().splitlines() if (folder / "story").exists() else []
    return [line for line in lines if line.startswith("EVENT") == events]


def build(*tasks: Any, **options: Any) -> RunResult:
    options = {"wait_interval": 0.02, "wait_jitter": 0.0, "log_dir": "off"} | options
    return actorsched.build(tasks, **options)


@pytest.mark.parametrize("execution", ["process", "inline"])
def test_batches_run_as_one_task(features: ModuleType, tmp_path: Path, execution: str) -> None:
    """As many as fit, equal in all that is not combined."""
    result = build(features.Days(tmp_path), execution=execution)
    assert result.succeeded, result.summary_text
    assert sorted(story(tmp_path)) == [
        "Batched run 2024-02-01 other",
        "Batched run 2024-02-03 k",
        "Batched run 2024-02-05 k",
    ]
    assert result.counts["ran"] == 7


@pytest.mark.parametrize("execution", ["process", "inline"])
def test_requirements_found_while_running_cost_one_pass(
    features: ModuleType, tmp_path: Path, execution: str
) -> None:
    """k yields: one run, and two questions for each that was not there."""
    result = build(features.Grows(tmp_path, 5), execution=execution)
    assert result.succeeded, result.summary_text
    told = story(tmp_path)
    (begin,) = [line for line in told if line.startswith("Grows begin")]
    (end,) = [line for line in told if line.startswith("Grows end")]
    assert begin.split()[-1] == end.split()[-1]  # in the process where it began
    assert Counter(line for line in told if "?" in line) == {f"Leaf complete? {n}": 2 for n in range(5)}


def test_a_message_reaches_a_running_task_and_is_answered(features: ModuleType, tmp_path: Path) -> None:
    """Through the scheduler, from whoever knows the task's id."""
    with actorsched.Scheduler() as scheduler:
        task = features.Listens(tmp_path)
        asked = threading.Event()
        answers: list[Any] = []

        def ask(event: Any) -> None:
            if isinstance(event, actorsched.facade.events.RunStarted):
                asked.set()

        def send() -> None:
            asked.wait(60)
            worker = next(iter(scheduler.worker_list()))["name"]
            sent = scheduler.send_scheduler_message(worker, task.task_id, "stop")
            answers.append(sent["message_id"])

        sender = threading.Thread(target=send)
        sender.start()
        result = build(task, scheduler=scheduler, observer=ask)
        sender.join(60)
        assert result.succeeded, result.summary_text
        assert story(tmp_path) == ["Listens heard stop"]
        answer = scheduler.get_scheduler_message_response(task.task_id, answers[0])
        assert answer["response"] == "stop yourself"


def test_the_events_of_a_run(features: ModuleType, tmp_path: Path) -> None:
    """In the child, and where the child was lost, in the program itself."""
    build(features.Leaf(tmp_path, 1), features.Dies(tmp_path))
    events = story(tmp_path, events=True)
    assert [line for line in events if "Leaf" in line] == [
        "EVENT START Leaf",
        "EVENT PROCESSING_TIME Leaf float",
        "EVENT SUCCESS Leaf",
    ]
    assert [line for line in events if "Dies" in line] == [
        "EVENT START Dies",
        "EVENT PROCESS_FAILURE Dies the process of the task exited with code 7 before the task ended",
    ]


def test_the_limit_of_a_task_counts_wherever_it_runs(features: ModuleType, tmp_path: Path) -> None:
    """Also where the worker does not know the task itself: found while running, or registered by others."""
    cause = "timed out after 0.2 s and was ended"
    result = build(features.WantsSleeper(tmp_path), kill_grace=0.2)
    assert [task.cause for task in result.tasks["failed"]] == [cause]
    with (
        actorsched.Scheduler() as scheduler,
        actorsched.Worker(scheduler, worker_processes=0) as registers,
        actorsched.Worker(scheduler, assistant=True, log_dir="off", kill_grace=0.2) as runs,
    ):
        assert registers.add(features.Sleeps(tmp_path, 0.2))
        runs.run()
        assert cause in scheduler.fetch_error(features.Sleeps(tmp_path, 0.2).task_id)["error"]


@pytest.mark.parametrize("execution", ["process", "inline"])
def test_a_context_surrounds_each_run(features: ModuleType, tmp_path: Path, execution: str) -> None:
    """Named by its path."""
    options = {"task_process_context": "native_features.Around", "execution": execution}
    assert build(features.UsesGiven(tmp_path), **options).status is RunStatus.MISSING_EXT
    (tmp_path / "given").touch()
    assert build(features.UsesGiven(tmp_path), **options).succeeded
    assert story(tmp_path) == ["UsesGiven enter", "UsesGiven run", "UsesGiven leave"]


def test_external_data_that_comes_later_is_noticed(features: ModuleType, tmp_path: Path) -> None:
    """When a worker is told to look again."""
    made = threading.Event()

    def make(event: Any) -> None:
        if isinstance(event, actorsched.facade.events.RunEnded) and event.status == "FAILED":
            (tmp_path / "given").touch()
            made.set()

    with actorsched.Scheduler(retry_delay=0.01) as scheduler:
        result = build(
            features.UsesGiven(tmp_path),
            scheduler=scheduler, retry_external_tasks=True, keep_alive=True, observer=make,
        )  # fmt: skip
    assert made.is_set()
    assert result.succeeded, result.summary_text


def test_slow_questions_are_put_in_parallel_with_progress(features: ModuleType, tmp_path: Path) -> None:
    """They answer only when several are asked at once."""
    told: list[Discovery] = []

    def hear(event: Any) -> None:
        if isinstance(event, Discovery):
            told.append(event)

    with actorsched.Worker(worker_processes=0, observer=hear) as worker:
        assert worker.add(features.Slow(tmp_path, 0), multiprocess=True, processes=4)
    assert told[-1] == Discovery(found=101, complete=0, done=True, asked=101)
    settings = {"parallel_scheduling": True, "parallel_scheduling_processes": 4}
    with actorsched.Worker(worker_processes=0, **settings) as worker:
        assert worker.add(features.Slow(tmp_path, 0))


def test_a_long_search_shows_how_far_it_is(features: ModuleType, tmp_path: Path) -> None:
    """Also while one wrapper is being answered for; the clock is handed in."""

    class Clock:
        now = 0.0

        def monotonic(self) -> float:
            self.now += 0.3
            return self.now

        def wall(self) -> float:
            return 0.0

    told: list[Any] = []
    with actorsched.Worker(worker_processes=0) as worker:
        finder = Finder(worker.actor_ref, WorkerSettings(), Runtime(clock=Clock()), told.append)
        assert finder.add([features.Givens(tmp_path, 20)], threads=0)
    assert told[-1] == Discovery(found=21, complete=1, done=True, asked=21)
    asked = [event.asked for event in told]
    assert asked == sorted(asked)
    assert len(asked) > 5


def test_finding_leaves_the_collector_as_it_was(features: ModuleType, tmp_path: Path) -> None:
    """It is set for speed meanwhile."""
    before = gc.get_threshold()
    during: list[tuple[int, int, int]] = []
    with actorsched.Worker(
        worker_processes=0, observer=lambda event: during.append(gc.get_threshold())
    ) as worker:
        worker.add(features.Given(tmp_path / "given"))
        with pytest.raises(TaskDefinitionError):
            worker.add(features.Given)
    assert gc.get_threshold() == before
    assert during[0][0] > before[0]


def test_a_task_that_is_added_again_after_a_run_is_looked_at_again(
    features: ModuleType, tmp_path: Path
) -> None:
    """What failed gets another try, what is gone is made again, and within one run nothing is asked twice."""
    task, options = features.UsesGiven(tmp_path), {"wait_interval": 0.02, "log_dir": "off"}
    with (
        actorsched.Scheduler(stable_done_cooldown_secs=0) as scheduler,  # nothing else reports late here
        actorsched.Worker(scheduler, execution="inline", **options) as worker,
    ):
        assert worker.add(task)
        assert worker.add(task)
        assert not worker.run()
        (tmp_path / "given").touch()
        assert worker.add(task)
        assert worker.run()
        task.output().remove()
        assert worker.add(task)
        assert worker.run()
    assert story(tmp_path) == ["UsesGiven run"] * 2
    told = [line for line in story(tmp_path, events=True) if "DISCOVERED" in line]
    assert told == ["EVENT DEPENDENCY_DISCOVERED UsesGiven Given"] * 3


def test_past_the_limit_nothing_is_scheduled(features: ModuleType, tmp_path: Path) -> None:
    """And the run says that it is not complete."""
    result = build(features.Days(tmp_path), task_limit=3)
    assert result.status is RunStatus.NOT_RUN
    assert {task.cause for task in result.tasks["not_run"]} >= {
        "not scheduled: the limit of 3 tasks is reached (task_limit)"
    }


class Doomed(actorsched.Task):
    """Fails, as often as one likes."""

    def complete(self) -> bool:
        return False

    def run(self) -> None:
        raise RuntimeError("doomed")


def test_a_result_that_is_no_success_is_kept() -> None:
    """It is false, and was concluded anew at each look: then it could contradict what `run()` had said."""
    with actorsched.Worker(execution="inline", log_dir="off", wait_interval=0.02) as worker:
        worker.add(Doomed())
        assert not worker.run()
        assert worker.result.status is RunStatus.FAILED
        assert worker.result is worker.result


def test_a_task_says_itself_when_it_is_tried_again(features: ModuleType, tmp_path: Path) -> None:
    """The scheduler would wait for a quarter of an hour."""
    with actorsched.Scheduler(retry_delay=900) as scheduler:
        result = build(features.ThirdTime(tmp_path), scheduler=scheduler, keep_alive=True)
        assert result.succeeded, result.summary_text
        assert scheduler.task_list(status="DONE", upstream_status="")
    assert story(tmp_path) == ["ThirdTime run"] * 3
