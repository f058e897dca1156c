"""How long logs of runs stay: all of a folder together take so much room, and none is older than so much.

Whoever writes logs also looks after their folder, now and then, in a thread of its own: there may be a
hundred thousand files, and no run is to wait for them. Several processes may do so in the same folder.
The log of a run that goes on is left alone; which ones these are is told by a lock (`loglock.py`), so that
also the logs of a worker that was killed go in their time.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actorsched.children.loglock import is_written

#: after this part of the limit was written, there is another look
LOOK_SHARE = 20
#: … and after so many seconds, if anything was written
LOOK_S = 3600.0


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    written_at: float


class Retention:
    """Looks after one folder of logs.

    Args:
        folder: `<folder>/<task>/<file>`; other files and deeper folders are left alone.
        total_max: bytes that all logs may take; 0: any number.
        age_max_s: seconds after which a log goes; 0: never.
    """

    def __init__(self, folder: Path, total_max: int, age_max_s: float) -> None:
        self._folder = folder
        self._total_max = total_max
        self._age_max_s = age_max_s
        self._lock = threading.Lock()
        self._written = 0
        self._looked_at: float | None = None
        self._thread: threading.Thread | None = None

    def note(self, written: int) -> None:
        """So many bytes were written; any thread. It may be time for a look, which is not waited for."""
        if not self._total_max and not self._age_max_s:
            return
        with self._lock:
            self._written += written
            now = time.monotonic()
            due = self._looked_at is None or now - self._looked_at >= LOOK_S
            due = due or (self._total_max > 0 and self._written * LOOK_SHARE >= self._total_max)
            if not due or (self._thread is not None and self._thread.is_alive()):
                return
            self._written, self._looked_at = 0, now
            self._thread = threading.Thread(target=self.look, name="log-retention", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for a look that is under way."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def look(self) -> None:
        """Remove what is too old, and then the oldest, until the rest is within the limit."""
        files = sorted(self._files(), key=lambda file: file.written_at)
        total = sum(file.size for file in files)
        oldest = time.time() - self._age_max_s if self._age_max_s else float("-inf")
        for file in files:
            too_much = bool(self._total_max) and total > self._total_max
            if file.written_at >= oldest and not too_much:
                return
            if is_written(file.path):
                continue
            with contextlib.suppress(OSError):
                file.path.unlink()
                total -= file.size
                file.path.parent.rmdir()  # not if there are others in it

    def _files(self) -> Iterator[_File]:
        with contextlib.suppress(OSError):
            for task in list(os.scandir(self._folder)):
                with contextlib.suppress(OSError):
                    if task.is_dir(follow_symlinks=False):
                        yield from _logs_in(task.path)


def _logs_in(folder: str) -> Iterator[_File]:
    for entry in os.scandir(folder):
        if entry.name.endswith((".log", ".log.1")):
            with contextlib.suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                yield _File(Path(entry.path), about.st_size, about.st_mtime)
