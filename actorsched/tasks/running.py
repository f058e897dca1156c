"""Run one task. This is the one place where user code is guarded: nothing that it raises gets out.

A run has one end, an `Outcome`, whatever the task does short of ending its process. Luigi's order is
kept: dependencies are checked, START, run(), complete(), PROCESSING_TIME, on_success(), SUCCESS; or FAILURE
and on_failure().

Dynamic requirements that are not complete end the run as PENDING. What a worker relies on here:

* `run_task` forgets the generator; the next run starts from the beginning.
* `Attempt.advance` keeps it (`parked`); when the requirements are done, `advance` goes on behind the `yield`.
  Each stretch has its own reporter, messages, context and outcome; START is triggered in the first. An
  attempt stays in the process and the thread that began it: a generator does not travel.
* `granted` names dynamic requirements that were asked for. They are done as far as the scheduler knows, who
  may have been told less than all; so only those that cannot be checked are believed.
* `done` names those that this worker has seen done since. When an attempt goes on, they are not asked again
  if runs are checked (`check_complete_on_run`): their own run has just asked them. So k yields cost
  k questions here, and one at the end of each requirement's own run.
* What a run says (`report`) has these kinds: set_status_message (text), set_progress_percentage (number),
  set_tracking_url (text), decrease_running_resources (name to amount), and respond ({message_id, response}).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Generator, Iterator
from functools import partial
from typing import Any

import msgspec

from actorsched.config import WorkerSettings
from actorsched.errors import TaskDefinitionError, TaskLoadError
from actorsched.tasks.blame import TEXT_CHARS_MAX, as_text, cause_of, shorten, traceback_of
from actorsched.tasks.completeness import (
    Completeness,
    cannot_be_checked,
    is_complete,
    is_external,
    is_fulfilled,
    is_plain_wrapper,
)
from actorsched.tasks.discovery import discover
from actorsched.tasks.dynamic import Wanted
from actorsched.tasks.event import Event
from actorsched.tasks.outcome import Outcome, outcome_of_error
from actorsched.tasks.registration import Registration
from actorsched.tasks.run_context import run_context
from actorsched.tasks.structure import display_name, flatten, refuse_async, tasks_of
from actorsched.tasks.travel import pack
from actorsched.tasks.voice import Reporter, speaking

#: a message about missing dependencies names so many
MISSING_NAMES_MAX = 10

#: pauses between two questions to a store that settles late: doubled from the first to the last, seconds
SETTLING_PAUSE_S_MIN = 0.05
SETTLING_PAUSE_S_MAX = 1.0


class UnfulfilledError(RuntimeError):
    """Dependencies are not complete when the task is about to run."""

    def __init__(self, missing: list[Any], answers: dict[str, bool]) -> None:
        names = [_with_absent_outputs(task) for task in missing[:MISSING_NAMES_MAX]]
        if len(missing) > MISSING_NAMES_MAX:
            names.append(f"and {len(missing) - MISSING_NAMES_MAX} more")
        noun = "dependency" if len(missing) == 1 else "dependencies"
        super().__init__(f"unfulfilled {noun} at run time: {', '.join(names)}")
        self.task_ids = tuple(task.task_id for task in missing)
        #: what was asked to find that out: task id → complete
        self.answers = answers


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
    """Run the task once, from the beginning, in one stretch.

    Args:
        settings: `check_unfulfilled_deps`, `check_complete_on_run`, `completion_grace`,
            `retry_external_tasks` and `task_process_context` count here.
        report: takes messages while run() runs.
        completeness: how to ask a task.
        granted: ids of earlier dynamic requirements of this task that are done. It matters only for those
            that have neither outputs nor a complete() of their own, and so could not be told from new ones.

    Returns:
        how it ended; nothing is raised, not even SystemExit or KeyboardInterrupt.
    """
    attempt = Attempt(task, settings=settings, completeness=completeness)
    outcome = attempt.advance(report, granted)
    attempt.abandon()
    return outcome


class Attempt:
    """One pass over a task's `run()`, in one stretch or, with dynamic requirements, in several.

    Args:
        task: the task; settings, completeness: as for `run_task`.
        wait: how to let time pass while a store settles.
        travels: whether the requirements that it finds go to another process. Where they do not, they are
            handed over as themselves: a class that was packed by value would be set back, with all its
            attributes, to what it was when it was packed.
    """

    def __init__(
        self,
        task: Any,
        *,
        settings: WorkerSettings,
        completeness: Completeness = is_complete,
        wait: Callable[[float], None] = time.sleep,
        travels: bool = True,
    ) -> None:
        self.task = task
        self._settings = settings
        self._completeness = completeness
        self._wait = wait
        self._carry = _packed if travels else _itself
        self._granted: Collection[str] = ()
        self._done: Collection[str] = ()
        self._generator: Generator[Any, Any, Any] | None = None
        self._wanted: Wanted | None = None
        self._worked_s = 0.0

    @property
    def parked(self) -> bool:
        """Whether it waits behind a `yield` and can go on."""
        return self._wanted is not None

    def advance(
        self,
        report: Reporter,
        granted: Collection[str] = (),
        messages: Any = None,
        done: Collection[str] = (),
    ) -> Outcome:
        """Begin, or go on behind the `yield`; up to the next requirement that is not complete, or the end.

        Args:
            report: takes messages during this stretch.
            granted, done: see the top of the module.
            messages: the queue that the task sees as `scheduler_messages`.

        Returns:
            how the stretch ended; `elapsed_s` is its own. Nothing is raised.
        """
        self._granted, self._done = granted, done
        started = time.monotonic()
        try:
            with run_context(self._settings.task_process_context, self.task):
                outcome = self._stretch(report, messages)
        except BaseException as error:  # the context's own
            self.abandon()
            outcome = outcome_of_error(error, what="the context of the run failed")
        elapsed_s = time.monotonic() - started
        self._worked_s += elapsed_s
        return msgspec.structs.replace(outcome, elapsed_s=elapsed_s)

    def abandon(self) -> None:
        """Close the generator, if there is one; what its `finally` raises is logged and harms nobody."""
        generator, self._generator, self._wanted = self._generator, None, None
        if generator is None:
            return
        try:
            generator.close()
        except BaseException:
            logging.getLogger(__name__).exception("run() of %s failed while it was closed", self.task.task_id)

    def _stretch(self, report: Reporter, messages: Any) -> Outcome:
        try:
            began = time.monotonic()
            if self._generator is None:
                external = is_external(self.task)
                self._check_dependencies(external)
                self.task.trigger_event(Event.START, self.task)
                began = time.monotonic()
                waiting = self._ask_outside() if external else self._work(report, messages)
            else:
                external = False
                waiting = self._work(report, messages)
            if waiting is not None:
                return waiting
            if not external:
                self._check_complete()
            return self._success(self._worked_s + time.monotonic() - began)
        except BaseException as error:
            self.abandon()
            return self._failure(error)

    def _check_dependencies(self, external: bool) -> None:
        if self._settings.check_unfulfilled_deps and not external:
            answers: dict[str, bool] = {}
            ask = partial(self._ask, answers)
            missing = [dep for dep in tasks_of(self.task.deps(), "requires()") if not is_fulfilled(dep, ask)]
            if missing:
                raise UnfulfilledError(missing, answers)

    def _ask_outside(self) -> Outcome | None:
        if self._completeness(self.task):
            return None
        cause = "external: its output does not exist (yet)"
        return Outcome(status="FAILED", error=cause, cause=cause)

    def _success(self, seconds: float) -> Outcome:
        task = self.task
        task.trigger_event(Event.PROCESSING_TIME, task, seconds)
        expl = as_text(task.on_success())
        task.trigger_event(Event.SUCCESS, task)
        return Outcome(status="DONE", expl=None if expl is None else shorten(expl, TEXT_CHARS_MAX))

    def _failure(self, error: BaseException) -> Outcome:
        """Tell the task, and make the outcome. Its own handler may fail as well."""
        try:
            cause, text = cause_of(error), self._told(error)
            if not isinstance(error, UnfulfilledError):
                return Outcome(status="FAILED", error=text, cause=cause)
            try:  # what is missing may have to be made again, and this task after it
                found = tuple(self._discover([self.task], set(), partial(self._ask, error.answers)))
            except BaseException as second:
                text += f"\n\nand what is missing could not be scheduled again:\n{traceback_of(second)}"
                found = ()
            return Outcome(status="FAILED", error=text, cause=cause, missing=error.task_ids, discovered=found)
        finally:
            # the traceback of the error knows this frame; as long as the frame knew the error, too, what
            # run() had open would stay so, and Luigi removes unfinished files when they are forgotten
            del error

    def _told(self, error: BaseException) -> str:
        """Tell handlers and the task; returns the text of the failure."""
        text = traceback_of(error)
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
        finally:
            del error  # see _failure
        return text

    def _fulfilled(self, task: Any) -> bool:
        return is_fulfilled(task, self._completeness)

    def _check_complete(self) -> None:
        task = self.task
        if not self._settings.check_complete_on_run:
            return
        if self._settings.check_unfulfilled_deps and is_plain_wrapper(task):
            return  # these two are the same question, and there may be many tasks to ask
        left_s, pause_s = self._settings.completion_grace, SETTLING_PAUSE_S_MIN
        while not self._fulfilled(task):
            if left_s <= 0:
                absent = _absent_outputs(task)
                raise IncompleteError(
                    f"run() of {task.task_family} returned, but complete() is still false"
                    + (f": {', '.join(absent)} does not exist" if absent else "")
                )
            pause_s = min(pause_s, left_s)
            self._wait(pause_s)
            left_s -= pause_s
            pause_s = min(2 * pause_s, SETTLING_PAUSE_S_MAX)

    def _work(self, report: Reporter, messages: Any) -> Outcome | None:
        """Call run(), or go on with it; return an outcome only when it has to wait."""
        with speaking(self.task, report, messages):
            if self._generator is None:
                generator = self.task.run()
                if not isinstance(generator, Generator):
                    refuse_async(self.task, generator)
                    return None
                self._generator = generator
            return self._follow(self._generator)

    def _follow(self, generator: Generator[Any, Any, Any]) -> Outcome | None:
        try:
            if self._wanted is None:
                wanted = Wanted(next(generator))
            else:
                wanted, self._wanted = self._wanted, None
                if self._all_done(wanted):
                    wanted = Wanted(generator.send(wanted.outputs()))
            while True:
                answers: dict[str, bool] = {}
                if not wanted.are_complete(partial(self._ask, answers)):
                    outcome = self._wait_for(wanted.tasks, answers)
                    self._wanted = wanted
                    return outcome
                wanted = Wanted(generator.send(wanted.outputs()))
        except StopIteration:
            self._generator = None
            return None

    def _all_done(self, wanted: Wanted) -> bool:
        """Whether nobody needs to be asked again."""
        checked = self._settings.check_complete_on_run
        return checked and all(task.task_id in self._done for task in wanted.tasks)

    def _ask(self, answers: dict[str, bool], task: Any) -> bool:
        if task.task_id in self._granted and cannot_be_checked(task):
            return True
        if task.task_id not in answers:
            answers[task.task_id] = self._completeness(task)
        return answers[task.task_id]

    def _wait_for(self, tasks: list[Any], answers: dict[str, bool]) -> Outcome:
        """Return the outcome of a run that waits for these tasks, some of which have been asked just now."""

        def ask_once(task: Any) -> bool:
            answer = answers.pop(task.task_id, None)
            return self._completeness(task) if answer is None else answer

        own_id = self.task.task_id
        found = tuple(self._discover(tasks, {own_id}, ask_once))
        for registration, _ in found:
            if own_id in (registration.deps or ()):
                name = display_name(self.task)
                raise TaskDefinitionError(f"dependency cycle: {name} -> … -> {registration.name} -> {name}")
        new_deps = tuple(task.task_id for task in tasks)
        if own_id in new_deps:
            raise TaskDefinitionError(
                f"dependency cycle: run() of {display_name(self.task)} yielded the task itself"
            )
        return Outcome(status="PENDING", new_deps=new_deps, discovered=found)

    def _discover(
        self, tasks: list[Any], seen: set[str], completeness: Completeness
    ) -> Iterator[tuple[Registration, Any]]:
        for item in discover(tasks, settings=self._settings, seen=seen, completeness=completeness):
            yield item.registration, self._carry(item.task) if item.kind == "pending" else None


def _itself(task: Any) -> Any:
    return task


def _packed(task: Any) -> bytes | None:
    try:
        return pack(task)
    except TaskLoadError:
        return None  # then it can only be made again by name


def _absent_outputs(task: Any) -> list[str]:
    return [str(output) for output in flatten(task.output()) if not output.exists()]


def _with_absent_outputs(task: Any) -> str:
    try:
        absent = _absent_outputs(task)
    except Exception:
        absent = []  # the message is about something else
    return f"{display_name(task)} ({', '.join(absent)})" if absent else display_name(task)
