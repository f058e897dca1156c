"""Run one task. This is the one place where user code is guarded: nothing that it raises gets out.

A run has one end, an `Outcome`, whatever the task does short of ending its process. Luigi's order is
kept: dependencies are checked, START, run(), complete(), PROCESSING_TIME, on_success(), SUCCESS; or FAILURE
and on_failure(). Dynamic requirements that are not complete end the run as PENDING; it starts from
the beginning when they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import msgspec

from actorsched.config import WorkerSettings
from actorsched.errors import CallerError, TaskDefinitionError, TaskLoadError
from actorsched.tasks import luigi_bridge
from actorsched.tasks.blame import as_text, cause_of, traceback_of
from actorsched.tasks.completeness import (
    Completeness,
    cannot_be_checked,
    is_complete,
    is_external,
    is_fulfilled,
)
from actorsched.tasks.discovery import discover
from actorsched.tasks.event import Event
from actorsched.tasks.registration import Registration
from actorsched.tasks.structure import display_name, flatten, outputs_of, tasks_of
from actorsched.tasks.travel import pack

#: a message about missing dependencies names so many
MISSING_NAMES_MAX = 10


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes:
        status: "DONE", "FAILED", or "PENDING": it waits for `new_deps`.
        error: the traceback, or what `on_failure` said instead; empty unless failed.
        cause: the same in one line.
        new_deps: ids of the dynamic requirements that it waits for.
        discovered: what those need, to be registered, each with the bytes of the task, if it is to be run.
        missing: ids of dependencies that were not complete when the run began.
        expl: what `on_success` said.
    """

    status: Literal["DONE", "FAILED", "PENDING"]
    error: str = ""
    cause: str = ""
    new_deps: tuple[str, ...] = ()
    discovered: tuple[tuple[Registration, bytes | None], ...] = ()
    missing: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    expl: str | None = None


#: takes what a task says while it runs: the name of the method that it called, and the value
Reporter = Callable[[str, Any], None]


def outcome_of_error(error: BaseException, what: str = "") -> Outcome:
    """Return the outcome of a run that could not begin.

    Args:
        what: what could not be done; stands in front.
    """
    head = f"{what}: " if what else ""
    text = str(error) if isinstance(error, CallerError) else traceback_of(error)
    return Outcome(status="FAILED", error=f"{head}{text}", cause=f"{head}{cause_of(error)}")


class UnfulfilledError(RuntimeError):
    """Dependencies are not complete when the task is about to run."""

    def __init__(self, missing: list[Any]) -> None:
        names = [_with_absent_outputs(task) for task in missing[:MISSING_NAMES_MAX]]
        if len(missing) > MISSING_NAMES_MAX:
            names.append(f"and {len(missing) - MISSING_NAMES_MAX} more")
        noun = "dependency" if len(missing) == 1 else "dependencies"
        super().__init__(f"unfulfilled {noun} at run time: {', '.join(names)}")
        self.task_ids = tuple(task.task_id for task in missing)


class IncompleteError(RuntimeError):
    """A run ended, and its task is not complete."""


def run_task(
    task: Any,
    *,
    settings: WorkerSettings,
    report: Reporter,
    completeness: Completeness = is_complete,
    granted: Collection[str] = (),
) -> Outcome:
    """Run the task once.

    Args:
        settings: `check_unfulfilled_deps`, `check_complete_on_run`, `retry_external_tasks` count here.
        report: takes messages while run() runs.
        completeness: how to ask a task.
        granted: ids of earlier dynamic requirements of this task that are done. It matters only for those
            that have neither outputs nor a complete() of their own, and so could not be told from new ones.

    Returns:
        how it ended; nothing is raised, not even SystemExit or KeyboardInterrupt.
    """
    run = _Run(task, settings, report, completeness, granted)
    started = time.monotonic()
    try:
        outcome = run.attempt()
    except BaseException as error:
        outcome = run.failure(error)
    return msgspec.structs.replace(outcome, elapsed_s=time.monotonic() - started)


