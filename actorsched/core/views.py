"""Lists of tasks, workers and resources. Each looks at time first, and costs what it returns.

Pages: `limit` is the length of a page, `after` the key of the last item of the page before. Tasks come
in order of first registration, workers the latest first, resources as configured.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar

from actorsched.core.instant import Instant
from actorsched.core.pruning import prune
from actorsched.core.reasons import Reasons
from actorsched.core.record import TaskRecord
from actorsched.core.results import ResourceView, TaskView, TooMany
from actorsched.core.serializing import view_task, view_worker
from actorsched.core.state import State
from actorsched.core.statuses import PENDING, RUNNING
from actorsched.core.upstream import Upstream
from actorsched.errors import InvalidParamsError

T = TypeVar("T")


def task_list(
    state: State,
    now: Instant,
    /,
    status: str = "",
    upstream_status: str = "",
    limit: bool | int = True,
    search: str | None = None,
    max_shown_tasks: int | None = None,
    *,
    after: str | None = None,
    **ignored: Any,
) -> dict[str, TaskView] | TooMany:
    """The tasks in a status ("": in any), by id.

    Args:
        now: the time.
        status: one of Luigi's.
        upstream_status: of PENDING tasks, only those with this upstream status.
        limit: True: answer only with the number when there are more than `max_shown_tasks`. False: no
            bound. A number (ours): the length of a page.
        search: words that all occur in the readable name, without regard to case.
        max_shown_tasks: in place of the setting.
        after: ours: a page that begins after this task.

    Raises:
        InvalidParamsError: there is no task `after`.
    """
    if limit is not True and not limit:
        limit = False
    paged = after is not None or not isinstance(limit, bool)
    most = max_shown_tasks or state.settings.max_shown_tasks
    if limit is True and not paged and not search:
        n = len(state.by_status.get(status, ())) if status else len(state.tasks)
        if n > most:
            return {"num_tasks": -1 if upstream_status else n}
    prune(state, now)
    if paged:
        records = _after(state, status, after)
    else:
        records = iter(list((state.by_status.get(status, {}) if status else state.tasks).values()))
    upstream = Upstream(state)
    if upstream_status:
        records = (
            record for record in records if record.status != PENDING or upstream.of(record) == upstream_status
        )
    if search is not None:
        terms = [term.casefold() for term in search.split()]
        records = (
            record for record in records if all(term in record.display_name().casefold() for term in terms)
        )
    if paged:
        records = islice(records, None if limit is False else most if limit is True else limit)
    found = list(records)
    if limit is True and not paged and len(found) > most:
        return {"num_tasks": len(found)}
    reasons = Reasons(state)
    return {record.task_id: view_task(state, record, reasons, include_deps=False) for record in found}


def _after(state: State, status: str, after: str | None) -> Iterator[TaskRecord]:
    """Tasks in order of registration, from the one after `after`."""
    seq = 0
    if after is not None:
        if after not in state.tasks:
            raise InvalidParamsError(f"after={after!r}: no such task any more; begin again without `after`")
        seq = state.tasks[after].seq
    if status:
        return _of_status(state, status, seq)
    records = state.by_seq
    start = bisect_right(records, seq, key=attrgetter("seq"))
    return (record for record in islice(records, start, None) if state.has(record))


def _of_status(state: State, status: str, seq: int) -> Iterator[TaskRecord]:
    """Tasks in a status, in order of registration, from the one after `seq`.

    The tasks of a status are kept in the order of their moves. So all tasks are gone through until more
    would have been looked at than are in the status; then the rest of these is sorted. A page of a
    frequent status costs a few times its length, one of a rare status what there is of it.
    """
    mine = state.by_status.get(status, {})
    start = bisect_right(state.by_seq, seq, key=attrgetter("seq"))
    for record in islice(state.by_seq, start, start + len(mine)):
        seq = record.seq
        if record.status == status and state.has(record):
            yield record
    yield from sorted((record for record in mine.values() if record.seq > seq), key=attrgetter("seq"))


def task_search(
    state: State,
    now: Instant,
    /,
    task_str: str,
    *,
    limit: int | None = None,
    after: str | None = None,
    **ignored: Any,
) -> dict[str, dict[str, TaskView]]:
    """Tasks with this text in their ids, by status and id."""
    prune(state, now)
    found: dict[str, dict[str, TaskView]] = {}
    reasons = Reasons(state)
    hits = (record for record in _after(state, "", after) if task_str in record.task_id)
    for record in islice(hits, limit):
        found.setdefault(record.status, {})[record.task_id] = view_task(
            state, record, reasons, include_deps=False
        )
    return found


def worker_list(
    state: State,
    now: Instant,
    /,
    include_running: bool = True,
    *,
    limit: int | None = None,
    after: str | None = None,
    **ignored: Any,
) -> list[dict[str, Any]]:
    """The workers, those that started last first, with what they tell of themselves."""
    prune(state, now)
    workers = sorted(state.workers.values(), key=lambda worker: worker.started.monotonic, reverse=True)
    reasons = Reasons(state)
    return [
        view_worker(state, worker, reasons, include_running)
        for worker in _page(workers, limit, after, lambda worker: worker.worker_id)
    ]


def resource_list(
    state: State, now: Instant, *, limit: int | None = None, after: str | None = None
) -> list[ResourceView]:
    """The configured resources, what is in use of each, and by which tasks."""
    prune(state, now)
    reasons = Reasons(state)
    consumers: dict[str, dict[str, TaskView]] = {}
    for record in state.by_status[RUNNING].values():
        if record.demand.needs:
            view = view_task(state, record, reasons, include_deps=False)
            for name in record.demand.needs:
                consumers.setdefault(name, {})[record.task_id] = view
    return [
        {
            "name": name,
            "num_total": total,
            "num_used": _number(state.resources.used.get(name, 0)),
            "num_consumer": len(consumers.get(name, ())),
            "running": consumers.get(name, {}),
        }
        for name, total in _page(state.resources.capacities.items(), limit, after, lambda item: item[0])
    ]


def _number(amount: int | Fraction) -> float:
    return amount if isinstance(amount, int) else float(amount)


def _page(items: Iterable[T], limit: int | None, after: str | None, key: Any) -> list[T]:
    """Some of a short list."""
    rest = iter(items)
    if after is not None:
        for item in rest:
            if key(item) == after:
                break
        else:
            raise InvalidParamsError(f"after={after!r}: not there any more; begin again without `after`")
    return list(islice(rest, limit))
