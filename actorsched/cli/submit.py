"""`actorsched submit`: register a task and all that it requires, and leave; nodes do the work.

What it registers belongs to a worker record of its own without slots, which the scheduler keeps until the
tasks are done, although nobody is there who could be heard.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import click

from actorsched.cli.client import CLIENT_SECTION, json_option, scheduler_option
from actorsched.cli.config_file import config_option
from actorsched.cli.run import task_of
from actorsched.cli.settings import log_level_option, setting_options, values_of
from actorsched.cli.task_command import TaskCommand
from actorsched.config import ClientSettings, WorkerSettings
from actorsched.errors import TaskDefinitionError

#: what of a worker's settings has a meaning for one that only registers
SETTINGS = ("task_limit", "parallel_scheduling", "parallel_scheduling_processes", "cache_task_completion")


def submit_task(ctx: click.Context, /, **values: Any) -> int:
    """See the help of the command."""
    from actorsched.cli import logging

    task = task_of(ctx)
    logging.set_up(values["log_level"])
    result, submission = _submit(task, values)
    counts = result.counts
    if values["as_json"]:
        from actorsched.cli.output import print_json

        print_json({"task": task.task_id, "submission": submission, "counts": counts})
    else:
        to_do, complete = counts["not_run"], counts["already_complete"]
        click.echo(f"registered as {submission}: {to_do:,} to do, {complete:,} complete")
    for failed in result.tasks["scheduling_failed"]:
        click.echo(f"not registered: {failed.name}: {failed.cause}", err=True)
    return 35 if counts["scheduling_failed"] else 0


def _submit(task: Any, values: Mapping[str, Any]) -> tuple[Any, str]:
    from actorsched.cli.client import connect
    from actorsched.cli.run import check_contact
    from actorsched.facade.worker import Worker

    if task.__module__ == "__main__":
        raise TaskDefinitionError(f"{task.task_family} is defined in __main__, where no node can find it")
    check_contact(values)
    submission = f"Submission({task.task_family}, {secrets.token_hex(5)})"
    with connect(values) as remote:
        remote.add_worker(worker=submission, info={"submission": True})
        with Worker(
            remote, worker_id=submission, worker_processes=0, **values_of(WorkerSettings, values)
        ) as worker:
            worker.add(task)
            return worker.result, submission


submit = TaskCommand(
    "submit",
    callback=click.pass_context(submit_task),
    params=[
        click.Argument(["path_or_module"]),
        click.Argument(["task"], required=False),
        scheduler_option(),
        json_option(),
        log_level_option("warning"),
        config_option(),
        *setting_options(WorkerSettings, "How tasks are looked for (rarely needed)", SETTINGS),
        *setting_options(ClientSettings, CLIENT_SECTION),
    ],
    help=(
        "Register a task and all that it requires, and leave.\n\nThe nodes of the scheduler do the work;"
        " `actorsched status` and `actorsched tasks` show how far they are. The exit code is 0 if everything"
        " could be registered."
    ),
)
