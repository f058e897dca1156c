"""Run one task. This is the one place where user code is guarded: nothing that it raises gets out.

A run has one end, an `Outcome`, whatever the task does short of ending its process. Luigi's order is
kept: dependencies are checked, START, run(), complete(), PROCESSING_TIME, on_success(), SUCCESS; or FAILURE
and on_failure().

Dynamic requirements that are not complete end the attempt as PENDING, and the generator is kept: when
they are done, the run goes on where it was (`TaskRun.resume`). Whoever has lost the generator starts
again from the beginning; requirements that are complete by then are passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from importlib import import_module
from typing import Any, Literal

import msgspec

from actorsched.config import WorkerSettings
from actorsched.errors import CallerError, TaskDefinitionError, TaskLoadError
from actorsched.tasks import luigi_bridge
from actorsched.tasks.blame import TEXT_CHARS_MAX, as_text, cause_of, shorten, traceback_of
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
from actorsched.tasks.voice import Messages, Reporter, Voice

#: a message about missing dependencies names so many
MISSING_NAMES_MAX = 10
#: seconds between two looks at a store that settles late
SETTLE_POLL_S = 0.05


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes:
        status: "DONE", "FAILED", or "PENDING": it waits for `new_deps`.
        error: the traceback, or what `on_failure` said instead; empty unless failed.
        cause: the same in one line.
        new_deps: ids of the dynamic requirements that it waits for.
        discovered: what is to be registered, each with the bytes of the task, if it is to be run: what the
            dynamic requirements need, or, where something is missing, the task and what it needs.
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
    messages: Messages | None = None,
) -> Outcome:
    """Make one attempt at the task and keep nothing; see `TaskRun`."""
    run = TaskRun(task, settings, completeness, granted)
    try:
        return run.start(report, messages)
    finally:
        run.close()


class TaskRun:
    """One way through `run()`, in as many parts as it waits for dynamic requirements.

    Args:
        settings: `check_unfulfilled_deps`, `check_complete_on_run`, `check_complete_grace`,
            `retry_external_tasks` and `task_process_context` count here.
        completeness: how to ask a task.
        granted: ids of earlier dynamic requirements of this task that are done. It matters only for those
            that have neither outputs nor a complete() of their own, and so could not be told from new ones.

    Attributes:
        suspended: whether it waits, and `resume` can go on.
    """

    def __init__(
        self,
        task: Any,
        settings: WorkerSettings,
        completeness: Completeness = is_complete,
        granted: Collection[str] = (),
    ) -> None:
        self.task = task
        self.settings = settings
        self.completeness = completeness
        self.granted = granted
        self._report: Reporter = _nobody
        self._messages: Messages | None = None
        self._generator: Generator[Any, Any, Any] | None = None
        self._answer: Any = None  # what the generator gets when it goes on
        self._started = 0.0

    @property
    def suspended(self) -> bool:
        return self._generator is not None

    def start(self, report: Reporter, messages: Messages | None = None) -> Outcome:
        """Run from the beginning.

        Args:
            report: takes messages while run() runs.
            messages: where the task finds messages that were sent to it.

        Returns:
            how it ended; nothing is raised, not even SystemExit or KeyboardInterrupt.
        """
        return self._guarded(self._begin, report, messages)

    def resume(self, report: Reporter, messages: Messages | None = None) -> Outcome:
        """Go on where it was suspended; what it waited for is taken as done. Otherwise as `start`."""
        assert self.suspended
        return self._guarded(self._go_on, report, messages)

    def close(self) -> None:
        """Let go of a run that is suspended: its generator is closed."""
        generator, self._generator = self._generator, None
        if generator is not None:
            with suppress(BaseException):  # the end of this run has been told already
                generator.close()

    def _guarded(
        self, part: Callable[[], Outcome | None], report: Reporter, messages: Messages | None
    ) -> Outcome:
        self._report, self._messages = report, messages
        started = time.monotonic()
        try:
            with _context_of(self):
                outcome = part() or self._succeed()
        except BaseException as error:
            self.close()
            outcome = self._failed(error)
        return msgspec.structs.replace(outcome, elapsed_s=time.monotonic() - started)

    def _begin(self) -> Outcome | None:
        """Return an outcome when it is not success."""
        task = self.task
        external = is_external(task)
        if self.settings.check_unfulfilled_deps and not external:
            missing = [dep for dep in tasks_of(task.deps(), "requires()") if not self._fulfilled(dep)]
            if missing:
                raise UnfulfilledError(missing)
        task.trigger_event(Event.START, task)
        self._started = time.monotonic()
        if external:
            if self.completeness(task):
                return None
            cause = "external: its output does not exist (yet)"
            return Outcome(status="FAILED", error=cause, cause=cause)
        with self._speaking():
            generator = task.run()
            if isinstance(generator, Generator):
                self._generator = generator
                return self._advance(generator)
        return None

    def _go_on(self) -> Outcome | None:
        assert self._generator is not None
        with self._speaking():
            return self._advance(self._generator)

    def _succeed(self) -> Outcome:
        task = self.task
        if not is_external(task):
            self._check_complete()
        task.trigger_event(Event.PROCESSING_TIME, task, time.monotonic() - self._started)
        expl = as_text(task.on_success())
        task.trigger_event(Event.SUCCESS, task)
        return Outcome(status="DONE", expl=None if expl is None else shorten(expl, TEXT_CHARS_MAX))

    def _failed(self, error: BaseException) -> Outcome:
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
        if not isinstance(error, UnfulfilledError):
            return Outcome(status="FAILED", error=text, cause=cause)
        try:  # what is missing may have to be made again, and this task after it
            found = tuple(self._discover([self.task], self.completeness))
        except BaseException as second:
            text += f"\n\nand what is missing could not be scheduled again:\n{traceback_of(second)}"
            found = ()
        return Outcome(status="FAILED", error=text, cause=cause, missing=error.task_ids, discovered=found)

    def _fulfilled(self, task: Any) -> bool:
        return is_fulfilled(task, self.completeness)

    def _check_complete(self) -> None:
        task = self.task
        if not self.settings.check_complete_on_run or cannot_be_checked(task):
            return
        deadline = time.monotonic() + self.settings.check_complete_grace
        while not self._fulfilled(task):
            if (left := deadline - time.monotonic()) > 0:
                time.sleep(min(SETTLE_POLL_S, left))
                continue
            absent = _absent_outputs(task)
            raise IncompleteError(
                f"run() of {task.task_family} returned, but complete() is still false"
                + (f": {', '.join(absent)} does not exist" if absent else "")
            )

    def _advance(self, generator: Generator[Any, Any, Any]) -> Outcome | None:
        """Return an outcome when it has to wait; the answer for the generator is then kept."""
        answer, self._answer = self._answer, None
        try:
            while True:
                wanted = generator.send(None if answer is None else answer())
                answer, outcome = self._answer_to(wanted)
                if outcome is not None:
                    self._answer = answer
                    return outcome
        except StopIteration:
            self._generator = None
            return None

    def _answer_to(self, wanted: Any) -> tuple[Callable[[], Any], Outcome | None]:
        """What the generator gets for what it yielded, and an outcome when that is not complete yet."""
        answers: dict[str, bool] = {}  # each is asked once, also when it has to be scheduled then

        def has(task: Any) -> bool:
            known = answers.get(task.task_id)
            if known is None:
                known = answers[task.task_id] = self._has(task)
            return known

        if luigi_bridge.is_dynamic_requirements(wanted):
            tasks = tasks_of(wanted.flat_requirements, "run()")
            return (lambda: wanted.paths), None if wanted.complete(has) else self._wait_for(tasks, has)
        if isinstance(wanted, Iterator):
            wanted = list(wanted)
        tasks = tasks_of(wanted, "run()")
        ready = all(has(task) for task in tasks)
        return (lambda: outputs_of(wanted)), None if ready else self._wait_for(tasks, has)

    def _has(self, task: Any) -> bool:
        if task.task_id in self.granted and cannot_be_checked(task):
            return True
        return self.completeness(task)

    def _wait_for(self, tasks: list[Any], has: Completeness) -> Outcome:
        own_id = self.task.task_id
        new_deps = tuple(task.task_id for task in tasks)
        if own_id in new_deps:
            raise TaskDefinitionError(
                f"dependency cycle: run() of {display_name(self.task)} yielded the task itself"
            )
        found = tuple(self._discover(tasks, has, own_id))
        return Outcome(status="PENDING", new_deps=new_deps, discovered=found)

    def _discover(
        self, tasks: list[Any], completeness: Completeness, own_id: str = ""
    ) -> Iterator[tuple[Registration, bytes | None]]:
        seen = {own_id} if own_id else set()
        for item in discover(tasks, settings=self.settings, seen=seen, completeness=completeness):
            if own_id and own_id in (item.registration.deps or ()):
                name = display_name(self.task)
                raise TaskDefinitionError(
                    f"dependency cycle: {name} -> … -> {display_name(item.task)} -> {name}"
                )
            yield item.registration, _packed(item.task) if item.kind == "pending" else None

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Let the task speak while it runs; afterwards it is as before, and can be pickled."""
        state = vars(self.task)
        before = {name: state[name] for name in luigi_bridge.FORWARDED if name in state}
        voice = Voice(self._report, self._messages)
        for name in luigi_bridge.FORWARDED:
            state[name] = getattr(voice, name)
        try:
            yield
        finally:
            for name in luigi_bridge.FORWARDED:
                state.pop(name, None)
            state.update(before)


def _nobody(kind: str, value: Any) -> None:
    """Takes what a task says while nobody listens."""


def _context_of(run: TaskRun) -> AbstractContextManager[Any]:
    """The context around each part of a run, made by the class that the settings name.

    Raises:
        TaskLoadError: there is no such class.
    """
    name = run.settings.task_process_context
    if not name:
        return nullcontext()
    module, _, attribute = name.rpartition(".")
    try:
        make = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise TaskLoadError(f"task_process_context={name!r} cannot be imported: {error}") from None
    context: AbstractContextManager[Any] = make(run)
    return context


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
