"""Progress as log lines, for a log file or a pipe: each failure, and every few seconds how it stands."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from actorsched.cli.output import ago
from actorsched.cli.progress import Picture, Progress

#: seconds between two lines
INTERVAL_S = 5.0
#: of the tasks that run for longer than an interval so many are named
NAMED = 3


class Lines:
    """Writes lines for as long as it is entered.

    Args:
        log: has `info` and `error`, as structlog has them.
    """

    def __init__(self, progress: Progress, log: Any) -> None:
        self._progress = progress
        self._log = log
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="progress-lines", daemon=True)

    def __enter__(self) -> Lines:
        self._progress.on_failure = self._tell_failure
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def say(self, text: str) -> None:
        """Tell the person something."""
        self._log.warning(text)

    def _tell_failure(self, name: str, cause: str) -> None:
        self._log.error("a task failed", task=name, cause=cause)

    def _tick(self) -> None:
        while not self._over.wait(INTERVAL_S):
            picture = self._progress.picture()
            event = "looking for tasks" if picture.discovering else "running"
            self._log.info(event, **fields_of(picture))


def fields_of(picture: Picture) -> dict[str, Any]:
    """The picture as the fields of a log line."""
    fields: dict[str, Any] = {}
    if picture.discovering:
        fields |= {"found": picture.found, "asked": picture.asked}
    else:
        fields |= {
            "total": picture.total,
            "done": picture.done,
            "pending": picture.pending,
            "running": picture.running,
            "failed": picture.failed,
        }
    if picture.rate:
        fields["rate"] = f"{picture.rate:.3g}/s"
    long = [run for run in picture.runs if picture.now - run.since > INTERVAL_S]
    for number, run in enumerate(sorted(long, key=lambda run: run.since)[:NAMED], start=1):
        said = f": {run.said}" if run.said else ""
        fields[f"long_{number}"] = f"{run.name} for {ago(picture.now - run.since)}{said}"
    return fields
