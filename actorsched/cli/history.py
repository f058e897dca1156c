"""`actorsched history`: the runs that have ended, from the history beside the store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from actorsched.cli.store import store_option, usual_url

UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Moment(click.ParamType[float]):
    """`2h` for two hours ago, or a date and a time."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value)
        try:
            if text[-1:] in UNITS_S:
                return time.time() - float(text[:-1]) * UNITS_S[text[-1]]
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            self.fail(f"{value!r}: expected 30m, 2h, 7d, or a date such as 2026-11-25T10:00", param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        name, separator, wanted = str(value).partition("=")
        if isinstance(value, tuple):
            return value
        if not separator or not name:
            self.fail(f"{value!r}: expected NAME=VALUE, such as day=2026-11-25", param, ctx)
        return name, wanted


def _history(
    url: str | None,
    family: str | None,
    params: Sequence[tuple[str, str]],
    state: Sequence[str],
    task: str | None,
    since: float | None,
    until: float | None,
    limit: int,
    as_json: bool,
) -> None:
    from actorsched.cli.output import print_json, print_table, took
    from actorsched.store.history import History

    history = History(url or usual_url())
    history.open(create=False)
    try:
        found = list(
            history.find(
                family=family,
                params=dict(params),
                outcomes=[each.upper() for each in state],
                task=task,
                since=since,
                until=until,
                limit=limit + 1 if limit else None,
            )
        )
    finally:
        history.close()
    more = bool(limit) and len(found) > limit
    if more:
        found.pop()
    if as_json:
        print_json({"runs": found, "more": more})
        return
    if not found:
        click.echo("no such runs")
        return
    print_table(
        ("ENDED", "OUTCOME", "TOOK", "TASK", "HOST", "WHY"),
        [
            (
                datetime.fromtimestamp(row["ended"]).astimezone().strftime("%Y-%m-%d %H:%M:%S"),
                row["outcome"],
                "" if row["duration"] is None else took(row["duration"]),
                f"{row['family']}({', '.join(f'{k}={v}' for k, v in sorted(row['params'].items()))})",
                row["host"] or "",
                _why(row),
            )
            for row in found
        ],
        right=(2,),
    )
    if more:
        click.echo("… and more; --limit 0 shows all of them", err=True)


def _why(row: Mapping[str, Any]) -> str:
    from actorsched.cli.output import short_name
    from actorsched.tasks.reports import cause_of, reported

    if row["outcome"] == "LOST" and not row["error"]:
        return f"its worker was given up: {short_name(row['worker'])}"
    return cause_of(reported(row["error"]))


history = click.Command(
    "history",
    callback=_history,
    params=[
        click.Option(["--family"], metavar="NAME", help="Only runs of tasks of this family."),
        click.Option(
            ["--param", "params"],
            type=Pair(),
            multiple=True,
            metavar="NAME=VALUE",
            help="Only runs with this value of a parameter; may be repeated.",
        ),
        click.Option(
            ["--state"],
            type=click.Choice(["done", "failed", "lost", "cancelled", "pending"], case_sensitive=False),
            multiple=True,
            help="Only runs that ended so; may be repeated.",
        ),
        click.Option(["--task"], metavar="TEXT", help="Only tasks with this text in their id."),
        click.Option(["--since"], type=Moment(), metavar="TIME", help="Ended since: 30m, 2h, 7d, or a date."),
        click.Option(["--until"], type=Moment(), metavar="TIME", help="Ended until then."),
        click.Option(
            ["--limit"],
            type=click.IntRange(min=0),
            default=50,
            show_default=True,
            metavar="N",
            help="Show so many, the latest; 0: all.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for programs."),
        store_option(),
    ],
    help="Show the runs that have ended, the latest first.\n\nIt reads the history beside the store of a"
    " scheduler node, on its host or in its database; the scheduler need not run.",
)
