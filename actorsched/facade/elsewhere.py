"""What became elsewhere of the tasks that nobody here ran.

The scheduler is asked about all of them in few requests: who leaves the work to others asks about everything.
Each question is about one task, because what many tasks need would come again with each of them. A stock
scheduler does not know `limit`, and answers with all that the task needs as well. That is not asked for
again, and the requests grow only by and by, so that there, too, few roots with much behind them tell it all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from actorsched.actors.ledger import Entry, Fate, Ledger
from actorsched.actors.log import log
from actorsched.actors.messages import Call
from actorsched.errors import WorldError
from actorsched.tasks.reports import cause_of, ids_in, reported, with_names

#: so much larger is a request than the one before it; the first is about one task
GROWTH = 4
#: tasks that are asked about in one request: a scheduler does nothing else meanwhile
TASKS_MAX = 500
#: tracebacks in one answer; they may be long
ERRORS_MAX = 50

#: how a reason begins that the scheduler gives for a task, before the id of what has failed
FAILED_DEPENDENCY = "failed dependency: "
DISABLED_BY_AUTHOR = "it is disabled by its author (disabled = True)"

_OPEN = (Fate.NOT_RUN, Fate.FAILED)
_RUNS = ("RUNNING", "BATCH_RUNNING")
#: makes calls, in order: a result or an exception for each
Ask = Callable[[tuple[Call, ...]], Sequence[Any]]


def look_elsewhere(ledger: Ledger, ask: Ask, worker_id: str) -> None:
    """Settle in the ledger of a worker what others did, and say of the rest why it is open.

    What the worker has noted itself stays, unless another one has the task by now. When the scheduler is
    away, all stays as it is.
    """
    with contextlib.suppress(WorldError):
        for views in _views_of([task_id for task_id, e in ledger.entries.items() if e.fate in _OPEN], ask):
            _settle(ledger, {**_found_by_others(views, ledger, ask), **views}, ask, worker_id)


def _views_of(open_ids: Sequence[str], ask: Ask) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """What the scheduler shows of these tasks, as far as it knows them, some at a time."""
    left = dict.fromkeys(open_ids)
    size = 1
    while left:
        asked = list(islice(left, size))
        views: dict[str, Any] = {}
        for graph in _results("dep_graph", asked, ask, limit=1):
            views.update((task_id, view) for task_id, view in graph.items() if task_id in left)
        yield views
        for task_id in (*asked, *views):
            left.pop(task_id, None)
        size = min(size * GROWTH, TASKS_MAX)


def _found_by_others(
    views: Mapping[str, Mapping[str, Any]], ledger: Ledger, ask: Ask
) -> dict[str, Mapping[str, Any]]:
    """What stands in the way and was found on another worker, by a run of it: noted, too, with its view.

    Else the result would name its id only, and nothing in it would have failed.
    """
    reasons = [str(view.get("blocked_reason") or "") for view in views.values()]
    named = [
        reason.removeprefix(FAILED_DEPENDENCY) for reason in reasons if reason.startswith(FAILED_DEPENDENCY)
    ]
    unknown = [task_id for task_id in dict.fromkeys(named) if task_id not in ledger.entries][:ERRORS_MAX]
    found: dict[str, Mapping[str, Any]] = {}
    if not unknown:
        return found
    for task_id, graph in zip(unknown, _results("dep_graph", unknown, ask, limit=1), strict=True):
        view = graph.get(task_id)
        if view is not None:
            found[task_id] = view
            name, family = view.get("display_name") or task_id, view.get("name") or ""
            ledger.add(Entry(task_id=task_id, name=name, family=family, fate=Fate.NOT_RUN))
    return found


def _results(method: str, task_ids: Sequence[str], ask: Ask, **params: Any) -> Iterator[Mapping[str, Any]]:
    """One answer for each task; what could not be answered is empty."""
    calls = tuple([Call(method=method, params={"task_id": task_id, **params}) for task_id in task_ids])
    for task_id, result in zip(task_ids, ask(calls), strict=True):
        if isinstance(result, Exception):
            log.warning("the scheduler could not say how a task is", task=task_id, error=str(result))
            yield {}
        else:
            yield result


def _settle(ledger: Ledger, views: Mapping[str, Mapping[str, Any]], ask: Ask, worker_id: str) -> None:
    waiting = {}
    for task_id, view in views.items():
        entry = ledger.entries[task_id]
        if entry.fate not in _OPEN:
            continue  # a worker that was stopped at once has noted its end since this was asked
        if view.get("status") == "DONE":
            ledger.settle(task_id, Fate.RUN_BY_OTHERS)
        elif entry.fate is Fate.NOT_RUN:
            if _is_not_wanted(view):
                ledger.settle(task_id, Fate.NOT_RUN, cause=DISABLED_BY_AUTHOR)
            elif _has_failed(view):
                waiting[task_id] = view
            elif not entry.cause or view.get("blocked_reason") or _others_run(view, worker_id):
                cause = _for_people(_why_open(view), ledger)
                if cause or not view.get("time_running"):
                    ledger.settle(task_id, Fate.NOT_RUN, cause=cause)
                else:  # it was begun and is pending again: it did have its turn
                    waiting[task_id] = view
    errors = _errors_of(list(waiting), ask)
    for task_id, view in waiting.items():
        detail = errors[task_id]
        if _has_failed(view):
            cause = cause_of(detail) or view.get("blocked_reason") or "it failed on another worker"
            ledger.settle(task_id, Fate.FAILED, cause=cause, detail=detail)
        else:
            ledger.settle(task_id, Fate.NOT_RUN, cause=_why_again(view, cause_of(detail)))


def _has_failed(view: Mapping[str, Any]) -> bool:
    return view.get("status") in ("FAILED", "DISABLED")


def _is_not_wanted(view: Mapping[str, Any]) -> bool:
    """Whether its author has disabled it; what was disabled after failures can be re-enabled."""
    return view.get("status") == "DISABLED" and not view.get("re_enable_able")


def _others_run(view: Mapping[str, Any], worker_id: str) -> bool:
    return view.get("status") in _RUNS and view.get("worker_running") not in (None, worker_id)


def _why_open(view: Mapping[str, Any]) -> str:
    """Why a task is neither done nor failed; "" where the scheduler knows no reason."""
    if view.get("status") in _RUNS:
        return f"{view.get('worker_running') or 'another worker'} still ran it when this run ended"
    return str(view.get("blocked_reason") or "")


def _for_people(reason: str, ledger: Ledger) -> str:
    """A reason with the names of tasks instead of their ids; of an external one, what this worker knows."""
    for task_id in ids_in(reason):
        entry = ledger.entries.get(task_id)
        if entry is not None and entry.fate is Fate.MISSING_EXTERNAL:
            return f"{entry.name} is external and missing"
    known = {each: ledger.entries[each].name for each in ids_in(reason) if each in ledger.entries}
    return with_names(reason, known)


def _why_again(view: Mapping[str, Any], error: str) -> str:
    if error:
        return f"it failed on a worker and waits to be tried again: {error}"
    return f"{view.get('worker_running') or 'a worker'} began it and gave it back"


def _errors_of(task_ids: Sequence[str], ask: Ask) -> dict[str, str]:
    """What was reported about each of these tasks."""
    texts: dict[str, str] = {}
    for start in range(0, len(task_ids), ERRORS_MAX):
        asked = task_ids[start : start + ERRORS_MAX]
        for task_id, reply in zip(asked, _results("fetch_error", asked, ask), strict=True):
            texts[task_id] = reported(reply.get("error"))
    return texts
