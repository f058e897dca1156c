"""The flags of a settings record, made from its fields: none is forgotten, and each has one name everywhere.

`--retry-delay`, the variable `ACTORSCHED_RETRY_DELAY`, `retry_delay` in the file (`config_file.py`): flags
over environment over file over defaults.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterable, Mapping
from typing import Any

import click
import msgspec

from actorsched.cli.logging import LEVELS
from actorsched.cli.sections import Option

#: field → (metavar, help), of every settings record
HELP: Mapping[str, tuple[str, str]] = {
    # scheduler
    "retry_delay": ("SECONDS", "A failed task is tried again after this long; negative: never."),
    "remove_delay": ("SECONDS", "A task that nobody wants any more is forgotten after this long."),
    "worker_disconnect_delay": ("SECONDS", "A worker that is silent for so long is given up."),
    "disable_window": ("SECONDS", "Failures older than this do not count."),
    "retry_count": ("N", "So many failures within the window disable a task."),
    "disable_hard_timeout": (
        "SECONDS",
        "A task that still fails so long after its first failure is disabled.",
    ),
    "disable_persist": ("SECONDS", "A disabled task gets a new chance after this long."),
    "max_shown_tasks": ("N", "Longest list of tasks that is shown in full."),
    "max_graph_nodes": ("N", "Largest graph that is shown in full."),
    "record_task_history": ("", "Keep a history of the runs, beside the store."),
    "history_max_age": ("SECONDS", "Runs that ended longer ago leave the history; 0: none does."),
    "history_max_runs": ("N", "So many runs stay in the history, the newest; 0: all."),
    "prune_on_get_work": ("", "Act on passed deadlines each time that work is asked for."),
    "pause_enabled": ("", "Let `actorsched pause` have an effect."),
    "send_messages": ("", "Let messages be sent to running tasks."),
    "batch_emails": ("", "Collect failures into one mail."),
    "stable_done_cooldown_secs": ("SECONDS", "A task that was done so recently is not made pending again."),
    "max_worker_deaths": ("N", "A task whose workers died so many times in a row is disabled."),
    # worker
    "keep_alive": ("", "Wait also for tasks that come back after a retry delay or that others hold."),
    "count_uniques": ("", "With --keep-alive: wait only for tasks that nobody else has."),
    "count_last_scheduled": ("", "With --keep-alive: wait only for tasks that nobody registered later."),
    "wait_interval": (
        "SECONDS",
        "Time between two questions for work.  [default: 5 where the scheduler gives hints, else 1]",
    ),
    "wait_jitter": ("SECONDS", "Up to this much is added to the wait, by chance."),
    "ping_interval": (
        "SECONDS",
        "Time between two heartbeats, at most a third of the scheduler's --worker-disconnect-delay.",
    ),
    "max_keep_alive_idle_duration": (
        "SECONDS",
        "With --keep-alive: end after being idle for so long; 0: never.",
    ),
    "max_reschedules": ("N", "A task that lost its requirements is scheduled again so many times."),
    "timeout": ("SECONDS", "A run that takes longer is ended and fails; 0: no limit."),
    "kill_grace": ("SECONDS", "Time between the polite signal and the final one when a run is ended."),
    "drain_timeout": ("SECONDS", "Time that running tasks get to finish after a stop was asked for."),
    "task_limit": ("N", "Schedule no more than so many tasks."),
    "parallel_scheduling": ("", "Ask tasks for their state and requirements in several threads."),
    "parallel_scheduling_processes": ("N", "With --parallel-scheduling: so many threads; 0: chosen."),
    "retry_external_tasks": ("", "Look again for external data that was missing."),
    "check_unfulfilled_deps": ("", "Check that all requirements are complete before a task runs."),
    "check_complete_on_run": ("", "A run that leaves its task incomplete is a failure."),
    "completion_grace": ("SECONDS", "A store gets this long to show what a run has written."),
    "task_process_context": ("CLASS", "Enter this context around each run: package.module.Class."),
    "cache_task_completion": ("", "Ask complete() of a task only once, once it was true."),
    "suspended_max": ("N", "So many runs that wait for dynamic requirements keep their process."),
    "log_dir": ("FOLDER", "What runs print goes to files there; `off`: none.  [default: the state folder]"),
    "log_size_max": ("BYTES", "So much of the output of a run is kept."),
    "log_runs_max": ("N", "So many runs of each task keep their output."),
    "log_total_max": ("BYTES", "So much of the output of all runs together is kept; 0: all."),
    "log_max_age": ("SECONDS", "The output of a run is kept for so long; 0: for ever."),
    "log_console": ("", "Show what runs print, each line with the name of its task."),
    "smtp": ("URL", "Mail failures by smtp://, smtp+starttls:// or smtps://[USER:PASSWORD@]HOST[:PORT]."),
    "email_from": ("ADDRESS", "The sender of these mails."),
    "email_to": ("ADDRESSES", "Who hears of every failure; owners hear of those of their tasks anyway."),
    "start_method": ("METHOD", "How child processes start: forkserver or spawn; chosen by itself."),
    # client
    "connect_timeout": ("SECONDS", "A request without an answer for so long is sent again."),
    "retry_wait_min": ("SECONDS", "First wait between two attempts."),
    "retry_wait_max": ("SECONDS", "Longest wait between two attempts."),
    "retry_jitter": ("SHARE", "Of a wait between two attempts, the share left to chance; from 0 to 1."),
    "retry_attempts": ("N", "Give up after so many attempts; 0: only --patience counts."),
    "patience": ("SECONDS", "When all attempts together took so long, give up; 0: never."),
    "tls_ca": ("FILE", "Trust the certificates in this file, and no others; for https://."),
    "server_key": ("KEY", "Public key of a scheduler that asks for keys, or the file with it."),
    "client_key": ("FILE", "Own secret key, made by `actorsched keygen client`."),
    "allow_clear_password": ("", "Send the password of the address to another machine without encryption."),
}

#: what has a meaning when it is negative
_SIGNED = {"retry_delay"}


def setting_options(
    kind: type[msgspec.Struct], section: str, names: Iterable[str] | None = None, **defaults: Any
) -> list[click.Option]:
    """Return a flag for each field of a settings record, or for those named; unset ones are None.

    Args:
        section: where the flags stand in the help.
        defaults: field → value, where a command has another default than the record.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    options: list[click.Option] = []
    for name in names if names is not None else [name for name in HELP if name in fields]:
        metavar, text = HELP[name]
        flag = f"--{name.replace('_', '-')}"
        default = defaults.get(name, fields[name].default)
        said = default if name in defaults else None
        value_type = _plain(fields[name].type)
        if value_type is bool:
            shown = f"{text}  [default: {'on' if default else 'off'}]"
            options.append(
                Option([f"{flag}/--no-{flag[2:]}"], section=section, is_flag=True, default=said, help=shown)
            )
            continue
        shown = (
            text
            if default in (None, "")
            else f"{text}  [default: {default if isinstance(default, str) else format(default, '.10g')}]"
        )
        value_type = _click_type(name, value_type)
        options.append(
            Option([flag], section=section, type=value_type, default=said, metavar=metavar, help=shown)
        )
    return options


