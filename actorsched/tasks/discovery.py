"""Find all that the wanted tasks need: breadth first, one question a task, nothing global.

Each task is yielded as soon as it is known, dependencies after those that need them; the scheduler makes
do with names until then. A task whose hooks raise is reported as failed, and the rest goes on. Cycles can
only be seen at the end: their members are then yielded a second time, as failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from actorsched.config import WorkerSettings
from actorsched.tasks.asking import Answer, Asking
from actorsched.tasks.blame import traceback_of
from actorsched.tasks.completeness import Completeness, is_complete
from actorsched.tasks.cycles import knots, round_trip
from actorsched.tasks.event import Event
from actorsched.tasks.registration import Registration
from actorsched.tasks.structure import display_name, is_task, not_a_task

Kind = Literal["complete", "pending", "external", "failed", "beyond"]

#: a cycle through more tasks than this is shown by its beginning
CYCLE_NAMES_MAX = 20


class Discovered(NamedTuple):
    """One task, and what to tell the scheduler about it.

    Attributes:
        kind: "complete"; "pending": to be run; "external": incomplete, and somebody else's; "failed": a hook
            raised or it depends on itself; "beyond": past the limit, and so not even asked.
        error: what happened, for "failed" and "beyond": a traceback, whose last line is the cause.
    """

    task: Any
    registration: Registration
    kind: Kind
    error: str = ""


def discover(
    roots: Iterable[Any],
    *,
    settings: WorkerSettings,
    seen: set[str],
    completeness: Completeness = is_complete,
    threads: int = 0,
    limit: int | None = None,
    asked: Callable[[], None] | None = None,
) -> Iterator[Discovered]:
    """Yield the wanted tasks and all that they need and is not complete, and the complete ones at the rim.

    Args:
        roots: the wanted tasks.
        seen: ids of tasks that are known already and are not looked at; grows.
        completeness: how to ask a task; with threads it is called in several of them.
        threads: how many tasks are asked at the same time; 0: each in its turn, by the caller's thread.
        limit: how many tasks may be scheduled, those in `seen` included; None: all.
        asked: called whenever a task has answered, which may be long before its turn has come.

    Raises:
        TaskDefinitionError: a root is no task. (A dependency that is none is a failure of who names it.)
        KeyboardInterrupt: as it comes.
    """
    deps = list(roots)
    for root in deps:
        if not is_task(root):
            raise not_a_task(root, "the list of wanted tasks")
    pending: dict[str, Discovered] = {}
    graph: dict[str, tuple[str, ...]] = {}
    waiting: deque[tuple[Any, Callable[[], Answer] | None]] = deque()
    with Asking(completeness, threads, asked) as asking:
        while True:
            for dep in deps:
                if dep.task_id not in seen:
                    beyond = limit is not None and len(seen) >= limit
                    seen.add(dep.task_id)
                    waiting.append((dep, None if beyond else asking.ask(dep)))
            if not waiting:
                break
            task, answer = waiting.popleft()
            found, deps = _conclude(task, answer(), settings) if answer else (_beyond(task, limit), [])
            yield found
            if deps:
                pending[task.task_id] = found
                graph[task.task_id] = found.registration.deps or ()
    yield from _cycles(pending, graph)


def _conclude(task: Any, answer: Answer, settings: WorkerSettings) -> tuple[Discovered, list[Any]]:
    """Tell the handlers what a task said, and make of it what the scheduler is told."""
    complete, deps, error, asked = answer
    if error is None:
        try:
            if complete:
                found = _found(task, "complete", "DONE", runnable=False)
                task.trigger_event(Event.DEPENDENCY_PRESENT, task)
                return found, []
            asked = True
            if deps is None:
                found = _found(task, "external", "PENDING", runnable=settings.retry_external_tasks)
                task.trigger_event(Event.DEPENDENCY_MISSING, task)
                return found, []
            ids = tuple([dep.task_id for dep in deps])
            found = _found(task, "pending", "PENDING", runnable=True, deps=ids)
        except KeyboardInterrupt:
            raise
        except BaseException as unusable:  # a property that raises, a value that the scheduler cannot use
            error = unusable
    if error is not None:
        if asked:
            task.trigger_event(Event.BROKEN_TASK, task, error)
        else:
            task.trigger_event(Event.DEPENDENCY_MISSING, task)
        return _failed(task, error), []
    assert deps is not None
    for dep in deps:
        task.trigger_event(Event.DEPENDENCY_DISCOVERED, task, dep)
    return found, deps


def _found(
    task: Any, kind: Kind, status: str, *, runnable: bool, deps: tuple[str, ...] | None = None
) -> Discovered:
    if task.disabled:
        status = "DISABLED"
    return Discovered(task, Registration.of(task, status, runnable=runnable, deps=deps), kind)


def _failed(task: Any, error: BaseException) -> Discovered:
    text = traceback_of(error)
    return Discovered(task, Registration.of_failed(task, "UNKNOWN", text), "failed", text)


def _beyond(task: Any, limit: int | None) -> Discovered:
    text = f"not scheduled: the limit of {limit} tasks is reached (task_limit)"
    return Discovered(task, Registration.of_failed(task, "UNKNOWN", text), "beyond", text)


def _cycles(pending: dict[str, Discovered], graph: dict[str, tuple[str, ...]]) -> Iterator[Discovered]:
    for members in knots(graph):
        way = round_trip(members[0], graph, members)
        names = [display_name(pending[task_id].task) for task_id in way[:CYCLE_NAMES_MAX]]
        if len(way) > CYCLE_NAMES_MAX:
            names.append(f"… ({len(way) - 1} tasks)")
        text = f"dependency cycle: {' -> '.join(names)}"
        for task_id in members:
            task, registration, _, _ = pending[task_id]
            changed = msgspec.structs.replace(registration, status="FAILED", runnable=False, expl=text)
            yield Discovered(task, changed, "failed", text)
