"""Which task a person means."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from actorsched import Task
from actorsched.cli.logs import id_begin


class Named(Task):
    day: datetime.date
    out: Path
    text: str = "a, b"
    more: int = 1


class Plain(Task):
    pass


@pytest.mark.parametrize(
    "task",
    [
        Plain(),
        Named(datetime.date(2026, 11, 24), Path("out/a")),
        Named(datetime.date(2026, 11, 24), Path("a/very/long/path/indeed"), text="x=1", more=3),
    ],
)
def test_the_name_of_a_task_tells_how_its_id_begins(task: Task) -> None:
    """`logs` knows ids only, and `tasks`, `workers` and `graph` show names."""
    assert task.task_id.startswith(id_begin(str(task)))
    assert len(task.task_id) - len(id_begin(str(task))) == len("0123456789")
