"""Graphs of tasks, breadth-first from a root, cut at a number of nodes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any, NamedTuple

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
    nodes = (
        node
        for record in list(state.tasks.values())
        if record.task_id not in walk.seen
        for node in walk.from_(record.task_id)
    )
    return _page(walk, nodes, limit, after)


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
    walk = _Walk(state, lambda record: record.deps, include_done)
    return _page(walk, walk.from_(task_id), limit, after)


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

    walk = _Walk(state, waiting, include_done)
    return _page(walk, walk.from_(task_id), limit, after)


class _Node(NamedTuple):
    """A place in a graph; `record` None: nobody has said what it is."""

    task_id: str
    record: TaskRecord | None
    deps: Collection[str]
    is_root: bool


class _Walk:
    """Goes through a graph node by node, so that who wants a page of it looks at no more than that."""

    def __init__(
        self, state: State, neighbours: Callable[[TaskRecord], Collection[str]], include_done: bool
    ) -> None:
        self._state = state
        self._neighbours = neighbours
        self._include_done = include_done
        self._reasons = Reasons(state)
        self.seen: set[str] = set()

    def from_(self, root: str) -> Iterator[_Node]:
        """The nodes, the nearest to the root first; as many as a graph may have."""
        tasks = self._state.tasks
        self.seen.add(root)
        queue = deque([root])
        left = self._state.settings.max_graph_nodes
        while queue:
            task_id = queue.popleft()
            record = tasks.get(task_id)
            deps: Collection[str] = ()
            if record is None or not record.family:
                record = None
            else:
                deps = self._neighbours(record)
                if not self._include_done:
                    deps = [dep for dep in deps if dep not in tasks or tasks[dep].status != DONE]
            yield _Node(task_id, record, deps, task_id == root)
            for dep in sorted(deps):
                if dep not in self.seen:
                    self.seen.add(dep)  # also beyond the cut: it begins no graph of its own (Luigi's rule)
                    queue.append(dep)
            left -= 1
            if left <= 0:
                return

    def view(self, node: _Node) -> TaskView:
        """What is shown of it; only a root has its display name."""
        if node.record is None:
            view = _view_unknown(node.task_id)
        else:
            view = view_task(self._state, node.record, self._reasons, deps=node.deps)
        if not node.is_root:
            del view["display_name"]
        return view


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


def _page(walk: _Walk, nodes: Iterator[_Node], limit: int | None, after: str | None) -> dict[str, TaskView]:
    """Views by id, of the nodes behind `after`; the nodes before it are passed, which costs little."""
    if after is not None and all(node.task_id != after for node in nodes):  # stops behind it
        raise InvalidParamsError(f"after={after!r}: not in this graph any more; begin again without `after`")
    return {node.task_id: walk.view(node) for node in islice(nodes, limit)}
