"""Starting child processes: the handle of a child, and the two ways to get one.

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
    """

    def __init__(self, connection: socket.socket, status_fd: int, pid: int) -> None:
        self.connection = connection
        self.status_fd = status_fd
        self.pid = pid

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group; one that is gone is left in peace."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def read_status(self) -> int | None:
        """The exit status (negative: minus the signal's number); None when nobody saw it end."""
        packed = os.read(self.status_fd, STATUS.size)
        return STATUS.unpack(packed)[0] if len(packed) == STATUS.size else None

    def close(self) -> None:
        """Kill what is left of the group and give back the descriptors."""
        self.kill(signal.SIGKILL)
        self.connection.close()
        os.close(self.status_fd)


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
    """The start method to use: the one that was asked for, or the platform's best.

    Raises:
        ConfigError: unknown, or not available on this platform.
    """
    has_fork_server = hasattr(os, "fork") and hasattr(socket, "send_fds")
    chosen = start_method or ("forkserver" if has_fork_server else "spawn")
    if chosen not in ("forkserver", "spawn"):
        raise ConfigError(f"start_method={start_method!r}: expected 'forkserver' or 'spawn'")
    if chosen == "forkserver" and not has_fork_server:
        raise ConfigError(f"start_method='forkserver' does not exist on {sys.platform}; use 'spawn'")
    return chosen


def make_launcher(start_method: str = "") -> Launcher:
    """A launcher by the name of its start method ("" chooses)."""
    if method_named(start_method) == "spawn":
        from actorsched.children.spawn import SpawnLauncher

        return SpawnLauncher()
    from actorsched.children.fork_server import ForkServerLauncher

    return ForkServerLauncher()