def _plain(hint: Any) -> Any:
    """The type without its `| None`."""
    if isinstance(hint, types.UnionType):
        return next(arm for arm in hint.__args__ if arm is not type(None))
    return hint


def _click_type(name: str, value_type: Any) -> Any:
    if name == "start_method":
        return click.Choice(["forkserver", "spawn"])
    if value_type is int:
        return natural
    if value_type is float:
        return click.FLOAT if name in _SIGNED else seconds
    return click.STRING


def values_of(kind: type[msgspec.Struct], values: Mapping[str, Any]) -> dict[str, Any]:
    """Pick what belongs to a settings record from the values of a command."""
    return {name: values[name] for name in kind.__struct_fields__ if values.get(name) is not None}


def natural(text: str, least: int = 0) -> int:
    """A whole number from `least` up."""
    try:
        number = int(str(text))  # a file may say 2.5
    except (ValueError, TypeError):
        number = least - 1
    if number < least:
        raise click.BadParameter(f"{text!r}: expected a whole number from {least} up")
    return number


def positive(text: str) -> int:
    return natural(text, 1)


def seconds(text: str) -> float:
    """A time span."""
    try:
        number = float(text)
    except (ValueError, TypeError):
        number = -1.0
    if not 0 <= number < math.inf:
        raise click.BadParameter(f"{text!r}: expected a number of seconds, such as 0.5")
    return number


def amount(text: str) -> tuple[str, int]:
    """Understand `name=amount`, for a resource."""
    name, _, number = text.rpartition("=")
    if not name or not number.isdecimal():
        raise click.BadParameter(f"{text!r}: expected NAME=AMOUNT with a whole number, such as gpu=2")
    return name, int(number)


def resource_option(section: str) -> click.Option:
    return Option(
        ["--resource"],
        section=section,
        type=amount,
        multiple=True,
        metavar="NAME=AMOUNT",
        help="How much of a resource may be used at once; may be repeated. One without an amount has 1.",
    )


def users_option(section: str) -> click.Option:
    return Option(
        ["--users"],
        section=section,
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Ask for a user and a password from here; made by `actorsched keygen user`.",
    )


def log_level_option(default: str = "info") -> click.Option:
    return click.Option(
        ["--log-level"],
        type=click.Choice(LEVELS),
        default=default,
        show_default=True,
        help="Log from this level on.",
    )
