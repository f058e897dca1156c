"""A file or folder on this machine, that is there as a whole or not at all.

Whatever is written goes to a temporary name in the same folder, and takes its own name when it is closed:
a rename within a folder is atomic. A failure removes the temporary file; a process that is killed leaves
it behind under its temporary name, never under the real one. Nothing is synced to the disk: a task that was
cut off by a power loss is not reported as done either.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Literal

from actorsched.errors import TaskDefinitionError
from actorsched.tasks.atomic_file import AtomicBinaryFile, AtomicTextFile, remove_any, temporary_name
from actorsched.tasks.target import Target


class LocalTarget(Target):
    """A path as the output of a task.

    Args:
        path: where it is.
        format: "text" or "binary": what `open` reads and writes.
        encoding: of text.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        format: Literal["text", "binary"] = "text",
        encoding: str = "utf-8",
    ) -> None:
        if format not in ("text", "binary"):
            raise TaskDefinitionError(
                f"LocalTarget({os.fspath(path)!r}): format is 'text' or 'binary', not {format!r}"
            )
        self.path: str = os.fspath(path)
        self.format = format
        self.encoding = encoding

    def exists(self) -> bool:
        return os.path.exists(self.path)

    def open(self, mode: Literal["r", "w"] = "r") -> IO[Any]:
        """Open it for reading, or for writing anew.

        A file opened for writing appears when it is closed. When the `with` block is left by an exception,
        or the file is never closed, nothing appears.
        """
        if mode == "r":
            return (
                open(self.path, "rb") if self.format == "binary" else open(self.path, encoding=self.encoding)
            )
        if mode != "w":
            raise ValueError(f"open({mode!r}) of {self.path}: 'r' or 'w'")
        self.makedirs()
        return (
            AtomicBinaryFile(self.path)
            if self.format == "binary"
            else AtomicTextFile(self.path, self.encoding)
        )

    @contextmanager
    def temporary_path(self) -> Iterator[str]:
        """Give a name in the same folder, for a file or a folder that becomes the target at the end."""
        self.makedirs()
        temporary = temporary_name(self.path)
        try:
            yield temporary
            if not os.path.lexists(temporary):
                raise FileNotFoundError(
                    f"nothing was written to {temporary}, which should become {self.path}"
                )
            os.replace(temporary, self.path)
        except BaseException:
            remove_any(temporary)
            raise

    def makedirs(self) -> None:
        """Make the folder that it stands in."""
        os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)

    def remove(self) -> None:
        """Remove the file, or the folder with all that is in it.

        Raises:
            FileNotFoundError: it is not there.
        """
        if not os.path.lexists(self.path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
        remove_any(self.path)

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"LocalTarget({self.path!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalTarget) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)
