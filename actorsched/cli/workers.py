"""`actorsched workers`: who works for a scheduler, and on what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from actorsched.cli.client import client_command

if TYPE_CHECKING:
    from actorsched.facade.remote_scheduler import RemoteScheduler


def show_workers(remote: RemoteScheduler, as_json: bool) -> None:
    """See the help of the command."""
    from actorsched.cli.output import ago, print_json, print_table

    found = remote.worker_list()
    if as_json:
        print_json({"workers": found})
        return
    if not found:
        click.echo("no workers")
        return
    now = time.time()
    print_table(
        ("STATE", "SLOTS", "RUNNING", "PENDING", "HEARD", "STARTED", "HOST", "WORKER", "RUNS"),
        [
            (
                # a program that has gone on purpose is neither at work nor silent
                "submitted" if worker.get("submission") else worker["state"],
                str(worker.get("workers", "")),
                str(worker["num_running"]),
                str(worker["num_pending"]),
                "" if worker.get("submission") else f"{ago(now - worker['last_active'])} ago",
                f"{ago(now - worker['started'])} ago",
                str(worker.get("host", "")),
                worker["name"],
                ", ".join(view["display_name"] for view in worker["running"].values()),
            )
            for worker in found
        ],
        right=(1, 2, 3, 4, 5),
    )


workers = client_command("workers", show_workers, "List the workers of a scheduler, the latest first.")
