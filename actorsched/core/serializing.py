"""A record as people see it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from actorsched.core.reasons import Reasons
from actorsched.core.record import TaskRecord
from actorsched.core.results import TaskView
from actorsched.core.statuses import DISABLED, RUNNING

if TYPE_CHECKING:
    from actorsched.core.state import State


def view_task(
    state: State,
    record: TaskRecord,
    reasons: Reasons | None = None,
    include_deps: bool = True,
    deps: Collection[str] | None = None,
) -> TaskView:
    """The task with its public parameters.

    Args:
        state: of the scheduler.
        record: of the task.
        reasons: shared by the tasks of one view; it saves walks.
        include_deps: whether `deps` belongs to the view.
        deps: shown in place of its own dependencies.
    """
    notes = record.see_notes()
    view: TaskView = {
        "display_name": record.display_name(),
        "status": record.status,
        "workers": list(record.crew.ids),
        "worker_running": record.worker_running,
        "time_running": record.time_running,
        "start_time": record.start_time,
        "last_updated": record.updated,
        "params": record.public_params(),
        "name": record.family,
        "priority": record.priority,
        "resources": dict(record.demand.needs),
        "resources_running": None if record.resources_running is None else dict(record.resources_running),
        "tracking_url": notes.tracking_url,
        "status_message": notes.status_message,
        "progress_percentage": notes.progress_percentage,
        "blocked_reason": (reasons or Reasons(state)).of(record),
    }
    if record.status == DISABLED:
        view["re_enable_able"] = record.trouble is not None and record.trouble.disabled_at is not None
    elif record.status == RUNNING and state.settings.send_messages:
        view["accepts_messages"] = record.accepts_messages
    if include_deps:
        view["deps"] = list(record.deps if deps is None else deps)
    return view
