"""From a job to its outcome: get the task, run it, whatever that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.errors import TaskLoadError
from actorsched.tasks.completeness import Completeness, CompletionCache, is_complete
from actorsched.tasks.loading import combined_task, load_task
from actorsched.tasks.luggage import unpack_luggage
from actorsched.tasks.mailbox import Mailbox
from actorsched.tasks.outcome import Outcome, outcome_of_error
from actorsched.tasks.registration import Registration
from actorsched.tasks.running import Attempt
from actorsched.tasks.travel import unpack


class Performer:
    """Does one job after the other; keeps at most one run suspended.

    Args:
        settings: how runs are to be done.
        travels: whether tasks come from another process and go to one.
        luggage: what that process has set up; it is unpacked when the first task comes.
    """

    def __init__(self, settings: WorkerSettings, *, travels: bool = True, luggage: bytes = b"") -> None:
        self._settings = settings
        self._travels = travels
        self._luggage = luggage
        self._kept: Attempt | None = None
        self._completeness: Completeness = (
            CompletionCache() if settings.cache_task_completion else is_complete
        )

    @property
    def suspended(self) -> bool:
        """Whether the last run waits here for its dynamic requirements."""
        return self._kept is not None

    def perform(
        self,
        job: Job,
        report: Callable[[str, Any], None],
        task: Any = None,
        messages: Mailbox | None = None,
        loaded: Callable[[], None] | None = None,
    ) -> tuple[Outcome, Registration | None]:
        """Run a job; never raises.

        Args:
            task: the task itself, where the job did not have to travel; of a batch, one member.
            report: called with (kind, value) when `run()` says something about itself.
            messages: what is sent to the task while it runs.
            loaded: called when the task is there and has not begun.

        Returns:
            The outcome, and for a task that was loaded by name what it is registered with.
        """
        kept, self._kept = self._kept, None
        if kept is not None:
            if job.resume and kept.task.task_id == job.task_id:
                return self._advance(kept, job, report, messages), None
            kept.abandon()
        registration = None
        named = task is None and job.packed is None
        try:
            self._unpack_luggage()
            if task is None and job.packed is not None:
                task = unpack(job.packed)
            if task is None:
                task = load_task(
                    job.module,
                    job.family,
                    job.params,
                    folders=self._settings.module_folders,
                    allowed=self._settings.allow_module,
                )
                registration = Registration.of(task)
                report("named", registration.name)
            elif job.is_batch:
                task = combined_task(task, job.params)
                registration = Registration.of(task)
            if job.is_batch:
                report("combined", msgspec.to_builtins(registration))
        except BaseException as error:  # importing a user's module may do anything, exit included
            foreign = named and isinstance(error, TaskLoadError)
            what = f"task {job.task_id} could not be loaded"
            return outcome_of_error(error, what, unloadable=foreign), None
        if loaded is not None:
            loaded()
        attempt = Attempt(
            task, settings=self._settings, completeness=self._completeness, travels=self._travels
        )
        return self._advance(attempt, job, report, messages), registration

    def _unpack_luggage(self) -> None:
        luggage, self._luggage = self._luggage, b""
        unpack_luggage(luggage)

    def _advance(
        self, attempt: Attempt, job: Job, report: Callable[[str, Any], None], messages: Mailbox | None
    ) -> Outcome:
        if isinstance(self._completeness, CompletionCache):
            self._completeness.learn(job.complete)
        limit_s = None if job.limit_known else _limit_of(attempt.task)
        if limit_s is not None:
            report("limit", limit_s)
        hears = getattr(attempt.task, "accepts_messages", False)
        outcome = attempt.advance(report, job.granted, messages if hears else None, job.complete)
        if attempt.parked:
            self._kept = attempt
        return outcome


def _limit_of(task: Any) -> float | None:
    """What the task says about how long it may take; nothing when that is of no use."""
    try:
        return None if task.worker_timeout is None else float(task.worker_timeout)
    except Exception:  # registering has found fault with it
        return None
