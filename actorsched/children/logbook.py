"""Finding and reading the logs that `runlog.py` writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from actorsched.children.loglock import is_held
from actorsched.children.runlog import FULL_SUFFIX, SUFFIX, file_name

CHUNK = 1 << 16


class LoggedRun(NamedTuple):
    """The log of one run: its file, and when something was written last (seconds since 1970)."""

    path: Path
    written_at: float

    @property
    def run_id(self) -> str:
        return self.path.name.removesuffix(SUFFIX)


def tasks_like(folder: Path, task: str) -> list[str]:
    """The tasks with a log whose id is this or begins with it, those that wrote last first."""
    wanted = file_name(task)
    if (folder / wanted).is_dir():
        return [wanted]
    if not folder.is_dir():
        return []
    found = [entry for entry in folder.iterdir() if entry.name.startswith(wanted) and entry.is_dir()]
    return [entry.name for entry in sorted(found, key=lambda entry: entry.stat().st_mtime, reverse=True)]


def runs_of(folder: Path, task: str) -> list[LoggedRun]:
    """The logs of a task, as `tasks_like` names it, newest first."""
    found = []
    for path in (folder / task).glob(f"*{SUFFIX}"):
        try:
            found.append(LoggedRun(path, path.stat().st_mtime))
        except FileNotFoundError:
            continue  # forgotten while we looked
    return sorted(found, key=lambda run: run.written_at, reverse=True)


def read(run: LoggedRun) -> Iterator[bytes]:
    """What the run printed, as far as it was kept."""
    for path in (run.path.with_name(run.run_id + FULL_SUFFIX), run.path):
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except FileNotFoundError:
            continue


class Follower:
    """Reads what is added to a log, also when it begins anew because it was full."""

    def __init__(self, run: LoggedRun) -> None:
        self._path = run.path
        self._file = run.path.open("rb")

    def more(self) -> bytes:
        """What has been added since the last time; nothing is waited for."""
        added = self._file.read()
        if not added and self._was_replaced():
            self._file.close()
            self._file = self._path.open("rb")
            added = self._file.read()
        return added

    def is_over(self) -> bool:
        """Whether the run has ended, or its worker has; what was printed last may still be unread."""
        if os.fstat(self._file.fileno()).st_size == 0:
            return False  # it begins in this moment
        return not is_held(self._file) and not self._was_replaced()

    def close(self) -> None:
        self._file.close()

    def _was_replaced(self) -> bool:
        try:
            return self._path.stat().st_ino != self._ino()
        except FileNotFoundError:
            return False

    def _ino(self) -> int:
        return os.fstat(self._file.fileno()).st_ino
