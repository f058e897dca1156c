"""Results on standard output: JSON for programs, tables and lines for people.

Tables are set here and not by rich: its import takes longer than the whole rest of a short command, and
a table that goes to a pipe must neither be cut nor be padded.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import click

GAP = "  "
BELOW = "    └ "
_MADE_UP = re.compile(r"Worker\(salt=\d+, .*\bhost=([^,]+), .*\bpid=(\d+)")


def print_json(value: Any) -> None:
    """Print one JSON document."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[int] = ()) -> None:
    """Print rows in columns.

    Where a terminal is too narrow, what stands in the last column comes on a line of its own below the row,
    and lines are cut where the window ends.

    Args:
        right: numbers of the columns that are set flush right.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    if width is None or sum(widths) + len(GAP) * (len(widths) - 1) <= width:
        last = len(heads)
    else:
        last = len(heads) - 1
    click.secho(_line(heads[:last], widths[:last], right, width), bold=True)
    for row in cells:
        click.echo(_line(row[:last], widths[:last], right, width))
        for below in filter(None, row[last:]):
            click.echo(_cut(BELOW + below, width))


def _line(row: Sequence[str], widths: Sequence[int], right: Collection[int], width: int | None) -> str:
    fields = zip(row, widths, range(len(row)), strict=True)
    return _cut(
        GAP.join(cell.rjust(w) if n in right else cell.ljust(w) for cell, w, n in fields).rstrip(), width
    )


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def one_line(text: str) -> str:
    """A control character in a name must not reach a terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)


def short_name(worker: str) -> str:
    """A worker in few letters: of an id that was made up, the host and the process."""
    made_up = _MADE_UP.match(worker)
    return worker if made_up is None else f"{made_up[1]} pid {made_up[2]}"


def took(seconds: float) -> str:
    """How long something took: more exactly than `ago` where it was quick."""
    if seconds < 10:
        return f"{max(0.0, seconds):.{2 if seconds < 1 else 1}f} s"
    return ago(seconds)


def ago(seconds: float) -> str:
    """A time span, in the two largest units."""
    seconds = max(0.0, seconds)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds // 86_400:.0f} d {seconds % 86_400 // 3600:.0f} h"
