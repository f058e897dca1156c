"""Why a task cannot run, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.declining import is_somebody_left, why
from actorsched.core.facets import F_STUCK
from actorsched.core.origin import Origin
from actorsched.core.record import TaskRecord
from actorsched.core.statuses import DISABLED, FAILED, PENDING
from actorsched.core.workersets import WorkerSet

if TYPE_CHECKING:
    from actorsched.core.state import State

PAUSED = "paused"
NO_WORKER = "no live worker can run it"
CYCLE = "dependency cycle"


class Reasons:
    """Reasons for the tasks of one view; what was found out for one serves all that wait for it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._found: dict[str, str] = {}
        self._declined_by_all: dict[tuple[Origin, WorkerSet], bool] = {}

    def of(self, record: TaskRecord) -> str | None:
        """Why it cannot run; None when it can, or waits for what can, or is not PENDING."""
        if record.status != PENDING:
            return None
        if not record.facets & F_STUCK:
            if record.n_missing:
                return None
            return PAUSED if self._state.paused else self._declined(record)
        own = self._own(record)
        return own if own is not None else self._upstream(record)

    def _declined(self, record: TaskRecord) -> str | None:
        """What they say, when all who could be asked have declined it; they are asked again after a while."""
        origin, crew = record.demand.origin, record.crew
        if origin is None:
            return None
        found = self._declined_by_all.get((origin, crew))
        if found is None:
            found = not is_somebody_left(self._state, origin, crew)
            self._declined_by_all[origin, crew] = found
        return why(origin) if found else None

    def _own(self, record: TaskRecord) -> str | None:
        """What keeps a PENDING task itself from running."""
        state = self._state
        if record in state.cyclic:
            return CYCLE
        if record.demand.impossible:
            lacks = [
                f"{name} {amount} of {state.resources.capacity(name)}"
                for name, amount in record.demand.needs.items()
                if amount > state.resources.capacity(name)
            ]
            return f"impossible resource request: {', '.join(lacks)}"
        if not record.crew.ids and not (record.runnable and state.assistants):
            return NO_WORKER
        return None

    def _upstream(self, record: TaskRecord) -> str:
        """Walk up along stuck tasks to one that is stuck by itself."""
        path: dict[str, None] = {}
        while True:
            path[record.task_id] = None
            dep, upstream = self._first_stuck(record)
            if dep in self._found:
                reason = self._found[dep]
            elif upstream is None or not upstream.family:
                reason = f"missing dependency: {dep}"
            elif upstream.status == DISABLED:
                reason = f"disabled dependency: {dep}"
            elif upstream.status == FAILED:
                reason = f"failed dependency: {dep}"
            elif upstream.status != PENDING:
                reason = f"dependency that cannot be understood: {dep}"
            elif dep in path:
                reason = CYCLE
            else:
                own = self._own(upstream)
                if own is None:
                    record = upstream
                    continue
                reason = own if own == CYCLE else f"dependency {dep}: {own}"
            for task_id in path:
                self._found[task_id] = reason
            return reason

    def _first_stuck(self, record: TaskRecord) -> tuple[str, TaskRecord | None]:
        for dep in record.deps:
            upstream = self._state.tasks.get(dep)
            if upstream is None or upstream.facets & F_STUCK:
                return dep, upstream
        raise AssertionError(f"{record!r} is stuck without a reason")
