"""Starting child processes: the handle of a child, and how to get one.

A child is reached by one socket (jobs and outcomes, see `speech.py`) and watched by one pipe, on
which its exit status arrives when it has ended. Both are files, so an actor can listen to them. The
child leads its own process group, which is what `kill` addresses: what a task started goes with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import sys
from typing import Protocol

from actorsched.children.frames import is_readable
from actorsched.children.shelf import Shelf
from actorsched.errors import ConfigError

#: on the status pipe: the process id first, the wait status later
PID = struct.Struct(">q")
STATUS = struct.Struct(">q")


class Child:
    """A child process, seen from its slot.

    Attributes:
        connection: non-blocking stream socket to the child.
        status_fd: becomes readable with the exit status when the child has ended.
        pid: process id, and id of the process group that the child leads.
        log_fds: non-blocking; what the child writes to standard output and standard error. One more than
            jobs may lie ready, so that each run that it went on to by itself has another one; none: it goes
            where that of this process goes.
        shelf: where its next jobs may be laid ready; None: it has none.
        unsent: what is to be sent before anything else, because it had no room in the socket.
    """

    def __init__(
        self,
        connection: socket.socket,
        status_fd: int,
        pid: int,
        log_fds: tuple[int, ...] = (),
        shelf: Shelf | None = None,
    ) -> None:
        self.connection = connection
        self.status_fd = status_fd
        self.pid = pid
        self.log_fds = log_fds
        self.shelf = shelf
        self.unsent = b""
        self._page = 0

    @property
    def log_fd(self) -> int:
        """What the present run prints comes here; -1: nowhere."""
        return self.log_fds[self._page] if self.log_fds else -1

    def turn_page(self) -> None:
        """The child went on to the next run by itself."""
        self._page = (self._page + 1) % len(self.log_fds)

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group; one that is gone is left in peace."""
        if self.pid <= 0:
            return  # it never began, and group 0 would be our own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def has_ended(self) -> bool:
        return is_readable(self.status_fd, 0)

    def read_status(self) -> int | None:
        """The exit status (negative: minus the signal's number); None when nobody saw it end."""
        packed = os.read(self.status_fd, STATUS.size)
        return STATUS.unpack(packed)[0] if len(packed) == STATUS.size else None

    def close(self) -> None:
        """Kill what is left of the group and give back the descriptors."""
        self.kill(signal.SIGKILL)
        self.connection.close()
        os.close(self.status_fd)
        for log_fd in self.log_fds:
            os.close(log_fd)
        if self.shelf is not None:
            self.shelf.close()


class Launcher(Protocol):
    """Starts children; any thread may ask."""

    def launch(self) -> Child:
        """Start a child and return when it exists.

        Raises:
            ChildLostError: it could not be started.
        """

    def close(self) -> None:
        """End everything that the launcher keeps; children that still live end too."""


def method_named(start_method: str) -> str:
    """The start method to use: the one that was asked for, or the faster one.

    Raises:
        ConfigError: unknown, or this platform has no child processes of our kind.
    """
    chosen = start_method or "forkserver"
    if chosen not in ("forkserver", "spawn"):
        raise ConfigError(f"start_method={start_method!r}: expected 'forkserver' or 'spawn'")
    if not hasattr(socket, "send_fds"):
        raise ConfigError(f"child processes cannot be had on {sys.platform}; use execution='inline'")
    return chosen


def make_launcher(start_method: str = "") -> Launcher:
    """A launcher by the name of its start method ("" chooses)."""
    from actorsched.children.fork_server import ServedLauncher

    return ServedLauncher(method_named(start_method))
