"""Where actors log to, decided when there is something to be logged.

A library neither configures logging nor writes to standard output, and an unconfigured structlog does
write there. So lines go, in this order, to the logger that a command has chosen with `use`; to structlog,
when the program has configured it; else to the standard library's logger "actorsched", where
`logging.basicConfig` and the like apply. structlog is not imported for that: its import takes longer
than a short run.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any


class Log:
    """Four levels, each with an event in words and fields by name; safe from any thread."""

    def __init__(self) -> None:
        self._make: Callable[[], Any] | None = None
        self._chosen: Any = None
        self._diverted: Callable[[str, str, Mapping[str, Any]], bool] | None = None

    def divert(self, take: Callable[[str, str, Mapping[str, Any]], bool] | None) -> None:
        """Show each line to this first, with its level: a simulation logs what happens in it to its trace.

        Args:
            take: whether that is all that becomes of the line; None: nobody is shown anything any more.
        """
        self._diverted = take

    def use(self, make: Callable[[], Any] | None) -> None:
        """Choose the logger of this process; it is made with the first line.

        Args:
            make: returns an object with `debug`, `info`, `warning`, `error`, as structlog has them;
                None to go back to the default.
        """
        self._make, self._chosen = make, None

    def debug(self, event: str, **fields: Any) -> None:
        self._write(logging.DEBUG, "debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._write(logging.INFO, "info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write(logging.WARNING, "warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._write(logging.ERROR, "error", event, fields)

    def _write(self, level: int, name: str, event: str, fields: dict[str, Any]) -> None:
        if self._diverted is not None and self._diverted(name, event, fields):
            return
        if self._chosen is None and self._make is not None:
            self._chosen = self._make()
        structlog = sys.modules.get("structlog")
        if self._chosen is not None:
            getattr(self._chosen, name)(event, **fields)
        elif structlog is not None and structlog.is_configured():
            getattr(structlog.get_logger("actorsched"), name)(event, **fields)
        else:
            logger = logging.getLogger("actorsched")
            if logger.isEnabledFor(level):
                trace = fields.pop("trace", "")
                text = " ".join((event, *(f"{key}={value!r}" for key, value in fields.items())))
                logger.log(level, "%s", f"{text}\n{trace.rstrip()}" if trace else text)


log = Log()
