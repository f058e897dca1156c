"""What all commands that talk to a scheduler have in common: its address, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from actorsched.cli.config_file import config_option
from actorsched.cli.sections import SectionedCommand
from actorsched.cli.settings import log_level_option, setting_options, values_of
from actorsched.config import ClientSettings

if TYPE_CHECKING:
    from actorsched.facade.remote_scheduler import RemoteScheduler

DEFAULT_URL = "tcp://127.0.0.1:8081"
#: seconds that a person at a terminal waits for a scheduler before hearing that there is none
PATIENCE_S = 5.0
CLIENT_SECTION = "How to wait for a scheduler"


def scheduler_option(default: str | None = DEFAULT_URL) -> click.Option:
    return click.Option(
        ["--scheduler"],
        metavar="URL",
        default=default,
        show_default=default is not None,
        help="Address of the scheduler; several with commas between are tried in turn."
        + ("" if default else "  [default: one in this process]"),
    )


def json_option() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for programs.")


def client_command(name: str, callback: Any, help: str, params: list[click.Parameter] | None = None) -> Any:
    """Make a command that asks a scheduler something; `callback` gets the client and its own options.

    It is called as `callback(remote, as_json=…, **options)`, with the logs set up and `remote` connected
    as soon as it is used.
    """
    own = params or []
    names = [param.name or "" for param in own]

    def run(**values: Any) -> Any:
        from actorsched.cli.logging import set_up

        set_up(values["log_level"])
        with connect(values, PATIENCE_S) as remote:
            return callback(remote, as_json=values["as_json"], **{key: values[key] for key in names})

    options = [scheduler_option(), json_option(), log_level_option("error"), config_option()]
    settings = setting_options(ClientSettings, CLIENT_SECTION, patience=PATIENCE_S)
    return SectionedCommand(name, callback=run, params=[*own, *options, *settings], help=help)


def connect(values: Mapping[str, Any], patience_s: float | None = None) -> RemoteScheduler:
    """Make a client from the values of a command.

    Args:
        patience_s: how long to wait for an answer when the values do not say.
    """
    from actorsched.facade.remote_scheduler import RemoteScheduler

    settings = values_of(ClientSettings, values)
    if patience_s is not None:
        settings.setdefault("patience", patience_s)
    patience = settings.get("patience")
    if patience:  # there shall be time for a second attempt
        usual = ClientSettings().connect_timeout
        settings["connect_timeout"] = min(settings.get("connect_timeout", usual), patience / 2)
    return RemoteScheduler(values["scheduler"], **settings)
