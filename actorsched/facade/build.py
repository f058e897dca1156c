"""Add, run, summarise: a whole run in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from actorsched.facade.events import Event
from actorsched.facade.result import RunResult
from actorsched.facade.worker import Worker


def build(
    tasks: Iterable[Any],
    workers: int = 1,
    scheduler: Any = None,
    observer: Callable[[Event], None] | None = None,
    **options: Any,
) -> RunResult:
    """Run tasks and everything that they need.

    Args:
        tasks: native tasks, or `luigi.Task`s.
        workers: number of slots.
        scheduler: as for `Worker`.
        observer: as for `Worker`.
        options: fields of `WorkerSettings`, by keyword.

    Returns:
        What came of it; `result.succeeded` if and only if all of `tasks` are complete.

    Raises:
        ConfigError: an unknown option, or a bad value.
        TaskDefinitionError: something in `tasks` is no task.
        SchedulerUnreachableError: nobody answered within the patience of the client.
    """
    with Worker(scheduler, worker_processes=workers, observer=observer, **options) as worker:
        worker.add_all(tasks)
        worker.run()
        return worker.result
