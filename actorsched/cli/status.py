"""`actorsched status`: one look at a scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from actorsched.cli.client import client_command

if TYPE_CHECKING:
    from actorsched.facade.remote_scheduler import RemoteScheduler


def show_status(remote: RemoteScheduler, as_json: bool) -> None:
    """See the help of the command."""
    from actorsched.facade.standing import standing_of

    report = {"scheduler": remote.url, **standing_of(remote)}
    if as_json:
        from actorsched.cli.output import print_json

        print_json(report)
        return
    state = click.style("paused", fg="yellow") if report["paused"] else "handing out work"
    click.echo(f"scheduler  {remote.url}  {state}  epoch {report['epoch']}")
    shown = [f"{number:,} {status.lower()}" for status, number in report["tasks"].items() if number]
    click.echo(f"tasks      {', '.join(shown) or 'none'}")
    workers = report["workers"]
    disabled = f", {workers['disabled']} disabled" if workers["disabled"] else ""
    click.echo(
        f"workers    {workers['active']} active{disabled}; {workers['busy']} of {workers['slots']} slots busy"
    )
    if report["submissions"]:
        click.echo(f"submitted  {report['submissions']} with tasks that wait")
    for name, each in report["resources"].items():
        click.echo(f"resource   {name}: {each['used']:g} of {each['total']:g} in use")


status = client_command(
    "status", show_status, "Show how a scheduler is doing: tasks by state, workers, resources."
)
