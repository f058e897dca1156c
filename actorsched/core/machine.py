"""The scheduler as a deterministic state machine: the table of its methods.

A method takes the time as its first argument and answers with plain JSON-shaped data (results.py). The
machine has no clock, no randomness and no thread: the same calls with the same times give the same
answers. It is not safe to call from several threads at once; an actor owns it.
"""

from __future__ import annotations

from actorsched.core import (
    control,
    counting,
    ending,
    granting,
    graphs,
    leases,
    messaging,
    pruning,
    registering,
    views,
)
from actorsched.core.instant import Instant
from actorsched.core.restoring import export, load
from actorsched.core.rows import Rows
from actorsched.core.state import State


class SchedulerMachine(State):
    """All RPC methods of Luigi's scheduler, and ours.

    Args:
        settings: of the scheduler.
        resources: capacities by name.
        epoch: names this life of the state; run and message ids begin with it.
        journal: note what changes, for `take_changes`.
    """

    def load(self, stored: Rows, now: Instant) -> None:
        """Become what the rows say; only right after it was made. See restoring.py."""
        load(self, stored, now)

    def export(self) -> Rows:
        """All rows, to load them elsewhere."""
        return export(self)

    # work
    add_task = registering.add_task
    get_work = granting.get_work
    count_pending = counting.count_pending
    add_task_batcher = registering.add_task_batcher
    mark_as_done = ending.mark_as_done
    forgive_failures = ending.forgive_failures
    re_enable_task = ending.re_enable_task
    cancel_task = ending.cancel_task
    decrease_running_task_resources = messaging.decrease_running_task_resources
    get_running_task_resources = messaging.get_running_task_resources

    # workers
    hello = messaging.hello
    add_worker = registering.add_worker
    ping = messaging.ping
    remove_worker = pruning.remove_worker
    disable_worker = control.disable_worker
    set_worker_processes = messaging.set_worker_processes
    prune = pruning.prune
    renew_all = leases.renew_all
    renew_copy = leases.renew

    # messages
    send_scheduler_message = messaging.send_scheduler_message
    add_scheduler_message_response = messaging.add_scheduler_message_response
    get_scheduler_message_response = messaging.get_scheduler_message_response

    # task info
    set_task_status_message = messaging.set_task_status_message
    get_task_status_message = messaging.get_task_status_message
    set_task_progress_percentage = messaging.set_task_progress_percentage
    get_task_progress_percentage = messaging.get_task_progress_percentage
    fetch_error = messaging.fetch_error
    update_metrics_task_started = messaging.update_metrics_task_started
    report_task_statistics = messaging.report_task_statistics
    announce_scheduling_failure = messaging.announce_scheduling_failure

    # views
    graph = graphs.graph
    dep_graph = graphs.dep_graph
    inverse_dep_graph = graphs.inverse_dep_graph
    task_list = views.task_list
    task_search = views.task_search
    worker_list = views.worker_list
    resource_list = views.resource_list
    has_task_history = control.has_task_history

    # control
    pause = control.pause
    unpause = control.unpause
    is_paused = control.is_paused
    is_pause_enabled = control.is_pause_enabled
    update_resource = control.update_resource
    update_resources = control.update_resources
