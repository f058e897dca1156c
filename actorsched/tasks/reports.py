"""What is reported of a task that failed: as text, and in one line for lists and summaries."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Any

_WORD = re.compile(r"[\w.]+")
_FRAME = re.compile(r'\s+File "')


def reported(text: Any) -> str:
    """What was reported of a task, as it was written: clients encode the text once more, as Luigi's do."""
    with contextlib.suppress(ValueError, TypeError):
        text = json.loads(text)
    return str(text or "").strip()


def cause_of(report: str) -> str:
    """The line of a report that says what went wrong.

    Of a traceback this is the first line behind the frames: a message may have more lines. Of anything else
    it is the last line.
    """
    lines = report.strip().split("\n")
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if frames:
        for line in lines[frames[-1] :]:
            if line and not line[0].isspace():
                return line
    return lines[-1]


def ids_in(reason: str) -> list[str]:
    """What may be ids of tasks in what a scheduler says."""
    return _WORD.findall(reason)


def with_names(reason: str, names: Mapping[str, str]) -> str:
    """What a scheduler says, with the names of tasks (id → name) where it has ids."""
    return _WORD.sub(lambda word: names.get(word[0], word[0]), reason)
