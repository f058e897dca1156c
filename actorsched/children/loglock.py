"""Whether somebody still writes a log: its writer holds a lock on the file, which the kernel ends with it.

So it is known also of a worker that was killed, and nothing has to be tidied up after it. Where a file system
knows no locks, every log counts as written to.
"""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import IO


def hold(file: IO[bytes]) -> None:
    """Show that this file is being written, until it is closed."""
    with contextlib.suppress(OSError):
        fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_held(file: IO[bytes]) -> bool:
    """Whether somebody else writes this file."""
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
    except OSError:
        return True
    return False


def is_written(path: Path) -> bool:
    """The same by name; a file that is gone is not."""
    try:
        with path.open("rb") as file:
            return is_held(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True
