"""The census as a CSV table: one row for each file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from census.source import Measures

COLUMNS = (
    "source", "package", "is_test", "lines", "code", "docstrings", "comments", "blank",
    "classes", "functions", "imports", "problem",
)  # fmt: skip


def table(files: Iterable[Measures]) -> str:
    """The CSV text, in the order of `files`; `imports` is a number here."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in files:
        row = {**file, "is_test": int(file["is_test"]), "imports": len(file["imports"])}
        writer.writerow([row[column] for column in COLUMNS])
    return text.getvalue()
