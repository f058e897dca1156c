"""The worst thing upstream of a pending task, for views.

In rising order: something runs, an input is missing, something failed, something is disabled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.record import TaskRecord
from actorsched.core.statuses import DONE, PENDING, UPSTREAM_OF, UPSTREAM_ORDER

if TYPE_CHECKING:
    from actorsched.core.state import State

_SEVERITY = {name: severity for severity, name in enumerate(UPSTREAM_ORDER)}


class Upstream:
    """Upstream statuses for one view; each task upstream is visited once."""

    def __init__(self, state: State) -> None:
        self._state = state
        #: severities by task id; a task that is being worked on has 0, which ends cycles
        self._known: dict[str, int] = {}

    def of(self, record: TaskRecord) -> str:
        known = self._known
        stack = [record]
        while stack:
            top = stack[-1]
            if not (top.status == PENDING and top.deps):
                known[top.task_id] = _SEVERITY[UPSTREAM_OF.get(top.status, "")]
                stack.pop()
            elif top.task_id not in known:
                known[top.task_id] = 0
                stack.extend(self._unknown(top))
            else:
                stack.pop()
                known[top.task_id] = max(
                    known[top.task_id], max((known.get(dep, 0) for dep in top.deps), default=0)
                )
        return UPSTREAM_ORDER[known[record.task_id]]

    def _unknown(self, record: TaskRecord) -> list[TaskRecord]:
        tasks, known = self._state.tasks, self._known
        upstream = [tasks[dep] for dep in record.deps if dep in tasks and dep not in known]
        return [dep for dep in upstream if dep.status != DONE]
