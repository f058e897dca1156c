"""Luigi's command line: `actorsched luigi --module m Task --flag …`."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import click
import luigi
import luigi.cmdline_parser
import luigi.interface
import luigi.retcodes
from luigi.parameter import ParameterException
from luigi.task_register import TaskClassException

from actorsched.errors import ActorschedError
from actorsched.facade.result import EXIT_CODES, RunResult, RunStatus
from actorsched.facade.signals import Signals
from actorsched.facade.worker import Worker
from actorsched.luigi.entry import around_run, run


def main(args: Sequence[str]) -> int:
    """Do what the `luigi` command does, or Python with a script; returns the exit code.

    Raises:
        SystemExit: the command line is wrong, or the script says so.
        ActorschedError: the scheduler cannot be reached, or settings cannot work.
    """
    if args and args[0].endswith(".py"):
        from actorsched.luigi.script import run_script

        return run_script(args)
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    sys.argv = ["actorsched luigi", *args]  # for messages
    return run_command(list(args))


def run_command(args: list[str]) -> int:
    """Do what a command line of Luigi says; returns the exit code.

    Raises:
        click.UsageError: there is no such task, or its parameters do not fit.
        ActorschedError, SystemExit: as `main`.
    """
    codes: Any = None
    watch = _Watch()
    token = around_run.set(watch)
    try:
        with luigi.cmdline_parser.CmdlineParser.global_instance(args):
            codes = luigi.retcodes.retcode()
        result: RunResult = run(args, detailed_summary=True).result
    except luigi.interface.PidLockAlreadyTakenExit:
        click.echo("actorsched: another process runs the same command (--no-lock lets both run)", err=True)
        return codes.already_running or EXIT_CODES[RunStatus.NOT_RUN]
    except (TaskClassException, ParameterException) as error:
        raise click.UsageError(f"{error} ({type(error).__name__}; --help shows the parameters)") from None
    except ActorschedError:
        raise
    except Exception as error:  # the module of the tasks, or something that it calls
        if isinstance(error, ModuleNotFoundError) and error.name in args:
            raise click.UsageError(
                f"--module: no module {error.name!r}, neither installed nor in this folder; set PYTHONPATH"
            ) from None
        traceback.print_exc()
        return 1 if codes is None else int(codes.unhandled_exception)
    finally:
        around_run.reset(token)
    stopped = None if result.succeeded else watch.exit_code
    return exit_code_of(result, codes) if stopped is None else stopped


class _Watch:
    """Stops the worker when a signal says so; what came of the run is told nevertheless.

    Attributes:
        exit_code: of a run that was stopped; None while there was none.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None

    @contextlib.contextmanager
    def __call__(self, worker: Worker) -> Iterator[None]:
        with Signals(worker) as signals:
            yield
        self.exit_code = signals.exit_code


def exit_code_of(result: RunResult, codes: Any) -> int:
    """Return what `[retcode]` says of a run that was no success; ours, where it says nothing or 0."""
    if result.succeeded:
        return 0
    said = {
        "missing_external": codes.missing_data,
        "failed": codes.task_failed,
        "run_by_others": codes.already_running,
        "scheduling_failed": codes.scheduling_error,
    }
    counts = result.counts
    chosen = [code for outcome, code in said.items() if counts[outcome]]
    if result.status is RunStatus.NOT_RUN:
        chosen.append(codes.not_run)
    return max(chosen, default=0) or result.exit_code
