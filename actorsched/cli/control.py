"""`actorsched pause`, `unpause` and `cancel`: what a person tells a scheduler to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actorsched.cli.client import client_command
from actorsched.cli.find import find_task
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


def _cancel(remote: RemoteScheduler, as_json: bool, task: tuple[str, ...]) -> None:
    task_id = find_task(remote, " ".join(task))
    reply = remote.cancel_task(task_id=task_id)
    if as_json:
        from actorsched.cli.output import print_json

        print_json(reply)
    elif reply["worker"]:
        click.echo(f"{task_id}: {reply['worker']} was told to end it")
    elif reply["status"] == "DONE":
        click.echo(f"{task_id}: done already, there is nothing to stop")
    else:
        click.echo(f"{task_id}: {(reply['status'] or 'unknown').lower()}")


pause = client_command("pause", _pause, "Hand out no more work to anybody; what runs goes on.")
unpause = client_command("unpause", _unpause, "Hand out work again.")
resume = client_command("resume", _unpause, "Hand out work again; the same as unpause.")
cancel = client_command(
    "cancel",
    _cancel,
    "Stop a task: a pending one is disabled, a running one is ended by its worker.\n\nTASK is a task id, or"
    " words that occur in the name of one task alone.",
    [click.Argument(["task"], nargs=-1, required=True)],
)
