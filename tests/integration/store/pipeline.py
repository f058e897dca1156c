"""A pipeline whose tasks say when they start and end; loaded by the processes of the crash tests."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from actorsched import LocalTarget, Task

WIDTH = 20


class Step(Task):
    """One task of a layer; it needs two of the layer below."""

    folder: Path
    layer: int
    number: int
    work_s: float = 0.01

    def requires(self) -> Iterator[Step]:
        if self.layer:
            for number in {self.number, (self.number * 7 + self.layer) % WIDTH}:
                yield Step(self.folder, self.layer - 1, number, self.work_s)

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / "out" / f"{self.layer}-{self.number}")

    def run(self) -> None:
        self._mark("start")
        time.sleep(self.work_s)
        with self.output().open("w") as file:
            file.write("done")
        self._mark("end")

    def _mark(self, what: str) -> None:
        line = f"{what} {self.layer}-{self.number} {os.getpid()}\n".encode()
        marks = os.open(self.folder / "marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(marks, line)  # one small write to the end of a file is one piece
        os.close(marks)


class All(Task):
    """The whole pipeline."""

    folder: Path
    layers: int
    work_s: float = 0.01

    def requires(self) -> Iterator[Step]:
        for number in range(WIDTH):
            yield Step(self.folder, self.layers - 1, number, self.work_s)

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / "out" / "all")

    def run(self) -> None:
        with self.output().open("w") as file:
            file.write("done")
