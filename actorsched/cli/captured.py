"""The standard output and error of this process and its children, as lines for somebody in this process."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

#: bytes of a line that does not end; longer ones are cut there
LINE_BYTES_MAX = 64 * 1024


@contextlib.contextmanager
def captured(tell: Callable[[str], None], descriptors: Sequence[int] = (1, 2)) -> Iterator[None]:
    """While the block lasts, call `tell` with each line that is printed, in a thread of its own.

    The descriptors are replaced, not Python's streams, so children and libraries are heard as well. What was
    printed before the end of the block has been told when it ends; a process that goes on after it
    is not waited for.
    """
    readable, writable = os.pipe()
    over, end = os.pipe()
    saved = {descriptor: os.dup(descriptor) for descriptor in descriptors}
    _flush()
    for descriptor in descriptors:
        os.dup2(writable, descriptor)
    os.close(writable)
    thread = threading.Thread(target=_read, args=(readable, over, tell), name="captured", daemon=True)
    thread.start()
    try:
        yield
    finally:
        _flush()
        for descriptor, original in saved.items():
            os.dup2(original, descriptor)
            os.close(original)
        os.close(end)
        thread.join()
        os.close(readable)
        os.close(over)


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """While the block lasts, what this process and its children print goes to standard error."""
    _flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        _flush()
        os.dup2(saved, 1)
        os.close(saved)


def _read(readable: int, over: int, tell: Callable[[str], None]) -> None:
    rest = b""
    while True:
        ready, _, _ = select.select([readable, over], [], [])
        if readable not in ready:
            break
        chunk = os.read(readable, LINE_BYTES_MAX)
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            lines.append(rest)
            rest = b""
        for line in lines:
            tell(line.decode("utf-8", "replace"))
    if rest:
        tell(rest.decode("utf-8", "replace"))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
