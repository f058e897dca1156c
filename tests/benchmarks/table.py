"""Tables for people, in the form that Markdown also understands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; the first column stands left, the others right."""
    cells = [list(head), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n**{title}**\n")
    for number, row in enumerate(cells):
        shown = [
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("|", " | ".join(shown), "|")
        if number == 0:
            rules = [f":{'-' * (w - 1)}" if not i else f"{'-' * (w - 1)}:" for i, w in enumerate(widths)]
            print("|", " | ".join(rules), "|", flush=True)
    print(flush=True)


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell >= 100 else f"{cell:.2f}" if cell >= 1 else f"{cell:.3f}"
    return str(cell)
