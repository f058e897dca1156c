"""What those who show a run are told of it."""

from __future__ import annotations

from actorsched.cli.lines import fields_of
from actorsched.cli.progress import WINDOW_S, Progress
from actorsched.facade.events import Counts, Discovery, RunEnded, RunSaid, RunsElsewhere, RunStarted


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def started(task: str, slot: int) -> RunStarted:
    return RunStarted(task_id=task, name=f"T({task})", slot=slot)


def ended(task: str, slot: int, status: str = "DONE", cause: str = "") -> RunEnded:
    return RunEnded(task_id=task, name=f"T({task})", slot=slot, status=status, cause=cause, elapsed_s=1.0)


def counts(pending: int, running: int, done: int, failed: int = 0) -> Counts:
    return Counts(pending=pending, running=running, done=done, failed=failed)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """A pipeline that became slow must not look fast because it was."""
    clock = Clock()
    progress = Progress(monotonic=clock)
    progress.hear(counts(1000, 2, 0))
    for second in range(60):
        progress.hear(counts(1000 - second, 2, 10 * second if second < 30 else 300 + (second - 30)))
        picture = progress.picture()
        clock.now += 1
    assert picture.rate == 1.0
    assert WINDOW_S < 30


def test_what_waits_for_a_slot_is_not_shown_as_running() -> None:
    """A slot is given its next task before the present one has ended."""
    clock = Clock()
    progress = Progress(monotonic=clock)
    progress.hear(started("a", 0))
    clock.now += 5
    progress.hear(started("b", 0))
    assert [run.name for run in progress.picture().runs] == ["T(a)"]
    progress.hear(ended("a", 0))
    (run,) = progress.picture().runs
    assert (run.name, run.since) == ("T(b)", 105.0)
    progress.hear(ended("b", 0))
    assert progress.picture().runs == ()


def test_what_others_run_is_shown_with_their_names() -> None:
    clock = Clock()
    progress = Progress(monotonic=clock)
    progress.hear(RunsElsewhere(runs=(("a", "T(a)", "w1"),)))
    clock.now += 9
    progress.hear(RunsElsewhere(runs=(("a", "T(a)", "w1"), ("b", "T(b)", "w2"))))
    assert [(run.name, run.where, run.since) for run in progress.picture().runs] == [
        ("T(a)", "w1", 100.0),
        ("T(b)", "w2", 109.0),
    ]
    assert fields_of(progress.picture())["long_1"] == "T(a) for 9 s"


def test_what_a_run_says_of_itself_is_shown_until_it_ends() -> None:
    clock = Clock()
    progress = Progress(monotonic=clock)
    progress.hear(started("a", 0))
    progress.hear(RunSaid(task_id="a", message="epoch 3"))
    progress.hear(RunSaid(task_id="a", percentage=30))
    clock.now += 9
    assert progress.picture().runs[0].said == "30 %  epoch 3"
    assert fields_of(progress.picture())["long_1"] == "T(a) for 9 s: 30 %  epoch 3"
    progress.hear(ended("a", 0))
    progress.hear(RunSaid(task_id="a", message="too late"))
    progress.hear(started("a", 0))
    assert progress.picture().runs[0].said == ""


def test_a_batch_that_ends_under_another_id_is_not_shown_any_more() -> None:
    """Its combined task is made when it has begun already."""
    progress = Progress()
    progress.hear(started("batch", 0))
    progress.hear(started("b", 1))
    progress.hear(ended("combined", 0))
    assert [run.name for run in progress.picture().runs] == ["T(b)"]


def test_only_failures_are_told_as_failures() -> None:
    """A run that was given back is none, nor is one that asked for more."""
    told: list[tuple[str, str]] = []
    progress = Progress(on_failure=lambda name, cause: told.append((name, cause)))
    for task, status in (("a", "DONE"), ("b", "PENDING"), ("c", "FAILED")):
        progress.hear(started(task, 0))
        progress.hear(ended(task, 0, status, "it says why"))
    assert told == [("T(c)", "it says why")]


def test_before_anything_runs_the_picture_is_that_of_the_discovery() -> None:
    progress = Progress()
    progress.hear(Discovery(found=10, complete=4, done=False))
    picture = progress.picture()
    assert (picture.discovering, picture.found, picture.done, picture.pending) == (True, 10, 4, 6)
    assert picture.rate is None
