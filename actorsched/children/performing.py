"""From a job to its outcome: get the task, run it, whatever that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.tasks.loading import load_task
from actorsched.tasks.registration import Registration
from actorsched.tasks.running import Outcome, outcome_of_error, run_task
from actorsched.tasks.travel import unpack


def perform(
    job: Job,
    settings: WorkerSettings,
    report: Callable[[str, Any], None],
    task: Any = None,
) -> tuple[Outcome, Registration | None]:
    """Run a job; never raises.

    Args:
        task: the task itself, where the job did not have to travel.
        report: called with (kind, value) when `run()` says something about itself.

    Returns:
        The outcome, and for a task that was loaded by name what it is registered with.
    """
    registration = None
    try:
        if task is None:
            if job.packed is not None:
                task = unpack(job.packed)
            else:
                task = load_task(job.module, job.family, job.params)
                registration = Registration.of(task)
    except BaseException as error:  # importing a user's module may do anything, exit included
        return outcome_of_error(error, what=f"task {job.task_id} could not be loaded"), None
    return run_task(task, settings=settings, report=report, granted=job.granted), registration
