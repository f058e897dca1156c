"""Files that appear under their name when they are closed, and not before.

They are real files of the `io` module with another `close`, so that whatever wants a file takes them.
"""

from __future__ import annotations

import io
import os
from types import TracebackType
from typing import Any

#: with the prefix it stays under the 255 bytes that the usual file systems allow a name
NAME_BYTES_MAX = 220


def temporary_name(path: str) -> str:
    """Return a free name in the same folder. It ends as the given one, for those who judge by suffix."""
    folder, name = os.path.split(path)
    ending = os.fsencode(name)[-NAME_BYTES_MAX:].decode(errors="ignore")
    return os.path.join(folder, f".tmp-{os.urandom(6).hex()}-{ending}")


def remove_any(path: str) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.remove(path)


class _Atomic:
    """What text and binary files share: how they end. The state is set before the file is opened."""

    _path: str
    _temporary: str
    _settled = True

    def _begin(self, path: str) -> io.FileIO:
        self._path = path
        self._temporary = temporary_name(path)
        raw = io.FileIO(self._temporary, "xb")
        self._settled = False
        return raw

    def close(self) -> None:
        """Close it and give it its name."""
        if self._settled:
            super().close()  # type: ignore[misc]  # the io class comes after this one
            return
        try:
            self._settled = True
            super().close()  # type: ignore[misc]
            os.replace(self._temporary, self._path)
        except BaseException:
            remove_any(self._temporary)
            raise

    def discard(self) -> None:
        """Close it and leave nothing behind."""
        if self._settled:
            return
        self._settled = True
        try:
            super().close()  # type: ignore[misc]
        finally:
            remove_any(self._temporary)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tail: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        # without this, io would close the file on its way out, and half of it would take the name
        self.discard()


class AtomicBinaryFile(_Atomic, io.BufferedWriter):
    def __init__(self, path: str) -> None:
        io.BufferedWriter.__init__(self, self._begin(path))


class AtomicTextFile(_Atomic, io.TextIOWrapper):
    def __init__(self, path: str, encoding: str, **options: Any) -> None:
        buffer = io.BufferedWriter(self._begin(path))
        try:
            io.TextIOWrapper.__init__(self, buffer, encoding=encoding, **options)
        except BaseException:  # an unknown encoding
            self._settled = True
            buffer.close()
            remove_any(self._temporary)
            raise
