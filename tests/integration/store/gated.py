"""Tasks that run until they are let go; loaded by the processes of `absence.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from actorsched import LocalTarget, Task
from tests.integration.store.marks import mark

#: between two looks at the gate
LOOK_S = 0.05


class Gated(Task):
    """Starts, and ends when the file of its name lies in `gates`; it needs the tasks that stand before it."""

    folder: Path
    name: str
    after: tuple[str, ...] = ()

    def requires(self) -> Iterator[Gated]:
        for name in self.after:
            yield Gated(self.folder, name)

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / "out" / self.name)

    def run(self) -> None:
        mark(self.folder, "start", self.name)
        gate = self.folder / "gates" / self.name
        while not gate.exists():
            time.sleep(LOOK_S)
        with self.output().open("w") as file:
            file.write("done")
        mark(self.folder, "end", self.name)


class AllGated(Task):
    """One ends while the scheduler is away, one runs on over all of it, one can only start afterwards."""

    folder: Path

    def requires(self) -> Iterator[Gated]:
        yield Gated(self.folder, "through")
        yield Gated(self.folder, "next", ("during",))

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / "out" / "all")

    def run(self) -> None:
        with self.output().open("w") as file:
            file.write("done")
