"""A pipeline whose tasks say when they start and end; loaded by the processes of the crash tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from actorsched import LocalTarget, Task
from tests.integration.store.marks import mark

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
        mark(self.folder, "start", f"{self.layer}-{self.number}")
        time.sleep(self.work_s)
        with self.output().open("w") as file:
            file.write("done")
        mark(self.folder, "end", f"{self.layer}-{self.number}")


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
