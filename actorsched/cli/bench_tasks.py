"""The task that `actorsched bench` runs; in a module of its own, because child processes import it."""

from __future__ import annotations

from actorsched.tasks import LocalTarget, Task


def touch(path: str) -> None:
    """Create an empty file."""
    with open(path, "wb"):
        pass


class Touch(Task):
    folder: str
    name: str

    def output(self) -> LocalTarget:
        return LocalTarget(f"{self.folder}/{self.name}")

    def run(self) -> None:
        touch(f"{self.folder}/{self.name}")
