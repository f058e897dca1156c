"""The shapes of what the RPC methods return: plain JSON data.

Keys that Luigi does not have are marked. Times are wall-clock seconds since 1970.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Refused(TypedDict):
    """Ours: the call came too late and has changed nothing."""

    #: "stale_run", "stale_incarnation", or "unproven_incarnation": it has to say what life it replaces
    refused: str
    #: the life to be replaced
    present: NotRequired[Any]
    task_id: NotRequired[str]
    run_id: NotRequired[str]


class Limits(TypedDict):
    """Ours: what a server takes."""

    #: the longest frame
    frame_bytes: int
    #: requests in the longest batch
    batch: int


class Hello(TypedDict):
    """Ours."""

    protocol_version: int
    server_version: str
    epoch: str
    #: a worker that is silent for so long is given up
    lease_s: float
    #: the server adds these two
    limits: NotRequired[Limits]
    #: where it gives hints
    events: NotRequired[str]


class PendingCount(TypedDict):
    n_pending_tasks: int
    n_unique_pending: int
    n_pending_last_scheduled: int
    worker_state: str
    #: for each task that this worker could run too: task_id, worker, and what that worker tells of itself
    running_tasks: list[dict[str, Any]]
    #: ours: tasks that concern the worker and can still become DONE without retry delay or a human
    n_can_run: int
    #: ours: whether the worker has introduced itself; one that has not is to register all that it owes
    known: bool


class Grant(TypedDict):
    """Ours: one item of `tasks`. A batch has no task id, but a batch id and the ids of its members."""

    task_id: str | None
    task_family: str
    task_module: str | None
    task_params: dict[str, Any]
    run_id: str
    batch_id: NotRequired[str]
    batch_task_ids: NotRequired[list[str]]
    #: handed out in advance: to be begun when this run of the worker was a success, else to be given back
    after: NotRequired[str]


class Work(TypedDict, total=False):
    """Reply of `get_work`. `n_pending_last_scheduled` is missing for a disabled worker, as in Luigi."""

    n_pending_tasks: int
    n_unique_pending: int
    n_pending_last_scheduled: int
    worker_state: str
    running_tasks: list[dict[str, Any]]
    task_id: str | None
    task_family: str
    task_module: str | None
    task_params: dict[str, Any]
    batch_id: str
    batch_task_ids: list[str]
    #: ours, as are all that follow
    after: str
    n_can_run: int
    run_id: str
    tasks: list[Grant]
    epoch: str
    known: bool
    lease_s: float
    refused: str
    present: Any


class Pong(TypedDict):
    #: calls for the worker: {"name": ..., "kwargs": {...}}
    rpc_messages: list[dict[str, Any]]
    #: ours, as are all that follow
    epoch: str
    known: bool
    lease_s: float
    #: as in `Refused`; then nothing was renewed, and no message was taken
    refused: NotRequired[str]


class StatusReply(TypedDict):
    task_id: str | None
    #: None: no such task
    status: str | None


class CancelReply(StatusReply):
    """Ours."""

    #: the worker that was asked to end the run; None when there was none
    worker: str | None


class TaskView(TypedDict, total=False):
    display_name: str
    status: str
    workers: list[str]
    worker_running: str | None
    time_running: float | None
    start_time: float | str
    last_updated: float
    params: dict[str, Any]
    name: str
    priority: float
    resources: dict[str, float]
    resources_running: dict[str, float] | None
    tracking_url: str | None
    status_message: str | None
    progress_percentage: float | None
    re_enable_able: bool
    deps: list[str]
    accepts_messages: bool
    #: ours: why it cannot run; None when it can, or waits for what can
    blocked_reason: str | None


class TooMany(TypedDict):
    """In place of a list of tasks that is too long; -1: nobody counted."""

    num_tasks: int


class MessageSent(TypedDict):
    message_id: str | None


class MessageResponse(TypedDict):
    response: Any


class PauseEnabled(TypedDict):
    enabled: bool


class Paused(TypedDict):
    paused: bool


class StatusMessage(TypedDict):
    taskId: str
    statusMessage: str | None


class Progress(TypedDict):
    taskId: str
    progressPercentage: float | None


class RunningResources(TypedDict):
    taskId: str
    resources: dict[str, float] | None


class ErrorView(TypedDict, total=False):
    taskId: str
    error: Any
    displayName: str
    taskParams: dict[str, Any]
    taskModule: str | None
    taskFamily: str


class ResourceView(TypedDict):
    name: str
    num_total: int
    num_used: float
    num_consumer: int
    running: dict[str, TaskView]
