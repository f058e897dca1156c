"""How a scheduler is doing, in one record: for the terminal, the web page and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorsched.rpc.api import SchedulerApi

#: in the order in which they are shown
SHOWN_STATUSES = ("DONE", "RUNNING", "BATCH_RUNNING", "PENDING", "FAILED", "DISABLED", "UNKNOWN")


def _count_tasks(scheduler: SchedulerApi) -> dict[str, int]:
    """Status → number of tasks; the scheduler counts, and sends a list only when it is short."""
    counts: dict[str, int] = {}
    for status in SHOWN_STATUSES:
        found: Any = scheduler.task_list(status=status, max_shown_tasks=1)
        number = found.get("num_tasks")
        counts[status] = number if isinstance(number, int) else len(found)
    return counts


def standing_of(scheduler: SchedulerApi) -> dict[str, Any]:
    """Ask a scheduler how it is doing.

    Returns:
        `epoch`, `paused`; `tasks`: status → number; `workers`: numbers of `active` and `disabled` ones, of
        their `slots` and of those that are `busy`; `submissions`: programs that have gone and whose tasks
        wait; `resources`: name → `total` and `used`.

    Raises:
        ActorschedError: the scheduler cannot be asked.
    """
    hello = scheduler.hello()
    tasks = _count_tasks(scheduler)
    listed = scheduler.worker_list(include_running=True)
    workers = [worker for worker in listed if not worker.get("submission")]
    active = [worker for worker in workers if worker["state"] == "active"]
    return {
        "epoch": hello["epoch"],
        "paused": scheduler.is_paused()["paused"],
        "tasks": tasks,
        "workers": {
            "active": len(active),
            "disabled": len(workers) - len(active),
            "slots": sum(worker.get("workers", 1) for worker in active),
            "busy": sum(worker.get("num_running", 0) for worker in workers),
        },
        "submissions": sum(1 for worker in listed if worker.get("submission") and worker["num_pending"]),
        "resources": {
            each["name"]: {"total": each["num_total"], "used": each["num_used"]}
            for each in scheduler.resource_list()
        },
    }
