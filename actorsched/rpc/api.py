"""The methods of a scheduler, as Python methods: written once, inherited by whoever offers them.

Facades and actors inherit `SchedulerApi` and say in `_call` how a call gets to the machine. The
signatures are the protocol: the registry of methods (`methods.py`), the parameter checks of the
server and the page that documents the protocol are all made from them.

Names, order and defaults of the arguments are those of Luigi 3.8; what comes after them is ours.
An argument that has its default value is not sent: the other side has the same defaults.
A method with `**ignored` takes unknown arguments and does nothing with them; the others refuse them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from actorsched.rpc.arguments import Amounts, Count, Seconds, Status

if TYPE_CHECKING:
    from actorsched.core.results import (
        CancelReply,
        ErrorView,
        Hello,
        MessageResponse,
        MessageSent,
        Paused,
        PauseEnabled,
        PendingCount,
        Pong,
        Progress,
        Refused,
        ResourceView,
        RunningResources,
        StatusMessage,
        StatusReply,
        TaskView,
        TooMany,
        Work,
    )


class SchedulerApi(ABC):
    """Every method of the protocol; `_call` carries it to the scheduler."""

    @abstractmethod
    def _call(self, method: str, params: dict[str, Any]) -> Any:
        """Carry one call to the scheduler and return its result, or raise its error."""

    # -- work -----------------------------------------------------------------------------------

    def add_task(
        self,
        task_id: str | None = None,
        status: Status = "PENDING",
        runnable: bool | None = True,
        deps: Collection[str] | None = None,
        new_deps: Collection[str] | None = None,
        expl: str | None = None,
        resources: Amounts | None = None,
        priority: int | float = 0,
        family: str = "",
        module: str | None = None,
        params: Mapping[str, Any] | None = None,
        param_visibilities: Mapping[str, Any] | None = None,
        accepts_messages: bool | None = False,
        assistant: bool = False,
        tracking_url: str | None = None,
        worker: str | None = None,
        batchable: bool | None = None,
        batch_id: str | None = None,
        retry_policy_dict: Mapping[str, Any] | None = None,
        owners: Collection[str] | None = None,
        run_id: str | int | None = None,
        incarnation: str | int | None = None,
        took_s: Seconds | None = None,
        held_s: Seconds | None = None,
        declined: str | None = None,
        **ignored: Any,
    ) -> Refused | None:
        """Register a task, or report how it is doing.

        Args:
            run_id: which run is reported, as `get_work` gave it out; a report of an old one is refused.
            incarnation: which life of the worker speaks; another one than the present is refused.
            took_s: how long the run that ends here took, for the history.
            held_s: how long the worker had had it when it ended, for the history: a report may come late.
            declined: why this worker cannot load the task of the run that it gives back (PENDING): it gets
                none of this module and family for a while, others do, and when nobody is left who could, the
                task fails with what they said.

        Returns:
            None, or a dict with `refused` when nothing has changed and why.
        """
        return self._call("add_task", _said("add_task", locals()))  # type: ignore[no-any-return]

    def get_work(
        self,
        host: str | None = None,
        assistant: bool = False,
        current_tasks: Collection[str] | None = None,
        worker: str | None = None,
        max_tasks: Count | None = None,
        incarnation: str | int | None = None,
        ahead: Mapping[str, Count] | None = None,
        **ignored: Any,
    ) -> Work:
        """Ask for a task to run; with `max_tasks`, for up to so many of them at once.

        With `ahead`, also for tasks in advance that wait for one run of this worker alone: run id → how many
        may follow it, one after the other; "" stands for each run of this answer. Each of them says `after`
        which run. Begin it when that run was a success; else report it PENDING.
        """
        return self._call("get_work", _said("get_work", locals()))  # type: ignore[no-any-return]

    def count_pending(self, worker: str) -> PendingCount:
        """Count what is left to do for this worker."""
        return self._call("count_pending", {"worker": worker})  # type: ignore[no-any-return]

    def add_task_batcher(
        self,
        worker: str,
        task_family: str,
        batched_args: Collection[str],
        max_batch_size: int | float | None = math.inf,
    ) -> None:
        """Say which parameters of a family may be combined; no size (or None) is no limit."""
        self._call("add_task_batcher", _said("add_task_batcher", locals()))

    def mark_as_done(self, task_id: str | None = None) -> StatusReply:
        """Declare a running, failed or disabled task done."""
        return self._call("mark_as_done", {"task_id": task_id})  # type: ignore[no-any-return]

    def forgive_failures(self, task_id: str | None = None) -> StatusReply:
        """Make a failed task pending again, now."""
        return self._call("forgive_failures", {"task_id": task_id})  # type: ignore[no-any-return]

    def re_enable_task(self, task_id: str) -> TaskView:
        """Lift the disabling of a task that the scheduler disabled."""
        return self._call("re_enable_task", {"task_id": task_id})  # type: ignore[no-any-return]

    def cancel_task(self, task_id: str) -> CancelReply:
        """Stop a task: a pending one is disabled, a running one is ended by its worker."""
        return self._call("cancel_task", {"task_id": task_id})  # type: ignore[no-any-return]

    def decrease_running_task_resources(
        self, task_id: str, decrease_resources: Amounts, run_id: str | int | None = None
    ) -> Refused | None:
        """Give back part of what a running task holds; with `run_id`, only if that is its live run."""
        return self._call(  # type: ignore[no-any-return]
            "decrease_running_task_resources", _said("decrease_running_task_resources", locals())
        )

    def get_running_task_resources(self, task_id: str) -> RunningResources:
        """Tell what a running task holds."""
        return self._call("get_running_task_resources", {"task_id": task_id})  # type: ignore[no-any-return]

    # -- workers --------------------------------------------------------------------------------

    def add_worker(
        self,
        worker: str,
        info: Mapping[str, Any] | Collection[tuple[str, Any]],
        incarnation: str | int | None = None,
        replaces: str | int | None = None,
        **ignored: Any,
    ) -> Refused | None:
        """Introduce a worker; `info` is shown to people.

        Args:
            incarnation: which life of the worker speaks.
            replaces: the life in whose place it comes, as a refusal has named it (`present`).
        """
        return self._call("add_worker", _said("add_worker", locals()))  # type: ignore[no-any-return]

    def ping(self, worker: str, incarnation: str | int | None = None, **ignored: Any) -> Pong:
        """Renew the leases of a worker and fetch the messages for it."""
        return self._call("ping", _said("ping", locals()))  # type: ignore[no-any-return]

    def remove_worker(self, worker: str, incarnation: str | int | None = None) -> Refused | None:
        """Say that a worker has ended: it is forgotten at once, and what it had waits again."""
        return self._call("remove_worker", _said("remove_worker", locals()))  # type: ignore[no-any-return]

    def disable_worker(self, worker: str) -> None:
        """Give a worker no more work; what it runs may end."""
        self._call("disable_worker", {"worker": worker})

    def set_worker_processes(self, worker: str, n: int) -> None:
        """Tell a worker to use so many slots."""
        self._call("set_worker_processes", {"worker": worker, "n": n})

    def prune(self) -> None:
        """Act on every deadline that has passed."""
        self._call("prune", {})

    # -- messages -------------------------------------------------------------------------------

    def send_scheduler_message(self, worker: str, task: str, content: Any) -> MessageSent:
        """Send a message to a running task; returns its `message_id`."""
        params = {"worker": worker, "task": task, "content": content}
        return self._call("send_scheduler_message", params)  # type: ignore[no-any-return]

    def add_scheduler_message_response(self, task_id: str, message_id: str, response: Any) -> None:
        """Answer a message that was sent to a task."""
        params = {"task_id": task_id, "message_id": message_id, "response": response}
        self._call("add_scheduler_message_response", params)

    def get_scheduler_message_response(self, task_id: str, message_id: str) -> MessageResponse:
        """Fetch, once, the answer to a message."""
        params = {"task_id": task_id, "message_id": message_id}
        return self._call("get_scheduler_message_response", params)  # type: ignore[no-any-return]

    # -- task info ------------------------------------------------------------------------------

    def set_task_status_message(self, task_id: str, status_message: str | None) -> None:
        """Show a text beside a task."""
        self._call("set_task_status_message", {"task_id": task_id, "status_message": status_message})

    def get_task_status_message(self, task_id: str) -> StatusMessage:
        """Tell the text that is shown beside a task."""
        return self._call("get_task_status_message", {"task_id": task_id})  # type: ignore[no-any-return]

    def set_task_progress_percentage(self, task_id: str, progress_percentage: int | float | None) -> None:
        """Show how far a task is."""
        params = {"task_id": task_id, "progress_percentage": progress_percentage}
        self._call("set_task_progress_percentage", params)

    def get_task_progress_percentage(self, task_id: str) -> Progress:
        """Tell how far a task is."""
        return self._call("get_task_progress_percentage", {"task_id": task_id})  # type: ignore[no-any-return]

    def fetch_error(self, task_id: str, **ignored: Any) -> ErrorView:
        """Tell what was reported about a task, usually its traceback."""
        return self._call("fetch_error", {"task_id": task_id, **ignored})  # type: ignore[no-any-return]

    def update_metrics_task_started(self, task: Any) -> None:
        """Tell the collector of metrics that a task has started."""
        self._call("update_metrics_task_started", {"task": task})

    def report_task_statistics(self, task_id: str, statistics: Any) -> None:
        """Tell the collector of metrics what a task measured."""
        self._call("report_task_statistics", {"task_id": task_id, "statistics": statistics})

    def announce_scheduling_failure(
        self,
        task_name: str,
        family: str,
        params: Mapping[str, Any],
        expl: str | None,
        owners: Collection[str] | None,
        worker: str | None = None,
        **ignored: Any,
    ) -> None:
        """Report that a task could not be registered."""
        self._call("announce_scheduling_failure", _said("announce_scheduling_failure", locals()))

    # -- views ----------------------------------------------------------------------------------

    def graph(
        self, *, limit: Count | None = None, after: str | None = None, **ignored: Any
    ) -> dict[str, TaskView]:
        """Show all tasks with their dependencies."""
        return self._call("graph", _said("graph", locals()))  # type: ignore[no-any-return]

    def dep_graph(
        self,
        task_id: str,
        include_done: bool = True,
        *,
        limit: Count | None = None,
        after: str | None = None,
        **ignored: Any,
    ) -> dict[str, TaskView]:
        """Show a task and what it depends on."""
        return self._call("dep_graph", _said("dep_graph", locals()))  # type: ignore[no-any-return]

    def inverse_dep_graph(
        self,
        task_id: str,
        include_done: bool = True,
        *,
        limit: Count | None = None,
        after: str | None = None,
        **ignored: Any,
    ) -> dict[str, TaskView]:
        """Show a task and what depends on it."""
        return self._call("inverse_dep_graph", _said("inverse_dep_graph", locals()))  # type: ignore[no-any-return]

    def task_list(
        self,
        status: str | None = "",
        upstream_status: str | None = "",
        limit: bool | int = True,
        search: str | None = None,
        max_shown_tasks: int | None = None,
        *,
        after: str | None = None,
        **ignored: Any,
    ) -> dict[str, TaskView] | TooMany:
        """List tasks by state.

        Args:
            limit: True gives only the number when there are too many, False gives all; a number is the
                length of a page.
            after: the task id that the page before this one ended with.
        """
        return self._call("task_list", _said("task_list", locals()))  # type: ignore[no-any-return]

    def task_search(
        self, task_str: str, *, limit: Count | None = None, after: str | None = None, **ignored: Any
    ) -> dict[str, dict[str, TaskView]]:
        """List tasks whose id contains a text, by state."""
        return self._call("task_search", _said("task_search", locals()))  # type: ignore[no-any-return]

    def worker_list(
        self,
        include_running: bool = True,
        *,
        limit: Count | None = None,
        after: str | None = None,
        **ignored: Any,
    ) -> list[dict[str, Any]]:
        """List the workers and what they run."""
        return self._call("worker_list", _said("worker_list", locals()))  # type: ignore[no-any-return]

    def resource_list(self, *, limit: Count | None = None, after: str | None = None) -> list[ResourceView]:
        """List the resources and who uses them."""
        return self._call("resource_list", _said("resource_list", locals()))  # type: ignore[no-any-return]

    def has_task_history(self) -> bool:
        """Tell whether a history of tasks is kept."""
        return self._call("has_task_history", {})  # type: ignore[no-any-return]

    # -- control --------------------------------------------------------------------------------

    def hello(self, protocol_version: int = 1, client: str | None = None) -> Hello:
        """Agree on a version of the protocol; tells the versions, the epoch and the limits."""
        return self._call("hello", {"protocol_version": protocol_version, "client": client})  # type: ignore[no-any-return]

    def pause(self) -> None:
        """Hand out no more work to anybody."""
        self._call("pause", {})

    def unpause(self) -> None:
        """Hand out work again."""
        self._call("unpause", {})

    def is_paused(self) -> Paused:
        """Tell whether work is being handed out."""
        return self._call("is_paused", {})  # type: ignore[no-any-return]

    def is_pause_enabled(self) -> PauseEnabled:
        """Tell whether `pause` has an effect."""
        return self._call("is_pause_enabled", {})  # type: ignore[no-any-return]

    def update_resource(self, resource: str, amount: Any) -> bool:
        """Set the amount of one resource; False if it is no whole number from 0 up."""
        return self._call("update_resource", {"resource": resource, "amount": amount})  # type: ignore[no-any-return]

    def update_resources(self, **resources: int) -> None:
        """Set the amounts of several resources, by name."""
        self._call("update_resources", dict(resources))


@cache
def _defaults(method: str) -> dict[str, Any]:
    """Names and default values of the arguments that have one."""
    function = SchedulerApi.__dict__[method]
    assert isinstance(function, FunctionType)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    return dict(zip(names[len(names) - len(defaults) :], defaults, strict=True)) | (
        function.__kwdefaults__ or {}
    )


def _said(method: str, values: dict[str, Any]) -> dict[str, Any]:
    """Keep the arguments that the caller gave: those that differ from their default."""
    defaults = _defaults(method)
    del values["self"]
    ignored = values.pop("ignored", None)
    said = {
        name: value
        for name, value in values.items()
        if name not in defaults
        or not (
            value is (default := defaults[name])
            # 1 == True, and they are two different limits
            or (type(value) is type(default) and value == default)
        )
    }
    return said | ignored if ignored else said
