"""`actorsched pause` and `unpause`: whether a scheduler hands out work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actorsched.cli.client import client_command
from actorsched.errors import ConfigError

if TYPE_CHECKING:
    from actorsched.facade.remote_scheduler import RemoteScheduler


def _set_paused(remote: RemoteScheduler, as_json: bool, *, paused: bool) -> None:
    if not remote.is_pause_enabled()["enabled"]:
        raise ConfigError(f"the scheduler at {remote.url} was started with --no-pause-enabled")
    if paused:
        remote.pause()
    else:
        remote.unpause()
    if as_json:
        from actorsched.cli.output import print_json

        print_json(remote.is_paused())
    else:
        click.echo("paused; what runs goes on" if paused else "handing out work")


def _pause(remote: RemoteScheduler, as_json: bool) -> None:
    _set_paused(remote, as_json, paused=True)


def _unpause(remote: RemoteScheduler, as_json: bool) -> None:
    _set_paused(remote, as_json, paused=False)


pause = client_command("pause", _pause, "Hand out no more work to anybody; what runs goes on.")
unpause = client_command("unpause", _unpause, "Hand out work again.")
resume = client_command("resume", _unpause, "Hand out work again; the same as unpause.")
