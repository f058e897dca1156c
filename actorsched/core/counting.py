"""count_pending: what a worker has left to wait for, from counters."""

from __future__ import annotations

from typing import Any

from actorsched.core.instant import Instant
from actorsched.core.results import PendingCount
from actorsched.core.state import State
from actorsched.core.statuses import RUNNING
from actorsched.core.worker import WorkerRecord


def count_pending(state: State, now: Instant, worker: str) -> PendingCount:
    """Count what this worker could run, without what is behind a disabled task."""
    reply = count(state, state.worker(worker, now))
    state.hungry[worker] = (0, reply["n_can_run"])  # it wants nothing but the end (waking.py)
    return reply


def count(state: State, worker: WorkerRecord) -> PendingCount:
    worker_id = worker.worker_id
    pending = unique = last = 0
    crews = state.crews.of(worker_id)
    for crew in crews:
        if crew.countable:
            pending += crew.countable
            if len(crew.ids) == 1:
                unique += crew.countable
            if crew.ids[-1] == worker_id:
                last += crew.countable
    running: list[dict[str, Any]] = []
    for record in state.by_status[RUNNING].values() if crews else ():  # nothing is its own, else
        if worker_id in record.crew.idset:
            other = state.workers[record.worker_running or ""]
            running.append({"task_id": record.task_id, "worker": other.worker_id, **other.info})
    return {
        "n_pending_tasks": pending,
        "n_unique_pending": unique,
        "n_pending_last_scheduled": last,
        "worker_state": worker.state,
        "running_tasks": running,
        "n_can_run": count_can_run(state, worker),
        "known": worker.known,
    }


def count_can_run(state: State, worker: WorkerRecord) -> int:
    """How many tasks that concern the worker can still become DONE by themselves.

    Whoever can run a task has a stake in it, but for assistants; these may run whatever is runnable, so
    all tasks concern them.
    """
    if worker.assistant:
        return state.n_hopeful
    return sum([stake.hopeful for stake in state.stakes.of(worker.worker_id)])


def is_waited_for(state: State, worker: WorkerRecord) -> bool:
    """Tell whether tasks that the worker registered may still become DONE, now or after a retry delay."""
    pending = any(crew.pending or crew.retried for crew in state.crews.of(worker.worker_id))
    return pending or count_can_run(state, worker) > 0
