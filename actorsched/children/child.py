"""The child process of a slot: wait for a job, run it, say how it ended, wait for the next.

The child stays for as long as it is clean. What a task may leave behind and the next task would see
(threads, another working folder, a changed environment) is noticed after each job, and told to the
slot, which takes a new child. Its life is tied to the other end of its socket, and, where the kernel
offers it, to the life of the process that started it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import Any, NoReturn

from actorsched.children.frames import pack_frame, read_frame
from actorsched.children.performing import perform
from actorsched.children.speech import Ended, Job, Notice, Prepare, decode_for_child, encode
from actorsched.config import WorkerSettings

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def child_main(connection: socket.socket, sys_path: list[str], folder: str) -> NoReturn:
    """Serve jobs until the slot goes away; never returns.

    Args:
        connection: blocking stream socket to the slot.
        sys_path: where this child imports from.
        folder: its working folder, as it was in the worker's process.
    """
    _die_with_parent()
    sys.path[:] = sys_path
    settings = WorkerSettings()
    try:
        os.chdir(folder)
        traces = Traces()
        while True:
            said = decode_for_child(read_frame(connection))
            if isinstance(said, Prepare):
                settings = said.settings
                continue
            ended = _do(said, settings, connection, traces)
            _flush()
            connection.sendall(pack_frame(encode(ended)))
    except (EOFError, ConnectionError):
        os._exit(0)  # the slot is gone, and with it everybody who would want anything from here


def _do(job: Job, settings: WorkerSettings, connection: socket.socket, traces: Traces) -> Ended:
    def report(kind: str, value: Any) -> None:
        connection.sendall(pack_frame(encode(Notice(run_id=job.run_id, kind=kind, value=value))))

    outcome, registration = perform(job, settings, report)
    return Ended(run_id=job.run_id, outcome=outcome, registration=registration, tainted=traces.found())


class Traces:
    """What a task can leave behind in its process, compared with how the process began."""

    def __init__(self) -> None:
        self._folder = os.getcwd()
        self._environment = dict(os.environ)
        self._handlers = self._signal_handlers()

    def found(self) -> str:
        """One reason why this process is not as it was; "" if it is."""
        if threading.active_count() > 1:
            return "threads are left"
        try:
            if os.getcwd() != self._folder:
                return "the working folder changed"
        except FileNotFoundError:
            return "the working folder is gone"
        if os.environ != self._environment:
            return "the environment changed"
        if self._signal_handlers() != self._handlers:
            return "signal handlers changed"
        return ""

    @staticmethod
    def _signal_handlers() -> tuple[Any, ...]:
        return signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)


def _flush() -> None:
    """What a task printed is visible before its end is."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # the task closed or replaced it


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent ends, where it can be asked."""
    if sys.platform != "linux":
        return
    import ctypes

    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return  # a C library without it: the socket still tells
