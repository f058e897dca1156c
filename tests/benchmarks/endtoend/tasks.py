"""The task of the comparison, as ours."""

from __future__ import annotations

from actorsched import LocalTarget, Task
from tests.benchmarks.endtoend.contest import touch
from tests.benchmarks.endtoend.shapes import deps_of, roots_of


class Touch(Task):
    shape: str
    n: int
    folder: str
    index: int

    def requires(self) -> list[Touch]:
        return [self.clone(index=dep) for dep in deps_of(self.shape, self.index, self.n)]

    def output(self) -> LocalTarget:
        return LocalTarget(f"{self.folder}/{self.index}")

    def run(self) -> None:
        touch(f"{self.folder}/{self.index}")


class Tiny(Task):
    """Leaves nothing behind and is believed to be done once it has run."""

    job: int
    index: int

    def run(self) -> None: ...


def wanted(shape: str, n: int, folder: str) -> list[Touch]:
    """What a user would ask for."""
    return [Touch(shape, n, folder, index) for index in roots_of(shape, n)]
