"""Messages to workers and tasks, what running tasks say, and what workers announce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorsched._version import __version__
from actorsched.core.instant import Instant
from actorsched.core.leases import hear
from actorsched.core.record import TaskRecord
from actorsched.core.results import (
    ErrorView,
    Hello,
    MessageResponse,
    MessageSent,
    Pong,
    Progress,
    Refused,
    RunningResources,
    StatusMessage,
)
from actorsched.core.state import State
from actorsched.core.statuses import RUNNING
from actorsched.errors import VersionError

PROTOCOL_VERSION = 1


def hello(state: State, now: Instant, protocol_version: int = 1, client: str | None = None) -> Hello:
    """Tell a client whom it talks to: ours.

    Raises:
        VersionError: the client speaks another version of the protocol.
    """
    check_version(protocol_version)
    return {
        "protocol_version": PROTOCOL_VERSION,
        "server_version": __version__,
        "epoch": state.epoch,
        "lease_s": state.settings.worker_disconnect_delay,
    }


def check_version(protocol_version: int) -> None:
    """Refuse a client whose version of the protocol is not ours.

    Raises:
        VersionError: it is not; with both versions.
    """
    if protocol_version != PROTOCOL_VERSION:
        raise VersionError(
            f"this client speaks version {protocol_version} of the protocol, and this scheduler"
            f" ({__version__}) version {PROTOCOL_VERSION}; install the same version on both sides"
        )


def ping(state: State, now: Instant, /, worker: str, incarnation: Any = None, **ignored: Any) -> Pong:
    """Renew the lease of the worker, and take the messages for it."""
    record, refused = hear(state, worker, incarnation, now)
    messages: list[dict[str, Any]] = []
    if refused is None and record.rpc_messages:
        messages, record.rpc_messages = record.rpc_messages, messages
        state.touch_worker(record)
    pong: Pong = {
        "rpc_messages": messages,
        "epoch": state.epoch,
        "known": record.known,
        "lease_s": state.settings.worker_disconnect_delay,
    }
    if refused is not None:
        pong["refused"] = refused["refused"]
        pong["known"] = record.known and "present" not in refused  # another life is; this one has to come in
    return pong


def set_worker_processes(state: State, now: Instant, worker: str, n: int) -> None:
    state.tell(state.worker(worker, now), "set_worker_processes", n=n)


def send_scheduler_message(state: State, now: Instant, worker: str, task: str, content: str) -> MessageSent:
    """Leave a message for a task that the worker runs; `message_id` is None where messages are off."""
    if not state.settings.send_messages:
        return {"message_id": None}
    message_id = state.ticket("m")
    state.tell(
        state.worker(worker, now),
        "dispatch_scheduler_message",
        task_id=task,
        message_id=message_id,
        content=content,
    )
    return {"message_id": message_id}


def add_scheduler_message_response(
    state: State, now: Instant, task_id: str, message_id: str, response: Any
) -> None:
    record = state.tasks.get(task_id)
    if record is not None:
        record.get_notes().responses[message_id] = response
        state.touch(record)


def get_scheduler_message_response(
    state: State, now: Instant, task_id: str, message_id: str
) -> MessageResponse:
    """Take the answer, once; None when there is none."""
    record = state.tasks.get(task_id)
    if record is None or record.notes is None:
        return {"response": None}
    state.touch(record)
    return {"response": record.notes.responses.pop(message_id, None)}


def _and_members(state: State, record: TaskRecord) -> list[TaskRecord]:
    """The record, and the members of its batch when it is a combined task that runs."""
    if record.status == RUNNING and record.batch_id is not None:
        return [record, *state.batches.of_batch(record.batch_id)]
    return [record]


def set_task_status_message(state: State, now: Instant, task_id: str, status_message: str | None) -> None:
    record = state.tasks.get(task_id)
    if record is not None:
        for known in _and_members(state, record):
            known.get_notes().status_message = status_message
            state.touch(known)


def get_task_status_message(state: State, now: Instant, task_id: str) -> StatusMessage:
    record = state.tasks.get(task_id)
    message = "" if record is None else record.see_notes().status_message
    return {"taskId": task_id, "statusMessage": message}


def set_task_progress_percentage(
    state: State, now: Instant, task_id: str, progress_percentage: float | None
) -> None:
    record = state.tasks.get(task_id)
    if record is not None:
        for known in _and_members(state, record):
            known.get_notes().progress_percentage = progress_percentage
            state.touch(known)


def get_task_progress_percentage(state: State, now: Instant, task_id: str) -> Progress:
    record = state.tasks.get(task_id)
    progress = None if record is None else record.see_notes().progress_percentage
    return {"taskId": task_id, "progressPercentage": progress}


def decrease_running_task_resources(
    state: State,
    now: Instant,
    task_id: str,
    decrease_resources: Mapping[str, float],
    run_id: str | None = None,
) -> Refused | None:
    """Give back a part of what a running task holds; what the task asks for next time stays.

    Returns:
        None, or a refusal when `run_id` is not the live run of the task: another run holds all of its own.
    """
    record = state.tasks.get(task_id)
    if run_id is not None and (record is None or record.run_id != run_id):
        return {"refused": "stale_run", "task_id": task_id, "run_id": run_id}
    if record is None or record.status != RUNNING:
        return None
    for known in _and_members(state, record):
        left = dict(known.runs_with())
        for name, amount in decrease_resources.items():
            if amount > 0 and name in left:
                left[name] = max(0, left[name] - amount)
        if known.status == RUNNING:
            state.resources.release(known.runs_with())
            state.resources.charge(left)
        known.resources_running = left
        state.touch(known)
    return None


def get_running_task_resources(state: State, now: Instant, task_id: str) -> RunningResources:
    record = state.tasks.get(task_id)
    taken = record.resources_running if record is not None else None
    return {"taskId": task_id, "resources": None if taken is None else dict(taken)}


def fetch_error(state: State, now: Instant, /, task_id: str, **ignored: Any) -> ErrorView:
    record = state.tasks.get(task_id)
    if record is None:
        return {"taskId": task_id, "error": ""}
    return {
        "taskId": task_id,
        "error": record.expl,
        "displayName": record.display_name(),
        "taskParams": record.public_params(),
        "taskModule": record.module,
        "taskFamily": record.family,
    }


def announce_scheduling_failure(
    state: State,
    now: Instant,
    /,
    task_name: str,
    family: str,
    params: Mapping[str, Any],
    expl: Any,
    owners: Any,
    worker: str | None = None,
    **ignored: Any,
) -> None:
    """Remember that a task could not even be registered; the newest ones are kept to be reported."""
    state.announce(
        {
            "task_name": task_name,
            "family": family,
            "params": dict(params),
            "expl": expl,
            "owners": owners,
            "worker": worker,
            "time": now.wall,
        }
    )


def update_metrics_task_started(state: State, now: Instant, task: Any) -> None:
    """Accepted from Luigi's clients; metrics are taken outside of the machine."""


def report_task_statistics(state: State, now: Instant, task_id: str, statistics: Mapping[str, Any]) -> None:
    """Keep the latest statistics of a task, to be shown with it."""
    record = state.tasks.get(task_id)
    if record is not None:
        record.get_notes().statistics = dict(statistics)
        state.touch(record)
