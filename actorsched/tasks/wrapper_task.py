"""A task that only holds others together."""

from __future__ import annotations

from actorsched.tasks.task import Task


class WrapperTask(Task):
    """Complete when all that it requires is complete; has nothing to run."""

    def complete(self) -> bool:
        return all(task.complete() for task in self.deps())