class _Run:
    def __init__(
        self,
        task: Any,
        settings: WorkerSettings,
        report: Reporter,
        completeness: Completeness,
        granted: Collection[str],
    ) -> None:
        self.task = task
        self.settings = settings
        self.report = report
        self.completeness = completeness
        self.granted = granted

    def attempt(self) -> Outcome:
        task = self.task
        external = is_external(task)
        if self.settings.check_unfulfilled_deps and not external:
            missing = [dep for dep in tasks_of(task.deps(), "requires()") if not self._fulfilled(dep)]
            if missing:
                raise UnfulfilledError(missing)
        task.trigger_event(Event.START, task)
        started = time.monotonic()
        if external:
            if not self.completeness(task):
                cause = "external: its output does not exist (yet)"
                return Outcome(status="FAILED", error=cause, cause=cause)
        else:
            waiting = self._work()
            if waiting is not None:
                return waiting
            self._check_complete()
        task.trigger_event(Event.PROCESSING_TIME, task, time.monotonic() - started)
        expl = as_text(task.on_success())
        task.trigger_event(Event.SUCCESS, task)
        return Outcome(status="DONE", expl=expl)

    def failure(self, error: BaseException) -> Outcome:
        """Tell the task, and make the outcome. Its own handler may fail as well."""
        text, cause = traceback_of(error), cause_of(error)
        try:
            try:
                self.task.trigger_event(Event.FAILURE, self.task, error)
                raise error  # Luigi's on_failure reads the traceback from the exception that is being handled
            except BaseException as current:
                said = self.task.on_failure(current)
                if type(self.task).on_failure.__module__ != "luigi.task":
                    text = as_text(said) or text
        except BaseException as second:
            text += f"\n\nand then on_failure() failed:\n{traceback_of(second)}"
        missing = error.task_ids if isinstance(error, UnfulfilledError) else ()
        return Outcome(status="FAILED", error=text, cause=cause, missing=missing)

    def _fulfilled(self, task: Any) -> bool:
        return is_fulfilled(task, self.completeness)

    def _check_complete(self) -> None:
        task = self.task
        if not self.settings.check_complete_on_run or cannot_be_checked(task):
            return
        if not self._fulfilled(task):
            absent = _absent_outputs(task)
            raise IncompleteError(
                f"run() of {task.task_family} returned, but complete() is still false"
                + (f": {', '.join(absent)} does not exist" if absent else "")
            )

    def _work(self) -> Outcome | None:
        """Call run(); return an outcome only when it has to wait."""
        with _speaking(self.task, self.report):
            generator = self.task.run()
            if not isinstance(generator, Generator):
                return None
            try:
                return self._advance(generator)
            finally:
                generator.close()

    def _advance(self, generator: Generator[Any, Any, Any]) -> Outcome | None:
        try:
            wanted = next(generator)
            while True:
                if luigi_bridge.is_dynamic_requirements(wanted):
                    tasks = tasks_of(wanted.flat_requirements, "run()")
                    ready, outputs = wanted.complete(self._has), wanted.paths
                else:
                    if isinstance(wanted, Iterator):
                        wanted = list(wanted)
                    tasks = tasks_of(wanted, "run()")
                    ready, outputs = all(map(self._has, tasks)), None
                if not ready:
                    return self._wait_for(tasks)
                wanted = generator.send(outputs_of(wanted) if outputs is None else outputs)
        except StopIteration:
            return None

    def _has(self, task: Any) -> bool:
        if task.task_id in self.granted and cannot_be_checked(task):
            return True
        return self.completeness(task)

    def _wait_for(self, tasks: list[Any]) -> Outcome:
        own_id = self.task.task_id
        found = []
        for item in discover(tasks, settings=self.settings, seen={own_id}, completeness=self.completeness):
            if own_id in (item.registration.deps or ()) or item.task is self.task:
                name = display_name(self.task)
                raise TaskDefinitionError(
                    f"dependency cycle: {name} -> … -> {display_name(item.task)} -> {name}"
                )
            found.append((item.registration, _packed(item.task) if item.kind == "pending" else None))
        new_deps = tuple(task.task_id for task in tasks)
        if own_id in new_deps:
            raise TaskDefinitionError(
                f"dependency cycle: run() of {display_name(self.task)} yielded the task itself"
            )
        return Outcome(status="PENDING", new_deps=new_deps, discovered=tuple(found))


def _packed(task: Any) -> bytes | None:
    try:
        return pack(task)
    except TaskLoadError:
        return None  # then it can only be made again by name


class _Voice:
    """The methods by which a task says something about its run; arguments are named as in Luigi."""

    #: a queue of messages for the task; nobody sends any yet
    scheduler_messages = None

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def set_status_message(self, message: str) -> None:
        self._report("set_status_message", message)

    def set_progress_percentage(self, percentage: float) -> None:
        self._report("set_progress_percentage", percentage)

    def set_tracking_url(self, tracking_url: str) -> None:
        self._report("set_tracking_url", tracking_url)

    def decrease_running_resources(self, decrease_resources: Mapping[str, int]) -> None:
        self._report("decrease_running_resources", dict(decrease_resources))


@contextmanager
def _speaking(task: Any, report: Reporter) -> Iterator[None]:
    """Let the task speak while it runs; afterwards it is as before, and can be pickled."""
    state = vars(task)
    before = {name: state[name] for name in luigi_bridge.FORWARDED if name in state}
    voice = _Voice(report)
    for name in luigi_bridge.FORWARDED:
        state[name] = getattr(voice, name)
    try:
        yield
    finally:
        for name in luigi_bridge.FORWARDED:
            state.pop(name, None)
        state.update(before)


def _absent_outputs(task: Any) -> list[str]:
    return [str(output) for output in flatten(task.output()) if not output.exists()]


def _with_absent_outputs(task: Any) -> str:
    try:
        absent = _absent_outputs(task)
    except Exception:
        absent = []  # the message is about something else
    return f"{display_name(task)} ({', '.join(absent)})" if absent else display_name(task)
