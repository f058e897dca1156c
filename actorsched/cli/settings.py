"""Where the commands' settings come from: flags over environment over actorsched.toml over defaults.

The flags of a settings record are made from its fields, so that none is forgotten and each has one
name everywhere: `--retry-delay`, `ACTORSCHED_RETRY_DELAY`, `retry_delay` in the file. The file has three
tables, `[client]` (whoever talks to a scheduler), `[node]` and `[run]`; it becomes click's default map.
"""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec

from actorsched.errors import ConfigError

#: read when it lies in the current folder
DEFAULT_FILE = "actorsched.toml"
#: the commands that each table is for
TABLES: Mapping[str, tuple[str, ...]] = {
    "client": ("status", "tasks", "workers", "pause", "unpause", "run", "node"),
    "run": ("run",),
    "node": ("node",),
}
#: the record that says which keys [client] has, beside the url
CLIENT_KEYS = ("scheduler", "connect_timeout", "retry_wait_min", "retry_wait_max", "patience")
#: options that say what to do now, and not how
NOT_IN_FILE = {"help", "config", "role", "version"}

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
    "record_task_history": ("", "Keep a history of the tasks."),
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
    "wait_interval": ("SECONDS", "Time between two questions for work."),
    "wait_jitter": ("SECONDS", "Up to this much is added to the wait, by chance."),
    "ping_interval": ("SECONDS", "Longest time between two heartbeats."),
    "max_keep_alive_idle_duration": (
        "SECONDS",
        "With --keep-alive: end after being idle for so long; 0: never.",
    ),
    "max_reschedules": ("N", "A task that lost its requirements is scheduled again so many times."),
    "timeout": ("SECONDS", "A run that takes longer is ended and fails; 0: no limit."),
    "kill_grace": ("SECONDS", "Time between the polite signal and the final one when a run is ended."),
    "drain_timeout": ("SECONDS", "Time that running tasks get to finish after a stop was asked for."),
    "task_limit": ("N", "Schedule no more than so many tasks."),
    "retry_external_tasks": ("", "Look again for external data that was missing."),
    "check_unfulfilled_deps": ("", "Check that all requirements are complete before a task runs."),
    "check_complete_on_run": ("", "A run that leaves its task incomplete is a failure."),
    "cache_task_completion": ("", "Ask complete() of a task only once, once it was true."),
    "start_method": ("METHOD", "How child processes start: forkserver or spawn; chosen by itself."),
    # client
    "connect_timeout": ("SECONDS", "A request without an answer for so long is sent again."),
    "retry_wait_min": ("SECONDS", "First wait between two attempts."),
    "retry_wait_max": ("SECONDS", "Longest wait between two attempts."),
    "patience": ("SECONDS", "When all attempts together took so long, give up; 0: never."),
}

#: what has a meaning when it is negative
_SIGNED = {"retry_delay"}


def setting_options(
    kind: type[msgspec.Struct], names: Iterable[str] | None = None, **defaults: Any
) -> list[click.Option]:
    """Return a flag for each field of a settings record, or for those named; unset ones are None.

    Args:
        defaults: field → value, where a command has another default than the record.
    """
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    hints = typing.get_type_hints(kind)
    options = []
    for name in names if names is not None else fields:
        metavar, text = HELP[name]
        flag = f"--{name.replace('_', '-')}"
        default = defaults.get(name, fields[name].default)
        said = default if name in defaults else None
        value_type = _plain(hints[name])
        if value_type is bool:
            shown = f"{text}  [default: {'on' if default else 'off'}]"
            declaration = [f"{flag}/--no-{flag[2:]}"]
            options.append(click.Option(declaration, is_flag=True, default=said, help=shown))
            continue
        shown = text if default in (None, "") else f"{text}  [default: {default:.10g}]"
        options.append(
            click.Option(
                [flag], type=_click_type(name, value_type), default=said, metavar=metavar, help=shown
            )
        )
    return options


def _plain(hint: Any) -> Any:
    """The type without its `| None`."""
    if isinstance(hint, types.UnionType):
        return next(arm for arm in hint.__args__ if arm is not type(None))
    return hint


