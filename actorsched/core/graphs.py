"""Graphs of tasks, breadth-first from a root, cut at a number of nodes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from actorsched.core.instant import Instant
from actorsched.core.pruning import prune
from actorsched.core.reasons import Reasons
from actorsched.core.record import TaskRecord
from actorsched.core.results import TaskView
from actorsched.core.serializing import view_task
from actorsched.core.state import State
from actorsched.core.statuses import DONE, UNKNOWN
from actorsched.errors import InvalidParamsError

#: the family stands before the parameters in an id of Luigi's form: family_params_hash or family(params)
_FAMILY = re.compile(r"[^(_]+(?=[(_])")


def graph(
    state: State, now: Instant, /, *, limit: int | None = None, after: str | None = None, **ignored: Any
) -> dict[str, TaskView]:
    """All tasks and what they depend on."""
    prune(state, now)
    walk = _Walk(state, lambda record: record.deps, include_done=True)
    found: dict[str, TaskView] = {}
    for record in list(state.tasks.values()):
        if record.task_id not in walk.seen:
            found.update(walk.from_(record.task_id))
    return _page(found, limit, after)


def dep_graph(
    state: State,
    now: Instant,
    /,
    task_id: str,
    include_done: bool = True,
    *,
    limit: int | None = None,
    after: str | None = None,
    **ignored: Any,
) -> dict[str, TaskView]:
    """The task and everything upstream of it."""
    prune(state, now)
    if task_id not in state.tasks:
        return {}
    return _page(_Walk(state, lambda record: record.deps, include_done).from_(task_id), limit, after)


def inverse_dep_graph(
    state: State,
    now: Instant,
    /,
    task_id: str,
    include_done: bool = True,
    *,
    limit: int | None = None,
    after: str | None = None,
    **ignored: Any,
) -> dict[str, TaskView]:
    """The task and everything downstream of it; `deps` are those that wait for it."""
    prune(state, now)
    if task_id not in state.tasks:
        return {}

    def waiting(record: TaskRecord) -> list[str]:
        return [dependent.task_id for dependent in record.iter_dependents()]

    return _page(_Walk(state, waiting, include_done).from_(task_id), limit, after)


class _Walk:
    def __init__(
        self, state: State, neighbours: Callable[[TaskRecord], Collection[str]], include_done: bool
    ) -> None:
        self._state = state
        self._neighbours = neighbours
        self._include_done = include_done
        self._reasons = Reasons(state)
        self.seen: set[str] = set()

    def from_(self, root: str) -> dict[str, TaskView]:
        """Nodes by id, the nearest to the root first; only the root has its display name."""
        tasks = self._state.tasks
        most = self._state.settings.max_graph_nodes
        nodes: dict[str, TaskView] = {}
        self.seen.add(root)
        queue = deque([root])
        while queue:
            task_id = queue.popleft()
            record = tasks.get(task_id)
            if record is None or not record.family:
                nodes[task_id] = view = _view_unknown(task_id)
            else:
                deps = self._neighbours(record)
                if not self._include_done:
                    deps = [dep for dep in deps if dep not in tasks or tasks[dep].status != DONE]
                nodes[task_id] = view = view_task(self._state, record, self._reasons, deps=deps)
                for dep in sorted(deps):
                    if dep not in self.seen:
                        self.seen.add(dep)
                        queue.append(dep)
            if task_id != root:
                del view["display_name"]
            if len(nodes) >= most:
                break
        return nodes


def _view_unknown(task_id: str) -> TaskView:
    """All that can be said of a task that nobody registered."""
    match = _FAMILY.match(task_id)
    return {
        "deps": [],
        "status": UNKNOWN,
        "workers": [],
        "start_time": UNKNOWN,
        "params": {"task_id": task_id},
        "name": match.group() if match else UNKNOWN,
        "display_name": task_id,
        "priority": 0,
    }


def _page(nodes: dict[str, TaskView], limit: int | None, after: str | None) -> dict[str, TaskView]:
    if limit is None and after is None:
        return nodes
    ids = list(nodes)
    start = 0
    if after is not None:
        if after not in nodes:
            raise InvalidParamsError(
                f"after={after!r}: not in this graph any more; begin again without `after`"
            )
        start = ids.index(after) + 1
    return {task_id: nodes[task_id] for task_id in ids[start:][:limit]}
