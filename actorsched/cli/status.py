"""`actorsched status`: one look at a scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actorsched.cli.client import client_command

if TYPE_CHECKING:
    from actorsched.facade.remote_scheduler import RemoteScheduler

#: in the order in which they are shown
STATUSES = ("DONE", "RUNNING", "BATCH_RUNNING", "PENDING", "FAILED", "DISABLED", "UNKNOWN")


def count_tasks(remote: RemoteScheduler) -> dict[str, int]:
    """Status → number of tasks; the scheduler counts, and sends a list only when it is short."""
    counts: dict[str, int] = {}
    for status in STATUSES:
        found: Any = remote.task_list(status=status, max_shown_tasks=1)
        number = found.get("num_tasks")
        counts[status] = number if isinstance(number, int) else len(found)
    return counts


def show_status(remote: RemoteScheduler, as_json: bool) -> None:
    """See the help of the command."""
    hello = remote.hello()
    counts = count_tasks(remote)
    listed = remote.worker_list(include_running=True)
    workers = [worker for worker in listed if not worker.get("submission")]
    waiting = sum(1 for worker in listed if worker.get("submission") and worker["num_pending"])
    active = [worker for worker in workers if worker["state"] == "active"]
    slots = sum(worker.get("workers", 1) for worker in active)
    busy = sum(worker.get("num_running", 0) for worker in workers)
    resources = remote.resource_list()
    report = {
        "scheduler": remote.url,
        "epoch": hello["epoch"],
        "paused": remote.is_paused()["paused"],
        "tasks": counts,
        "workers": {
            "active": len(active),
            "disabled": len(workers) - len(active),
            "slots": slots,
            "busy": busy,
        },
        "submissions": waiting,
        "resources": {
            each["name"]: {"total": each["num_total"], "used": each["num_used"]} for each in resources
        },
    }
    if as_json:
        from actorsched.cli.output import print_json

        print_json(report)
        return
    state = click.style("paused", fg="yellow") if report["paused"] else "handing out work"
    click.echo(f"scheduler  {remote.url}  {state}  epoch {hello['epoch']}")
    shown = [f"{number:,} {status.lower()}" for status, number in counts.items() if number]
    click.echo(f"tasks      {', '.join(shown) or 'none'}")
    disabled = f", {len(workers) - len(active)} disabled" if len(active) < len(workers) else ""
    click.echo(f"workers    {len(active)} active{disabled}; {busy} of {slots} slots busy")
    if waiting:
        click.echo(f"submitted  {waiting} with tasks that wait")
    for each in resources:
        click.echo(f"resource   {each['name']}: {each['num_used']:g} of {each['num_total']:g} in use")


status = client_command(
    "status", show_status, "Show how a scheduler is doing: tasks by state, workers, resources."
)
