"""What `run()` yields: further tasks that it needs, in any structure, or wrapped in Luigi's way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actorsched.tasks import luigi_bridge
from actorsched.tasks.completeness import Completeness
from actorsched.tasks.structure import outputs_of, tasks_of


class Wanted:
    """The dynamic requirements of one `yield`.

    Attributes:
        tasks: all of them, each once, in order.

    Raises:
        TaskDefinitionError: something in the structure is no task.
    """

    def __init__(self, yielded: Any) -> None:
        if isinstance(yielded, Iterator):
            yielded = list(yielded)
        self._yielded = yielded
        self._wrapped = luigi_bridge.is_dynamic_requirements(yielded)
        self.tasks = tasks_of(yielded.flat_requirements if self._wrapped else yielded, "run()")

    def are_complete(self, completeness: Completeness) -> bool:
        """Ask the tasks, up to the first that is not complete; or the wrapper, which knows a shorter way."""
        if self._wrapped:
            return bool(self._yielded.complete(completeness))
        return all(completeness(task) for task in self.tasks)

    def outputs(self) -> Any:
        """Return what the `yield` evaluates to: the outputs in the structure of the tasks."""
        return self._yielded.paths if self._wrapped else outputs_of(self._yielded)
