"""What the runs of tasks print: a file for each run, and the console, line by line with the task's name.

    <folder>/<task id>/<run id>.log

A file is made with the first output, so a task that prints nothing costs nothing. A run that prints more
than its limit fills a second file and then goes on in the first one, which is begun anew: the last part
is always there, and no run takes more than the limit. Of each task the newest few runs are kept, and of all
together what `retention.py` says. While a run is on, its file is locked (`loglock.py`).
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from actorsched.children.loglock import hold
from actorsched.children.retention import Retention

#: called with the name of the task and one line of its output
Echo = Callable[[str, str], None]

SUFFIX = ".log"
#: the part before the present one, of a run that printed much
FULL_SUFFIX = ".log.1"
#: a line without an end is shown in pieces of this length
LINE_BYTES_MAX = 1 << 14
#: file systems allow 255 bytes; task ids can be longer
NAME_CHARS_MAX = 200


def echo_to_stderr(name: str, line: str) -> None:
    sys.stderr.write(f"[{name}] {line}\n")


def default_folder() -> Path:
    """Where logs are when nobody says otherwise: the state folder of the user."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state) / "actorsched" / "logs"


def file_name(text: str) -> str:
    """A task id or run id as the name of a file or folder."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text).lstrip(".") or "_"
    if len(plain) > NAME_CHARS_MAX:  # both ends tell most: the family, and the digest
        plain = f"{plain[: NAME_CHARS_MAX // 2]}-{plain[-NAME_CHARS_MAX // 2 :]}"
    return plain


class RunLogs:
    """The logs of one worker.

    Args:
        folder: where the files go; None: there are none.
        size_max: bytes that one run may take.
        runs_max: so many runs of each task are kept.
        echo: shows a line; None: nothing is shown.
        total_max: bytes that all logs in the folder may take; 0: any number.
        age_max_s: seconds after which a log goes; 0: never.
    """

    def __init__(
        self,
        folder: Path | None,
        size_max: int,
        runs_max: int,
        echo: Echo | None = echo_to_stderr,
        total_max: int = 0,
        age_max_s: float = 0.0,
    ) -> None:
        self._folder = folder
        self._size_max = size_max
        self._runs_max = runs_max
        self._echo = echo
        self._retention = None if folder is None else Retention(folder, total_max, age_max_s)

    def open(self, task_id: str, run_id: str, name: str) -> RunLog:
        """The log of one run; `name` is what the console shows."""
        place = None if self._folder is None else (self._folder, task_id, run_id)
        return RunLog(place, self._size_max, self._runs_max, name, self._echo, self._retention)

    def close(self) -> None:
        """Nothing is written any more."""
        if self._retention is not None:
            self._retention.close()


class RunLog:
    """The output of one run. Nothing is raised: a full disk must not end a run.

    Args:
        place: the folder of all logs, task id, run id; a path is made of it when there is something to write.
        retention: hears how much is written.
    """

    def __init__(
        self,
        place: tuple[Path, str, str] | None,
        size_max: int,
        runs_max: int,
        name: str,
        echo: Echo | None,
        retention: Retention | None = None,
    ) -> None:
        self._retention = retention
        self._place = place
        self._path: Path | None = None
        self._part_max = max(1, size_max // 2)
        self._runs_max = runs_max
        self._name = name
        self._echo = echo
        self._file: BinaryIO | None = None
        self._size = 0
        self._unended = False
        self._line = b""

    def rename(self, name: str) -> None:
        """The console shows this from now on."""
        self._name = name

    def write(self, printed: bytes) -> None:
        if self._place is not None:
            try:
                self._store(printed)
            except OSError as error:
                self._place = None
                self._show(f"(the log of this run cannot be written: {error})".encode())
        if self._echo is not None:
            *lines, self._line = (self._line + printed).split(b"\n")
            for line in lines:
                self._show(line)
            while len(self._line) > LINE_BYTES_MAX:
                self._show(self._line[:LINE_BYTES_MAX])
                self._line = self._line[LINE_BYTES_MAX:]

    def close(self, error: str = "") -> None:
        """The run is over; `error` is added to what it printed, where it printed something."""
        if self._line:
            self._show(self._line)
        if self._file is not None:
            with contextlib.suppress(OSError):
                if error:
                    head = "\n" if self._unended else ""
                    self._file.write(f"{head}{error}\n".encode(errors="replace"))
                self._file.close()
            self._file = None

    def _store(self, printed: bytes) -> None:
        if self._path is None:
            assert self._place is not None
            folder, task_id, run_id = self._place
            self._path = folder / file_name(task_id) / f"{file_name(run_id)}{SUFFIX}"
        for start in range(0, len(printed), self._part_max):
            piece = printed[start : start + self._part_max]
            if self._file is None:
                self._file = self._begin(self._path)
            elif self._size + len(piece) > self._part_max:
                os.replace(self._path, self._path.with_name(self._path.name + ".1"))
                full, self._file = self._file, self._path.open("wb", buffering=0)
                hold(self._file)
                full.close()  # only now, so that the log is locked all the time
                self._size = 0
            self._file.write(piece)
            self._size += len(piece)
            self._unended = not piece.endswith(b"\n")
        if self._retention is not None:
            self._retention.note(len(printed))

    def _begin(self, path: Path) -> BinaryIO:
        for last in (False, True):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._forget_old(path.parent)
            try:
                file = path.open("ab", buffering=0)
            except FileNotFoundError:  # the folder was empty, and was tidied away
                if last:
                    raise
                continue
            hold(file)
            return file
        raise AssertionError

    def _forget_old(self, folder: Path) -> None:
        kept = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[max(0, self._runs_max - 1) :]:
            path.unlink(missing_ok=True)
            path.with_name(path.name + ".1").unlink(missing_ok=True)

    def _show(self, line: bytes) -> None:
        if self._echo is not None:
            with contextlib.suppress(Exception):  # a console that is gone ends no run
                self._echo(self._name, line.decode(errors="replace").rstrip("\r"))
