"""Native tasks of every kind; what happens is noted in a file, one line each."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from actorsched import Event, ExternalTask, LocalTarget, Task, WrapperTask, param


def note(folder: Path, *words: object) -> None:
    fd = os.open(folder / "story", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(fd, (" ".join(map(str, words)) + "\n").encode())
    os.close(fd)


class Noting(Task):
    folder: Path = param(significant=False)

    def note(self, *words: object) -> None:
        note(self.folder, type(self).__name__, *words)

    def output(self) -> Any:
        return LocalTarget(self.folder / self.task_id)

    def touch(self) -> None:
        with self.output().open("w") as stream:
            stream.write(str(self))

    def run(self) -> Any:
        self.note("run")
        self.touch()


class Batched(Noting):
    """Several days in one run: the last stands for all."""

    day: date = param(batch=max)
    kind: str = "k"
    token: str = param(visibility="private", default_factory=lambda: "no token")

    max_batch_size = 3

    def run(self) -> None:
        assert self.token == "secret"
        self.note("run", self.day, self.kind)
        for n in range(10):
            self.clone(day=self.day - timedelta(days=n)).touch()


class ThirdTime(Noting):
    retry_delay = 0.01
    retry_backoff = 3
    retry_jitter = 0.5

    def run(self) -> None:
        self.note("run")
        if (self.folder / "story").read_text().count("ThirdTime run") < 3:
            raise OSError("not yet")
        self.touch()


class Days(WrapperTask):
    folder: Path

    def requires(self) -> Iterator[Task]:
        for n in range(5):
            yield Batched(self.folder, date(2024, 2, 1 + n), token="secret")
        yield Batched(self.folder, date(2024, 2, 1), kind="other", token="secret")


class Leaf(Noting):
    n: int

    def complete(self) -> bool:
        self.note("complete?", self.n)
        return super().complete()


class Grows(Noting):
    leaves: int

    def run(self) -> Iterator[Any]:
        self.note("begin", os.getpid())
        for n in range(self.leaves):
            target = yield Leaf(self.folder, n)
            assert target.exists()
        self.note("end", os.getpid())
        self.touch()


class Listens(Noting):
    accepts_messages = True

    def run(self) -> None:
        self.set_status_message("listening")
        message = self.scheduler_messages.get(timeout=60)
        self.note("heard", message)
        message.respond(f"{message} yourself")
        self.touch()


class Given(ExternalTask):
    path: Path

    def output(self) -> LocalTarget:
        return LocalTarget(self.path)


class Givens(WrapperTask):
    folder: Path
    number: int

    def requires(self) -> list[Task]:
        for n in range(self.number):
            (self.folder / f"given-{n}").touch()
        return [Given(self.folder / f"given-{n}") for n in range(self.number)]


class UsesGiven(Noting):
    def requires(self) -> Given:
        return Given(self.folder / "given")


class Dies(Noting):
    def run(self) -> None:
        os._exit(7)


class Sleeps(Noting):
    worker_timeout: float

    def run(self) -> None:
        time.sleep(600)


class WantsSleeper(Noting):
    """Its requirement, found while running, is known to the worker as bytes only."""

    def run(self) -> Iterator[Any]:
        yield Sleeps(self.folder, 0.2)


class Slow(Noting):
    """A hundred of them are found; each answers when four are asked at once."""

    n: int
    together = threading.Barrier(4)

    def requires(self) -> Any:
        return [] if self.n else [Slow(self.folder, n) for n in range(1, 101)]

    def complete(self) -> bool:
        if self.n:
            self.together.wait(60)
        return super().complete()


class Around:
    def __init__(self, run: Any) -> None:
        self.task = run.task

    def __enter__(self) -> None:
        self.task.note("enter")

    def __exit__(self, *error: object) -> None:
        self.task.note("leave")


for _event, _name in {value: name for name, value in vars(Event).items() if name.isupper()}.items():

    @Noting.event_handler(_event)
    def hear(task: Noting, *more: object, name: str = _name) -> None:
        shown = [one if isinstance(one, str) else type(one).__name__ for one in more]
        note(task.folder, "EVENT", name, type(task).__name__, *shown)
