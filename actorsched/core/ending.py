"""What people do to a task: forgive, mark as done, enable again, cancel."""

from __future__ import annotations

from actorsched.core.instant import Instant
from actorsched.core.results import CancelReply, StatusReply, TaskView
from actorsched.core.serializing import view_task
from actorsched.core.state import State
from actorsched.core.statuses import BATCH_RUNNING, DISABLED, DONE, FAILED, LIVE, PENDING, RUNNING
from actorsched.core.transitions import change, re_enable


def forgive_failures(state: State, now: Instant, task_id: str | None = None) -> StatusReply:
    """Try a failed task again now; its failures stay counted."""
    record = state.tasks.get(task_id or "")
    if record is None:
        return {"task_id": task_id, "status": None}
    if record.status == FAILED:
        change(state, record, PENDING, now)
    return {"task_id": task_id, "status": record.status}


def mark_as_done(state: State, now: Instant, task_id: str | None = None) -> StatusReply:
    """Take a running, failed or disabled task as done."""
    record = state.tasks.get(task_id or "")
    if record is None:
        return {"task_id": task_id, "status": None}
    if record.status in (RUNNING, FAILED, DISABLED):
        change(state, record, DONE, now)
    return {"task_id": task_id, "status": record.status}


def re_enable_task(state: State, now: Instant, task_id: str) -> TaskView:
    """Lift what the scheduler disabled: FAILED, with a clean count.

    Returns:
        the task, or an empty view when there was nothing to lift.
    """
    record = state.tasks.get(task_id)
    if record is None or record.status != DISABLED:
        return {}
    if record.trouble is None or record.trouble.disabled_at is None:
        return {}
    re_enable(state, record, now)
    return view_task(state, record)


def cancel_task(state: State, now: Instant, task_id: str) -> CancelReply:
    """Take a task out of the work: ours, Luigi has no such method.

    What does not run is DISABLED at once, as if by its author: it stays so until somebody registers it
    again. For what runs, its worker gets the message `cancel_task` (task_id, run_id); when the run ends
    with anything but success, the task is DISABLED. What is DONE stays DONE. The combined task of a batch
    is cancelled for all its members.
    """
    record = state.tasks.get(task_id)
    if record is None:
        return {"task_id": task_id, "status": None, "worker": None}
    worker_id = None
    if record.status in LIVE:
        record.get_trouble().cancelled = True
        state.touch(record)
        worker_id = record.worker_running
        if record.status == BATCH_RUNNING:  # the run is that of the whole batch, so it is not ended for one
            worker_id = None
        elif worker_id is not None:
            state.tell(state.workers[worker_id], "cancel_task", task_id=task_id, run_id=record.run_id)
            for member in state.batches.of_batch(record.batch_id or ""):
                member.get_trouble().cancelled = True
                state.touch(member)
    elif record.status != DONE:
        record.expl = "cancelled"
        state.touch(record)
        change(state, record, DISABLED, now)
    return {"task_id": task_id, "status": record.status, "worker": worker_id}
