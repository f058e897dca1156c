"""Find all that the wanted tasks need: breadth first, one question a task, nothing global.

Each task is yielded as soon as it is known, dependencies after those that need them; the scheduler makes
do with names until then. A task whose hooks raise is reported as failed, and the rest goes on. Cycles can
only be seen at the end: their members are then yielded a second time, as failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from actorsched.config import WorkerSettings
from actorsched.tasks.blame import traceback_of
from actorsched.tasks.completeness import Completeness, is_complete, is_external
from actorsched.tasks.cycles import knots, round_trip
from actorsched.tasks.event import Event
from actorsched.tasks.registration import Registration
from actorsched.tasks.structure import display_name, is_task, not_a_task, tasks_of

Kind = Literal["complete", "pending", "external", "failed"]

#: a cycle through more tasks than this is shown by its beginning
CYCLE_NAMES_MAX = 20


class Discovered(NamedTuple):
    """One task, and what to tell the scheduler about it.

    Attributes:
        kind: "complete"; "pending": to be run; "external": incomplete, and somebody else's; "failed": a hook
            raised or it depends on itself.
        error: what happened, for "failed": a traceback, whose last line is the cause.
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
) -> Iterator[Discovered]:
    """Yield the wanted tasks and all that they need and is not complete, and the complete ones at the rim.

    Args:
        roots: the wanted tasks.
        seen: ids of tasks that are known already and are not looked at; grows.
        completeness: how to ask a task.

    Raises:
        TaskDefinitionError: a root is no task. (A dependency that is none is a failure of who names it.)
        KeyboardInterrupt: as it comes.
    """
    waiting: deque[Any] = deque()
    for root in roots:
        if not is_task(root):
            raise not_a_task(root, "the list of wanted tasks")
        if root.task_id not in seen:
            seen.add(root.task_id)
            waiting.append(root)
    pending: dict[str, Discovered] = {}
    graph: dict[str, tuple[str, ...]] = {}
    while waiting:
        task = waiting.popleft()
        found, deps = _look_at(task, settings, completeness)
        yield found
        if not deps:
            continue
        pending[task.task_id] = found
        graph[task.task_id] = found.registration.deps or ()
        for dep in deps:
            if dep.task_id not in seen:
                seen.add(dep.task_id)
                waiting.append(dep)
    yield from _cycles(pending, graph)


def _look_at(task: Any, settings: WorkerSettings, completeness: Completeness) -> tuple[Discovered, list[Any]]:
    """Ask one task. What its hooks raise ends here."""
    try:
        if completeness(task):
            task.trigger_event(Event.DEPENDENCY_PRESENT, task)
            return _found(task, "complete", "DONE", runnable=False), []
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        task.trigger_event(Event.DEPENDENCY_MISSING, task)
        return _failed(task, error), []
    try:
        if is_external(task):
            task.trigger_event(Event.DEPENDENCY_MISSING, task)
            return _found(task, "external", "PENDING", runnable=settings.retry_external_tasks), []
        deps = tasks_of(task.deps(), f"requires() of {task.task_family}")
        ids = tuple([dep.task_id for dep in deps])
        found = _found(task, "pending", "PENDING", runnable=True, deps=ids)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        task.trigger_event(Event.BROKEN_TASK, task, error)
        return _failed(task, error), []
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
