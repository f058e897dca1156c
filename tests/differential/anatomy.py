"""All that a scheduler knows about tasks and workers, in one form for Luigi's and for ours.

It goes deeper than the views: what no view shows today decides what one shows tomorrow, so a difference
is seen at the step that makes it.
"""

from __future__ import annotations

from typing import Any

from actorsched.core import SchedulerMachine
from actorsched.core.policy import LUIGIS
from actorsched.core.record import TaskRecord
from actorsched.core.statuses import BATCH_RUNNING, DISABLED, FAILED, LIVE
from tests.differential.oracle import Oracle, OracleTask

Anatomy = dict[str, dict[str, Any]]


def of_luigi(oracle: Oracle, now: float) -> Anatomy:
    state = oracle._state
    workers = {
        worker.id: {
            "started": worker.started,
            "last_active": worker.last_active,
            "last_get_work": worker.last_get_work,
            "host": (worker.reference or {}).get("host"),
            "info": worker.info,
            "disabled": worker.disabled,
            "messages": worker.rpc_messages,
        }
        for worker in state._active_workers.values()
    }
    batchers = {
        worker: {family: (tuple(args), most) for family, (args, most) in families.items()}
        for worker, families in state._task_batchers.items()
    }
    return {
        "tasks": {task.id: _luigi_task(task, now) for task in state._tasks.values()},
        "workers": workers,
        "batchers": batchers,
        "control": {"paused": oracle._paused, "resources": oracle._resources},
        "used": {name: amount for name, amount in oracle._used_resources().items() if amount},
    }


def _luigi_task(task: OracleTask, now: float) -> dict[str, Any]:
    disabled = task.status == DISABLED
    return {
        "status": task.status,
        "priority": task.priority,
        "family": task.family,
        "module": task.module,
        "params": dict(task.params),
        "visibilities": task.param_visibilities or None,
        "display_name": task.pretty_id,
        "deps": sorted(task.deps),
        "stakeholders": sorted(task.stakeholders),
        "workers": list(task.workers),
        "runnable": task.runnable,
        "batchable": task.batchable,
        "batch_id": task.batch_id,
        "accepts_messages": task.accepts_messages,
        "worker_running": task.worker_running,
        "start_time": task.time,
        "updated": task.updated,
        "time_running": task.time_running,
        "resources": task.resources,
        "resources_running": getattr(task, "resources_running", None),
        "expl": task.expl,
        "tracking_url": task.tracking_url,
        "status_message": task.status_message,
        "progress_percentage": task.progress_percentage,
        "responses": task.scheduler_message_responses,
        "remove_at": task.remove,
        "retry_at": task.retry if task.status == FAILED and not task.lost else None,
        "disabled_at": task.scheduler_disable_time if disabled else None,
        "failures": [at for at in task.failures if at >= now - task.retry_policy.disable_window],
        "first_failure": task.first_failure_time,
        "lost": task.lost,
        "deaths": task.deaths,
        "policy": tuple(task.retry_policy),
    }


def of_ours(machine: SchedulerMachine, now: float) -> Anatomy:
    workers = {
        worker.worker_id: {
            "started": worker.started.wall,
            "last_active": worker.last_active.wall,
            "last_get_work": worker.last_get_work,
            "host": worker.host,
            "info": worker.info,
            "disabled": worker.disabled,
            "messages": worker.rpc_messages,
        }
        for worker in machine.workers.values()
    }
    batchers = {
        worker: {family: (known.args, known.max_size) for family, known in families.items()}
        for worker, families in machine.batches.batchers.items()
    }
    return {
        "tasks": {task_id: _our_task(record, now) for task_id, record in machine.tasks.items()},
        "workers": workers,
        "batchers": batchers,
        "control": {"paused": machine.paused, "resources": machine.resources.capacities},
        "used": dict(machine.resources.used),
    }


def _our_task(record: TaskRecord, now: float) -> dict[str, Any]:
    notes, trouble = record.see_notes(), record.trouble
    lost = trouble is not None and trouble.lost
    disabled_at = trouble.disabled_at if trouble is not None else None
    since = now - record.policy.disable_window
    return {
        "status": record.status,
        "priority": record.priority,
        "family": record.family,
        "module": record.module,
        "params": record.params,
        "visibilities": record.visibilities or None,
        "display_name": record.display_name(),
        "deps": sorted(record.deps),
        "stakeholders": sorted(record.stake.ids),
        "workers": list(record.crew.ids),
        "runnable": record.runnable,
        "batchable": record.batchable,
        "batch_id": record.batch_id,
        "accepts_messages": record.accepts_messages,
        "worker_running": record.worker_running,
        "start_time": record.start_time,
        "updated": record.updated,
        "time_running": record.time_running,
        "resources": record.demand.needs,
        "resources_running": record.resources_running,
        "expl": record.expl,
        "tracking_url": notes.tracking_url,
        "status_message": notes.status_message,
        "progress_percentage": notes.progress_percentage,
        "responses": notes.responses,
        "remove_at": record.remove_at,
        "retry_at": trouble.retry_at
        if trouble is not None and record.status == FAILED and not lost
        else None,
        "disabled_at": disabled_at if record.status == DISABLED else None,
        "failures": [at for at in trouble.failures if at >= since] if trouble is not None else [],
        "first_failure": trouble.first_failure if trouble is not None else None,
        "lost": lost,
        "deaths": trouble.deaths if trouble is not None else 0,
        "policy": tuple(getattr(record.policy, name) for name in LUIGIS),
    }


def batches_of(machine: SchedulerMachine) -> list[str]:
    """Ids of the live batches."""
    return list(dict.fromkeys(record.batch_id or "" for record in machine.by_status[BATCH_RUNNING].values()))


def held_by(machine: SchedulerMachine, worker_id: str) -> list[TaskRecord]:
    """What the worker runs."""
    found = machine.workers.get(worker_id)
    return [record for record in found.runs if record.status in LIVE] if found is not None else []