def _click_type(name: str, value_type: Any) -> click.ParamType[Any]:
    if name == "start_method":
        return click.Choice(["forkserver", "spawn"])
    if value_type is int:
        return click.IntRange(min=0)
    if value_type is float:
        return click.FLOAT if name in _SIGNED else click.FloatRange(min=0)
    return click.STRING


def values_of(kind: type[msgspec.Struct], values: Mapping[str, Any]) -> dict[str, Any]:
    """Pick what belongs to a settings record from the values of a command."""
    return {name: values[name] for name in kind.__struct_fields__ if values.get(name) is not None}


class Amount(click.ParamType[tuple[str, int]]):
    """`name=amount`, for a resource."""

    name = "name=amount"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        name, separator, amount = str(value).rpartition("=")
        if not separator or not name or not amount.isdecimal():
            self.fail(f"{value!r}: expected NAME=AMOUNT with a whole number, such as gpu=2", param, ctx)
        return name, int(amount)


def resource_option() -> click.Option:
    return click.Option(
        ["--resource"],
        type=Amount(),
        multiple=True,
        metavar="NAME=AMOUNT",
        help="How much of a resource may be used at once; may be repeated. One without an amount has 1.",
    )


def config_option() -> click.Option:
    """The flag `--config`: before all other values are looked up, it puts the file's into the context."""
    return click.Option(
        ["--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_use_file,
        help=f"Read settings from this file.  [default: {DEFAULT_FILE} in the current folder, if any]",
    )


def _use_file(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    path = value or Path(DEFAULT_FILE)
    if (value is None and not path.is_file()) or ctx.resilient_parsing:
        return
    ctx.default_map = defaults_from(path, ctx.command)


def defaults_from(path: Path, command: click.Command) -> dict[str, Any]:
    """Read a file of settings, all tables of it, and return what concerns one command.

    Raises:
        ConfigError: naming file, table, key and value.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from None
    for table in data:
        if table not in TABLES:
            raise ConfigError(f"{path}: unknown table [{table}]{_nearest(table, TABLES)}")
    found: dict[str, Any] = {}
    for table in TABLES:  # the more special one comes later and wins
        content = data.get(table, {})
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: [{table}] must be a table of settings, not {content!r}")
        known = _keys(table)
        ours = {option.name for option in command.params}
        for key, value in content.items():
            option = known.get(key.replace("-", "_"))
            if option is None or option.name is None:
                raise ConfigError(f"{path}: [{table}] has no setting {key!r}{_nearest(key, known)}")
            converted = _converted(path, table, key, value, option)
            if command.name in TABLES[table] and option.name in ours:
                found[option.name] = converted
    return found


def _keys(table: str) -> dict[str, click.Option]:
    """The keys of a table: the long flags of its command."""
    if table == "client":
        command = import_module("actorsched.cli.views").status
        return {key: option for key, option in _options(command).items() if key in CLIENT_KEYS}
    return _options(getattr(import_module(f"actorsched.cli.{table}"), table))


def _options(command: click.Command) -> dict[str, click.Option]:
    options = {}
    for option in command.params:
        if isinstance(option, click.Option):
            key = max(option.opts, key=len).lstrip("-").replace("-", "_")
            if key not in NOT_IN_FILE:
                options[key] = option
    return options


def _converted(path: Path, table: str, key: str, value: Any, option: click.Option) -> Any:
    """Check a value as if it had been given to the flag."""
    if isinstance(value, dict) and option.multiple:  # resource = {gpu = 2} reads better than a list
        value = [f"{name}={amount}" for name, amount in value.items()]
    if option.multiple and not isinstance(value, list):
        value = [value]
    try:
        if isinstance(value, bool) != (option.is_flag or option.type is click.BOOL):
            raise click.BadParameter(
                "expected true or false" if option.is_flag else "expected no truth value"
            )
        convert = option.type.convert
        return (
            [convert(each, option, None) for each in value]
            if option.multiple
            else convert(value, option, None)
        )
    except click.BadParameter as error:
        raise ConfigError(f"{path}: [{table}] {key} = {value!r}: {error.message}") from None


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name.replace("-", "_"), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
