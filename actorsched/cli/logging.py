"""What the commands log: one line each on stderr, `time level event key=value …`.

The line is made by `format_line`; structlog brings levels and the cleaning up of exceptions. Its
configuration belongs to the tasks of the user, so nothing global is set: the actors get a logger of
their own, made when the first line is to be written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

LEVELS = ("debug", "info", "warning", "error")  # and `off`, where nobody should have to read them

_NUMBERS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "off": 50}


def format_line(level: str, event: str, fields: Mapping[str, Any], exception: str = "") -> str:
    """Return one line, and below it the traceback, indented, if there is one."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    parts = [now, f"{level:<7}", event, *(f"{key}={_shown(value)}" for key, value in fields.items())]
    line = " ".join(parts)
    if exception:
        line += "\n" + "\n".join(f"    {each}" for each in exception.splitlines())
    return line


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = str(value)
    # what a shell or `grep` would take apart is put in quotes
    if not text or any(c.isspace() or c in '"=' for c in text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return text


def _render(_logger: Any, _method: str, fields: Any) -> str:
    exception = fields.pop("exception", "")
    return format_line(fields.pop("level"), fields.pop("event"), fields, exception)


def make_logger(level: str, stream: TextIO | None = None) -> Any:
    """Return a structlog logger that writes such lines, from this level on, to `stream` (or stderr)."""
    import structlog

    return structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, _render],
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
        cache_logger_on_first_use=True,
    )


def set_up(level: str, stream: TextIO | None = None) -> None:
    """Let the actors of this process log to `stream` (or stderr) from this level on."""
    from actorsched.actors.log import log

    log.use(lambda: make_logger(level, stream))
