"""Commands with many options, whose help comes in sections: what is often needed first."""

from __future__ import annotations

from typing import Any

import click


class Option(click.Option):
    """An option that stands in a section of its own in the help."""

    def __init__(self, *args: Any, section: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class SectionedCommand(click.Command):
    """Puts options without a section first, then the sections in the order in which they come up."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        # not get_params(): what a subclass adds there has a place of its own in the help
        for param in (*self.params, self.get_help_option(ctx)):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(param, "section", "") or "Options", []).append(record)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)
