"""Tasks that run until they are let go; loaded by the processes of `absence.py`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from actorsched import LocalTarget, Task

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
        self._mark("start")
        gate = self.folder / "gates" / self.name
        while not gate.exists():
            time.sleep(LOOK_S)
        with self.output().open("w") as file:
            file.write("done")
        self._mark("end")

    def _mark(self, what: str) -> None:
        line = f"{what} {self.name} {os.getpid()}\n".encode()
        marks = os.open(self.folder / "marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(marks, line)  # one small write to the end of a file is one piece
        os.close(marks)


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
