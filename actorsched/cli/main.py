"""The command `actorsched`: finds the subcommand, and turns errors into one message and an exit code.

A subcommand is imported when it is called, so that a short command starts fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from actorsched._version import __version__
from actorsched.errors import ActorschedError
from actorsched.names import hint

#: name → module, what it does
COMMANDS = {
    "run": ("run", "Run a task and all that it requires."),
    "submit": ("submit", "Register a task and all that it requires, and leave."),
    "luigi": ("luigi", "Run what was written for Luigi: its command line, or a script."),
    "node": ("node", "Be a scheduler, or a worker for one, until told to stop."),
    "status": ("status", "Show how a scheduler is doing."),
    "tasks": ("tasks", "List the tasks of a scheduler."),
    "workers": ("workers", "List the workers of a scheduler."),
    "graph": ("graph", "Show what a task needs, or what needs it."),
    "web": ("web", "Show a scheduler on a web page; let Luigi's own workers use it."),
    "pause": ("control", "Hand out no more work; what runs goes on."),
    "unpause": ("control", "Hand out work again."),
    "resume": ("control", "The same as unpause."),
    "cancel": ("control", "Stop a task."),
    "logs": ("logs", "Show what a task printed when it ran on this machine."),
    "history": ("history", "Show the runs that have ended."),
    "store": ("store", "Check, export, import or vacuum the store of a scheduler."),
    "bench": ("bench", "Measure this machine, beside the standard library's process pool."),
    "simulate": ("simulate", "Play whole systems in a hostile world, from seeds."),
    "keygen": ("keygen", "Make keys and users, for a scheduler that asks for them."),
}

#: what click raises where a command was named without anything, from 8.2 on
NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())

EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class Commands(click.Group):
    """A group whose members are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            raise click.UsageError(f"no command {cmd_name!r}{hint(cmd_name, COMMANDS, 'commands')}", ctx)
        module = import_module(f"actorsched.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        # one name for a setting, whatever the command
        command.context_settings.setdefault("auto_envvar_prefix", "ACTORSCHED")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="To begin with: `actorsched run FILE.py TASK`; with --help behind it, it shows the parameters of"
    " that task.\n\nSettings: flags over environment (ACTORSCHED_…) over actorsched.toml over defaults.",
)
@click.version_option(__version__, prog_name="actorsched", message="%(prog)s %(version)s")
def cli() -> None:
    """A scheduler and its workers for pipelines of tasks."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; docs/exit-codes.md has the codes."""
    sys.exit(run_cli(args))


def run_cli(args: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    try:
        # without standalone mode click leaves errors to us and returns what the command returns
        result: Any = cli.main(args=args, prog_name="actorsched", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except NO_ARGUMENTS as error:  # the help as it is, and no error about it
        print(error.format_message(), file=sys.stderr, flush=True)
        return int(error.exit_code)
    except click.ClickException as error:
        hint = _where_to_look(error) if isinstance(error, click.UsageError) else ""
        return _fail(error.format_message() + hint, error.exit_code)
    except ActorschedError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        return _fail("interrupted", getattr(error, "exit_code", EXIT_INTERRUPTED))
    except BrokenPipeError:
        # whoever read our output has seen enough; keep the interpreter from failing over it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        import traceback

        traceback.print_exc()
        return _fail(f"this is a bug in actorsched: {type(error).__name__}: {error}", EXIT_BUG)
    return result if isinstance(result, int) else 0


def _where_to_look(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else "actorsched"
    return f"\nTry '{path} --help'."


def _fail(message: str, code: int) -> int:
    print(f"actorsched: error: {message}", file=sys.stderr, flush=True)
    return code
