"""Exceptions of user code as text: what happened and where, without our own frames around it."""

from __future__ import annotations

import os
import traceback
from typing import Any

from actorsched.errors import ActorschedError

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep

#: an error text travels to the scheduler and is kept there; more than this helps nobody
TEXT_CHARS_MAX = 64_000
CAUSE_CHARS_MAX = 500


def cause_of(error: BaseException, chars_max: int = CAUSE_CHARS_MAX) -> str:
    """Return the exception in one line."""
    kind = type(error).__name__
    try:
        words = str(error).strip()
    except Exception:
        words = "(its text cannot be shown)"
    if isinstance(error, SystemExit):
        return f"sys.exit({words}) was called"
    line = words.splitlines()[0] if words else ""
    if isinstance(error, ActorschedError) and line:
        return shorten(line, chars_max)  # these say all in their words
    return shorten(f"{kind}: {line}" if line else kind, chars_max)


def traceback_of(error: BaseException) -> str:
    """Return the traceback as text, from the first frame that is not ours. Our own findings are one line."""
    tail = error.__traceback__
    while tail is not None and tail.tb_frame.f_code.co_filename.startswith(_OURS):
        tail = tail.tb_next
    if tail is None:
        return cause_of(error, TEXT_CHARS_MAX)
    return shorten("".join(traceback.format_exception(type(error), error, tail)).rstrip(), TEXT_CHARS_MAX)


def shorten(text: str, chars_max: int) -> str:
    """Return the text, or its beginning and end when it is longer."""
    if len(text) <= chars_max:
        return text
    head = chars_max // 3
    return f"{text[:head]} … ({len(text) - chars_max} characters left out) … {text[head - chars_max :]}"


def as_text(words: Any) -> str | None:
    """Return what a hook returned as text: None stays None, what JSON can hold becomes JSON."""
    if words is None or isinstance(words, str):
        return words
    import json

    try:
        return json.dumps(words)
    except (TypeError, ValueError):
        return str(words)
