"""A record of a task or a worker as people see it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from actorsched.core.reasons import Reasons
from actorsched.core.record import TaskRecord
from actorsched.core.results import TaskView
from actorsched.core.statuses import DISABLED, RUNNING

if TYPE_CHECKING:
    from actorsched.core.state import State
    from actorsched.core.worker import WorkerRecord


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


def view_worker(
    state: State, worker: WorkerRecord, reasons: Reasons | None = None, include_running: bool = True
) -> dict[str, Any]:
    """The worker with what it tells about itself; where names clash, what is known of it wins."""
    first_task = worker.info.get("first_task", "")
    first = state.tasks.get(first_task)
    view: dict[str, Any] = {
        **worker.info,
        "name": worker.worker_id,
        "last_active": worker.last_active.wall,
        "started": worker.started.wall,
        "state": worker.state,
        "first_task_display_name": first_task if first is None else first.display_name(),
        "num_unread_rpc_messages": len(worker.rpc_messages),
    }
    if include_running:
        reasons = reasons or Reasons(state)
        running = {
            record.task_id: view_task(state, record, reasons, include_deps=False)
            for record in worker.runs
            if record.status == RUNNING
        }
        crews = state.crews.of(worker.worker_id)
        view["num_running"] = len(running)
        view["num_pending"] = sum(crew.pending for crew in crews)
        view["num_uniques"] = sum(crew.pending for crew in crews if len(crew.ids) == 1)
        view["running"] = running
    return view
