"""`actorsched run`: run a task and all that it requires, show how it goes, say what came of it."""

from __future__ import annotations

import contextlib
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from actorsched.cli.client import CLIENT_SECTION, json_option, scheduler_option
from actorsched.cli.config_file import config_option
from actorsched.cli.sections import Option
from actorsched.cli.settings import log_level_option, natural, resource_option, setting_options, values_of
from actorsched.cli.task_command import TaskCommand, chosen, module_of, tasks_in, texts_of
from actorsched.config import ClientSettings, SchedulerSettings, WorkerSettings

if TYPE_CHECKING:
    from actorsched.children.launcher import Launcher
    from actorsched.cli.lines import Lines
    from actorsched.cli.live import Live
    from actorsched.cli.progress import Progress
    from actorsched.facade.result import RunResult

#: seconds that the scheduler of a run has to answer for the first time; later the patience counts
FIRST_CONTACT_S = 10.0

#: so many failures are shown with their traceback
DETAILS_SHOWN = 3

#: what all tasks have is nobody's wish
BASES = ("actorsched.tasks.task", "luigi.task")

WORKER_SECTION = "How the tasks are run (rarely needed)"
SCHEDULER_SECTION = "How the scheduler in this process decides (rarely needed)"


def run_task(ctx: click.Context, /, **values: Any) -> int:
    """See the help of the command."""
    from actorsched.cli import logging

    _refuse_what_has_no_meaning(ctx, values)
    task = task_of(ctx)
    logging.set_up(values["log_level"])
    result, interrupted = _run(task, values)
    if values["as_json"]:
        from actorsched.cli.output import print_json

        print_json({"task": task.task_id, **result.to_dict()})
    else:
        _print_summary(result)
        if not interrupted and not values["keep_alive"] and _would_be_tried_again(result):
            click.secho(
                "\nA run does not wait for tasks that failed to be tried again; with --keep-alive it does.",
                dim=True,
            )
    return result.exit_code if result.succeeded else interrupted or result.exit_code


def _refuse_what_has_no_meaning(ctx: click.Context, values: Mapping[str, Any]) -> None:
    """Nobody would run anything, or another scheduler decides; for the latter see `node.py`."""
    if values["scheduler"] is None:
        if values["workers"] == 0:
            raise click.UsageError(
                "--workers 0 leaves all tasks to the nodes of a scheduler; say which scheduler"
                " (--scheduler tcp://HOST:PORT), or --workers 1",
                ctx,
            )
        return
    for param in ctx.command.params:
        given = ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if given and isinstance(param, Option) and param.section == SCHEDULER_SECTION:
            raise click.UsageError(
                f"{param.opts[0]} has no meaning with --scheduler, because that scheduler decides by its"
                f" own; give it to that one: actorsched node --role scheduler {param.opts[0]} …",
                ctx,
            )


def task_of(ctx: click.Context) -> Any:
    """The task that the command line describes.

    Raises:
        click.UsageError: it names only a module.
        ParameterError: the parameters do not fit.
    """
    from actorsched.tasks.loading import task_from_text

    cls = chosen(ctx)
    if cls is None:
        names = ", ".join(task.task_family for task in tasks_in(module_of(ctx))) or "none"
        raise click.UsageError(f"say which task; tasks in {module_of(ctx).__name__}: {names}", ctx)
    return task_from_text(cls, texts_of(ctx))


def _run(task: Any, values: Mapping[str, Any]) -> tuple[RunResult, int]:
    """Run the task; returns what came of it, and the exit code of an interruption or 0."""
    from actorsched.cli.signals import FOREVER_S, StopSignals

    with contextlib.ExitStack() as stack:
        signals = stack.enter_context(StopSignals().installed())
        launcher = _start_children(values)
        if launcher is not None:
            stack.callback(launcher.close)
        from actorsched.actors.runtime import Runtime
        from actorsched.cli.progress import Progress
        from actorsched.facade.worker import Worker

        progress = Progress()
        if values["as_json"]:
            from actorsched.cli.captured import stdout_to_stderr

            stack.enter_context(stdout_to_stderr())
        scheduler = stack.enter_context(_scheduler(values))
        display = stack.enter_context(_display(progress, task))
        worker = stack.enter_context(
            Worker(
                scheduler,
                worker_processes=values["workers"],
                observer=progress.hear,
                runtime=Runtime() if launcher is None else Runtime(make_launcher=lambda _: launcher),
                execution="inline" if values["inline"] else "process",
                **values_of(WorkerSettings, values),
            )
        )

        def stop(drain_s: float | None) -> None:
            worker.stop(drain_s, at_once=drain_s == 0)
            if drain_s == 0:
                display.say("ending what runs")
            elif drain_s == FOREVER_S:
                display.say("taking no more work; what runs goes on")
            else:
                display.say("stopping; what runs may finish (interrupt again to end it at once)")

        worker.add(task)
        if values["scheduler"] is not None:
            for text in _why_nothing_would_happen(scheduler, values["workers"]):
                display.say(text)
        with signals.stopping(stop):
            worker.run()
        return worker.result, 128 + signals.received if signals.received else 0


