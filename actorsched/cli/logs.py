"""`actorsched logs`: what the runs of a task printed on this machine."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import click

from actorsched.cli.sections import SectionedCommand

#: seconds between two looks at a log that is followed
FOLLOW_S = 0.2
#: of a name with many parameters, so many ids are tried
IDS_MAX = 4096
#: of the tasks that fit, so many are named
NAMED_MAX = 20


def show_logs(
    task: str, follow: bool, later_runs: bool, run_id: str | None, list_runs: bool, log_dir: Path | None
) -> None:
    """Print the log of the newest run, or of the one that is named."""
    from actorsched.children.logbook import read, runs_of, tasks_like
    from actorsched.children.runlog import default_folder

    if later_runs and run_id is not None:
        raise click.UsageError("--later-runs and --run contradict each other: a run has no later ones")
    follow = follow or later_runs
    folder = log_dir or default_folder()
    tasks = tasks_like(folder, task) or _tasks_named(folder, task)
    if not tasks:
        raise click.ClickException(
            f"no log of a task {task!r} in {folder}: it printed nothing, ran on another machine, "
            "its logs are in another folder (--log-dir), or this is neither its id nor its name"
        )
    if len(tasks) > 1:
        names = "\n".join(f"  {name}" for name in tasks[:NAMED_MAX])
        more = f"\n  … and {len(tasks) - NAMED_MAX} more" if len(tasks) > NAMED_MAX else ""
        raise click.ClickException(f"{len(tasks)} tasks begin with {task!r}; name one:\n{names}{more}")
    runs = runs_of(folder, tasks[0])
    if list_runs:
        for run in runs:
            written = datetime.fromtimestamp(run.written_at).astimezone()
            print(f"{run.run_id}  {written:%Y-%m-%d %H:%M:%S}  {run.path}")
        return
    if run_id is not None:
        runs = [run for run in runs if run.run_id == run_id]
    if not runs:
        known = f"no run {run_id!r} of it" if run_id else "no run of it"
        raise click.ClickException(f"{tasks[0]}: {known} has a log in {folder}; see --list")
    if follow:
        _follow(folder, tasks[0], run_id, later_runs)
    for chunk in () if follow else read(runs[0]):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def _tasks_named(folder: Path, name: str) -> list[str]:
    from actorsched.children.runlog import file_name

    names = (file_name(task_id) for task_id in islice(ids_of(name), IDS_MAX))
    return list(islice((each for each in names if (folder / each).is_dir()), 1))


def ids_of(name: str) -> Iterator[str]:
    """The ids that a task may have that is shown as, for example, `Total(day=2026-11-24, out=out)`.

    A name has all public parameters, and an id is made of those that are significant. The name does not say
    which; most of them are, as a rule.
    """
    from actorsched.tasks.schema import id_of

    family, _, inside = name.removesuffix(")").partition("(")
    values = dict(re.findall(r"(\w+)=(.*?)(?=, \w+=|$)", inside))
    for count in range(len(values), -1, -1):
        for significant in combinations(sorted(values), count):
            yield id_of(family, {each: values[each] for each in significant})


def _follow(folder: Path, task: str, run_id: str | None, later_runs: bool) -> None:
    """Print what is there and what comes, until the run is over; with later runs until interrupted."""
    from actorsched.children.logbook import Follower, runs_of

    seen: str | None = None
    follower: Follower | None = None
    while True:
        runs = [run for run in runs_of(folder, task) if run_id in (None, run.run_id)]
        if runs and runs[0].run_id != seen:
            if follower is not None:
                _print(follower.more())
                follower.close()
            seen, follower = runs[0].run_id, Follower(runs[0])
        if follower is not None:
            over = follower.is_over()  # before the last look, so that nothing comes after it
            _print(follower.more())
            if over and not later_runs:
                follower.close()
                return
        time.sleep(FOLLOW_S)


def _print(printed: bytes) -> None:
    if printed:
        sys.stdout.buffer.write(printed)
        sys.stdout.buffer.flush()


params: list[Any] = [
    click.Argument(["task"], metavar="TASK"),
    click.Option(["--follow", "-f"], is_flag=True, help="Go on printing what is added, until the run ends."),
    click.Option(["--later-runs"], is_flag=True, help="Follow also later runs, until interrupted."),
    click.Option(["--run", "run_id"], metavar="ID", help="This run, and not the newest."),
    click.Option(["--list", "list_runs"], is_flag=True, help="Name the runs that have a log."),
    click.Option(
        ["--log-dir"],
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        help="Where the logs are.  [default: the state folder]",
    ),
]

logs = SectionedCommand(
    "logs",
    callback=show_logs,
    params=params,
    help="Show what a task printed when it ran on this machine.\n\n"
    "TASK is a task's name, as `actorsched tasks` shows it, or its id, or how the id begins: the family.",
)
