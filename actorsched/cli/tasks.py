"""`actorsched tasks`: the tasks of a scheduler, with why they do not run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from actorsched.cli.client import client_command
from actorsched.cli.settings import natural
from actorsched.facade.standing import SHOWN_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actorsched.facade.remote_scheduler import RemoteScheduler

RUNNING = ("RUNNING", "BATCH_RUNNING")
#: tasks that are asked for in one request
PAGE = 1000
#: so many of those that failed are shown with their error, which is asked for one by one
ERRORS_MAX = 100


def pages(remote: RemoteScheduler, wanted: int | None, **filters: Any) -> Iterator[dict[str, Any]]:
    """Tasks in order of first registration, each with its `task_id`; None: all of them."""
    after: str | None = None
    while wanted is None or wanted > 0:
        size = PAGE if wanted is None else min(PAGE, wanted)
        page: Any = remote.task_list(limit=size, after=after, **filters)
        for task_id, view in page.items():
            after = task_id
            yield {"task_id": task_id, **view}
        if len(page) < size:
            return
        wanted = None if wanted is None else wanted - size


def show_tasks(
    remote: RemoteScheduler, as_json: bool, status: str | None, search: str | None, limit: int
) -> None:
    """See the help of the command."""
    from actorsched.cli.output import ago, print_json, print_table

    filters = {"status": (status or "").upper(), "search": search}
    found = list(pages(remote, limit + 1 if limit else None, **filters))
    more = bool(limit) and len(found) > limit
    if more:
        found.pop()
    if as_json:
        print_json({"tasks": found, "more": more})
        return
    if not found:
        click.echo("no such tasks" if status or search else "no tasks")
        return
    now = time.time()
    errors = _errors(remote, found)
    names = {view["task_id"]: view["display_name"] for view in found}
    print_table(
        ("STATUS", "PRIORITY", "SINCE", "TASK", "WHY"),
        [
            (
                view["status"],
                f"{view['priority']:g}",
                ago(now - since(view)),
                view["display_name"],
                why(view, names) or errors.get(view["task_id"], ""),
            )
            for view in found
        ],
        right=(1, 2),
    )
    if more:
        print("… and more; --limit 0 shows all of them, --search and --status fewer", file=sys.stderr)


def _errors(remote: RemoteScheduler, found: list[dict[str, Any]]) -> dict[str, str]:
    """The last line of what was reported of those that failed or were taken out."""
    from actorsched.tasks.reports import cause_of, reported

    failed = [view["task_id"] for view in found if view["status"] in ("FAILED", "DISABLED")]
    return {
        task_id: cause_of(reported(remote.fetch_error(task_id=task_id)["error"]))
        for task_id in failed[:ERRORS_MAX]
    }


def since(view: dict[str, Any]) -> float:
    """When the task came into its state; that of others than running ones changes when they are touched."""
    began = view.get("time_running") if view["status"] in RUNNING else None
    return float(began or view["last_updated"])


def why(view: dict[str, Any], names: Mapping[str, str]) -> str:
    """What there is to say about a task beside its status.

    Args:
        view: of the task.
        names: id → name, as far as they are known, for what it waits for.
    """
    from actorsched.cli.output import short_name
    from actorsched.tasks.reports import with_names

    message = view.get("status_message") or ""
    if view["status"] in RUNNING:
        share = view.get("progress_percentage")
        parts = (
            f"on {short_name(view['worker_running'] or 'a worker')}",
            "" if share is None else f"{share:g} %",
            message,
        )
        return "  ".join(filter(None, parts))
    reason = with_names(str(view.get("blocked_reason") or ""), names)
    # what a run said of itself is over when the task waits again
    return reason or (message if view["status"] == "DONE" else "")


tasks = client_command(
    "tasks",
    show_tasks,
    "List the tasks of a scheduler, those that were registered first first.",
    [
        click.Option(
            ["--status"],
            type=click.Choice([status.lower() for status in SHOWN_STATUSES], case_sensitive=False),
            help="Only those in this state.",
        ),
        click.Option(
            ["--search"], metavar="WORDS", help="Only those in whose name all of these words occur."
        ),
        click.Option(
            ["--limit"],
            type=natural,
            default=100,
            show_default=True,
            metavar="N",
            help="Only so many; 0: all.",
        ),
    ],
)