def _why_nothing_would_happen(remote: Any, slots: int) -> Iterator[str]:
    """Whoever waits for something that others have to do first should know of it."""
    if remote.is_paused()["paused"]:
        yield "the scheduler is paused: it hands out nothing until somebody says `actorsched resume`"
    if slots == 0 and not any(
        view.get("workers", 1) for view in remote.worker_list() if view["state"] == "active"
    ):
        yield "no worker node is there: the tasks wait for one (`actorsched node --role worker`)"


def _start_children(values: Mapping[str, Any]) -> Launcher | None:
    """What child processes come from; it starts while this process is still importing the rest."""
    if values["inline"] or values["workers"] == 0:
        return None
    from actorsched.children.launcher import make_launcher

    return make_launcher(values["start_method"] or "")


@contextlib.contextmanager
def _scheduler(values: Mapping[str, Any]) -> Iterator[Any]:
    """The scheduler of the run: the one with this address, or one in this process."""
    if values["scheduler"] is None:
        from actorsched.facade.scheduler import Scheduler

        with Scheduler(
            resources=dict(values["resource"]), **values_of(SchedulerSettings, values)
        ) as scheduler:
            yield scheduler
        return
    from actorsched.cli.client import connect

    check_contact(values)
    with connect(values) as remote:
        yield remote


def check_contact(values: Mapping[str, Any]) -> None:
    """Notice a wrong address at once, and not when the patience ends."""
    from actorsched.cli.client import connect
    from actorsched.transport.address import is_http

    first = {**values, "patience": min(FIRST_CONTACT_S, values["patience"] or FIRST_CONTACT_S)}
    with connect(first) as remote:
        remote.hello()
        if is_http(values["scheduler"]):  # a luigid knows no `hello`; that was answered for it
            remote.is_pause_enabled()


def _display(progress: Progress, task: Any) -> contextlib.AbstractContextManager[Live | Lines]:
    if sys.stderr.isatty():
        from actorsched.cli.live import Live

        return Live(progress, task.task_family)
    from actorsched.actors.log import log
    from actorsched.cli.lines import Lines

    return Lines(progress, log)


def _print_summary(result: RunResult) -> None:
    first, _, rest = result.summary_text.partition("\n")
    click.secho(first, bold=True, fg="green" if result.succeeded else "red")
    click.echo(rest)
    failed = [*result.tasks.get("failed", ()), *result.tasks.get("scheduling_failed", ())]
    told = [outcome for outcome in failed if "\n" in outcome.detail.strip()]
    for outcome in told[:DETAILS_SHOWN]:
        click.secho(f"\n{outcome.name}:", bold=True)
        click.echo(textwrap.indent(outcome.detail.strip(), "    "))
    if len(told) > DETAILS_SHOWN:
        click.echo(f"\n… and {len(told) - DETAILS_SHOWN} more; --json has all of them")


def _would_be_tried_again(result: RunResult) -> bool:
    """Whether somebody who wrote how a task is tried again may wonder that it was not."""
    from actorsched.tasks import families, luigi_bridge

    failed = {outcome.family for outcome in result.tasks.get("failed", ())}
    classes = [cls for name in failed for cls in families.candidates(name) + luigi_bridge.candidates(name)]
    own = [set(vars(part)) for cls in classes for part in cls.__mro__ if part.__module__ not in BASES]
    return any(names & {"retry_count", "retry_delay"} for names in own)


def run_options() -> list[click.Parameter]:
    """The options of the command, beside the parameters of the task."""
    return [
        click.Option(
            ["--workers"],
            type=natural,
            default=1,
            show_default=True,
            metavar="N",
            help="Tasks that run here at the same time; 0 leaves all of them to the nodes of the scheduler.",
        ),
        scheduler_option(default=None),
        json_option(),
        click.Option(["--inline"], is_flag=True, help="Run tasks in this process, one after the other."),
        log_level_option(),
        config_option(),
        *setting_options(WorkerSettings, WORKER_SECTION),
        *setting_options(ClientSettings, CLIENT_SECTION),
        *setting_options(SchedulerSettings, SCHEDULER_SECTION),
        resource_option(SCHEDULER_SECTION),
    ]


run = TaskCommand(
    "run",
    callback=click.pass_context(run_task),
    params=[
        click.Argument(["path_or_module"]),
        click.Argument(["task"], required=False),
        *run_options(),
    ],
    help=(
        "Run a task and all that it requires.\n\nPATH_OR_MODULE is a .py file or the name of a module, TASK a"
        " task in it. `actorsched run PATH_OR_MODULE TASK --help` shows the task's parameters. The exit code"
        " is 0 if and only if the task is complete; docs/exit-codes.md has the others."
    ),
)
