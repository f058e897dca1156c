"""Which task a person means."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from actorsched import Task, param
from actorsched.cli.logs import ids_of


class Named(Task):
    day: datetime.date
    out: Path
    text: str = "a, b"
    more: int = 1


class Plain(Task):
    pass


class Paced(Task):
    task_namespace = "shop"
    day: datetime.date
    out: Path = Path("out")
    pace: float = param(default=0.0, significant=False)
    region: str = "north"


@pytest.mark.parametrize(
    "task",
    [
        Plain(),
        Named(datetime.date(2026, 11, 24), Path("out/a")),
        Named(datetime.date(2026, 11, 24), Path("a/very/long/path/indeed"), text="x=1", more=3),
    ],
)
def test_the_name_of_a_task_tells_its_id(task: Task) -> None:
    """`logs` knows ids only, and `tasks`, `workers` and `graph` show names."""
    assert next(ids_of(str(task))) == task.task_id


def test_a_name_with_parameters_that_are_not_significant_tells_the_id_too() -> None:
    """Where they stand between others, the id shows others than the first of the name."""
    task = Paced(datetime.date(2026, 11, 24), pace=1.5)
    shown = "shop.Paced(day=2026-11-24, out=out, pace=1.5, region=north)"
    assert task.task_id in list(ids_of(shown))
