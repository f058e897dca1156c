"""A task whose output somebody else makes."""

from __future__ import annotations

from actorsched.tasks.task import Task


class ExternalTask(Task):
    """Never run; only asked whether it is complete. Any task class with `run = None` is external too."""

    run = None  # type: ignore[assignment]  # that is how Luigi says it, and what a worker looks at
