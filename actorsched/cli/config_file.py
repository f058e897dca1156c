"""The file actorsched.toml: defaults for the flags of the commands.

It has three tables: `[client]` (for whoever talks to a scheduler), `[run]` and `[node]`. A key is the long
flag of a command; values are checked as if they had been given to the flag. The file becomes click's
default map, so flags and environment come before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from actorsched.errors import ConfigError
from actorsched.names import hint

#: read when it lies in the current folder
DEFAULT_FILE = "actorsched.toml"
#: the commands that each table is for; () stands for all
TABLES: Mapping[str, tuple[str, ...]] = {
    "client": (),
    "run": ("run", "submit"),
    "node": ("node",),
    "web": ("web",),
}
#: options that say what to do now, and not how
NOT_IN_FILE = {"help", "config", "role", "version", "json"}


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
    if ctx.resilient_parsing or (value is None and not path.is_file()):
        return
    ctx.default_map = defaults_from(path, ctx.command)


def defaults_from(path: Path, command: click.Command) -> dict[str, Any]:
    """Read a file of settings, all tables of it, and return what concerns one command.

    Raises:
        ConfigError: naming file, table, key and value.
    """
    import tomllib  # most folders have no such file

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from None
    for table in data:
        if table not in TABLES:
            raise ConfigError(f"{path}: unknown table [{table}]{hint(table, TABLES, 'known')}")
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
                near = hint(key.replace("-", "_"), known, "known")
                raise ConfigError(f"{path}: [{table}] has no setting {key!r}{near}")
            checked = _checked(path, table, key, value, option)
            if option.name in ours and (not TABLES[table] or command.name in TABLES[table]):
                found[option.name] = checked
    return found


def _keys(table: str) -> dict[str, click.Option]:
    """The keys of a table: the long flags of its command."""
    module, name = ("status", "status") if table == "client" else (table, table)
    return _options(getattr(import_module(f"actorsched.cli.{module}"), name))


def _options(command: click.Command) -> dict[str, click.Option]:
    options = {}
    for option in command.params:
        if isinstance(option, click.Option):
            key = max(option.opts, key=len).lstrip("-").replace("-", "_")
            if key not in NOT_IN_FILE:
                options[key] = option
    return options


def _checked(path: Path, table: str, key: str, value: Any, option: click.Option) -> Any:
    """Check a value as if it had been given to the flag; click converts it when it is used."""
    if isinstance(value, dict) and option.multiple:  # resource = {gpu = 2} reads better than a list
        value = [f"{name}={amount}" for name, amount in value.items()]
    if option.multiple and not isinstance(value, list):
        value = [value]
    try:
        if isinstance(value, bool) != (option.is_flag or option.type is click.BOOL):
            raise click.BadParameter(
                "expected true or false" if option.is_flag else "expected no truth value"
            )
        for each in value if option.multiple else [value]:
            option.type.convert(each, option, None)
    except click.BadParameter as error:
        raise ConfigError(f"{path}: [{table}] {key} = {value!r}: {error.message}") from None
    return value
