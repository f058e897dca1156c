"""What a child says of a job, beside how it ended."""

from __future__ import annotations

from typing import Any

from actorsched.children.performing import Performer
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks import Task, param


class Called(Task):
    """Has a name for people, and something that is not for them."""

    n: int
    key: str = param(default="none", visibility="private")

    def complete(self) -> bool:
        return True

    def run(self) -> None: ...


def said_of(**job: Any) -> list[tuple[str, Any]]:
    said: list[tuple[str, Any]] = []
    performer = Performer(WorkerSettings())
    named = Job(run_id="r", task_id="Called_1", module=__name__, family="Called", **job)
    outcome, _ = performer.perform(named, lambda kind, value: said.append((kind, value)))
    assert outcome.status == "DONE", outcome.error
    return said


def test_a_task_that_is_loaded_is_named_before_it_runs() -> None:
    """On a node, which has only its id until then, and shows what it prints under this name."""
    assert said_of(params={"n": "1"}) == [("named", "Called(n=1)")]
