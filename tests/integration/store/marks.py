"""What the tasks of a crash test say of themselves, in a file of their folder."""

from __future__ import annotations

import os
from pathlib import Path


def mark(folder: Path, what: str, name: str) -> None:
    """Note that this process starts or ends a task."""
    line = f"{what} {name} {os.getpid()}\n".encode()
    marks = os.open(folder / "marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(marks, line)  # one small write to the end of a file is one piece
    os.close(marks)
