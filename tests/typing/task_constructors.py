"""What a type checker knows of a task: never run, only checked (tox -e types).

An ignore that is not needed is an error there, so each of them says that the mistake is found.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, assert_type

from actorsched import Event, ExternalTask, LocalTarget, Task, WrapperTask, param


class Words(Task):
    day: date
    top: int = 10
    out: Path = Path("out")
    note: str = param(default="", significant=False)
    tags: list[str] = param(default_factory=list, help="of the words")
    secret: str | None = param(default=None, visibility="private")
    high: int = param(default=0, batch=max)

    priority = 5
    resources = {"database": 1}  # noqa: RUF012  # as people write it

    def output(self) -> LocalTarget:
        return LocalTarget(self.out / f"{self.day}.txt")

    def run(self) -> None:
        with self.output().open("w") as stream:
            stream.write("words")


class Report(WrapperTask):
    days: tuple[date, ...]

    @property
    def priority(self) -> int:
        return len(self.days)

    def requires(self) -> list[Words]:
        return [Words(day, top=5) for day in self.days]


class Given(ExternalTask):
    name: str

    def output(self) -> LocalTarget:
        return LocalTarget(self.name)


class More(Words):
    extra: bool = False


DAY = date(2024, 2, 29)
words = Words(DAY)
assert_type(words.day, date)
assert_type(words.top, int)
assert_type(words.tags, list[str])
assert_type(words.secret, str | None)
assert_type(words.task_id, str)
assert_type(Words.from_str_params({"day": "2024-02-29"}), Words)
Words(DAY, 3, Path("x"), note="n", tags=["a"], secret=None, high=1)
More(DAY, extra=True)
Report((DAY,))
Given("a")

Words()  # type: ignore[call-arg]
Words("2024-02-29")  # type: ignore[arg-type]
Words(DAY, tpo=1)  # type: ignore[call-arg]
Words(DAY, tags="a")  # type: ignore[arg-type]
words.top = 3  # type: ignore[misc]


class Bad(Task):
    number: int = param(default="x")  # type: ignore[assignment]


@Words.event_handler(Event.SUCCESS)
def seal(task: Words) -> None:
    assert_type(task, Words)


def clone() -> Any:
    return words.clone(Given, name="a")
