"""What a task can leave behind in its process, compared with how the process began.

Cheap enough for every run: no question here costs more than a few microseconds.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` wraps it into enumerations, at ten times the price
import os
import resource
import signal
import sys
import threading
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP)
_LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)


class Traces:
    """Remembers how the process began.

    What importing a task's module changes is there for all tasks of that module, so it is no trace: the
    process is looked at anew when a job has brought new modules.
    """

    def __init__(self) -> None:
        self._n_modules = 0
        self._streams_by_log: dict[int, tuple[Any, ...]] = {}
        self.loaded()

    def loaded(self) -> None:
        """A task has been loaded, and is about to run."""
        if len(sys.modules) == self._n_modules:
            return
        self._n_modules = len(sys.modules)
        self._n_threads = threading.active_count()
        self._folder = os.getcwd()
        self._environment = dict(_environment())
        self._handlers = _handlers()
        self._limits = _limits()
        self._streams_by_log.clear()
        self._streams = _streams()
        os.umask(umask := os.umask(0))
        self._umask = umask

    def redirected(self, log_fd: int) -> None:
        """Nothing was found, and the output goes here from now on; that was not the task."""
        streams = self._streams_by_log.get(log_fd)
        if streams is None:
            streams = self._streams_by_log[log_fd] = _streams()
        self._streams = streams

    def found(self) -> str:
        """One reason why this process is not as it was; "" if it is."""
        if threading.active_count() > self._n_threads:
            return "threads are left"
        if _has_children():
            return "processes are left"
        try:
            if os.getcwd() != self._folder:
                return "the working folder changed"
        except FileNotFoundError:
            return "the working folder is gone"
        if _environment() != self._environment:
            return "the environment changed"
        if _handlers() != self._handlers:
            return "signal handlers changed"
        if _limits() != self._limits:
            return "resource limits changed"
        if _streams() != self._streams:
            return "standard output or standard error changed"
        umask = os.umask(self._umask)
        if umask != self._umask:
            os.umask(umask)
            return "the umask changed"
        return ""


def _has_children() -> bool:
    """Whether processes that the task started still run; those that ended are reaped."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        return False
    return True


def _environment() -> dict[Any, Any]:
    """The environment as it is kept: `os.environ` decodes every name and value to compare them."""
    kept: dict[Any, Any] = os.environ._data  # type: ignore[attr-defined]  # private, and so since Python 2
    return kept


def _handlers() -> tuple[Any, ...]:
    alarm = signal.getitimer(signal.ITIMER_REAL)[0] > 0
    return (alarm, *map(_signal.getsignal, _SIGNALS))


def _limits() -> tuple[Any, ...]:
    return tuple(map(resource.getrlimit, _LIMITS))


def _streams() -> tuple[Any, ...]:
    found: list[Any] = [sys.stdout, sys.stderr, getattr(sys.stdout, "closed", True)]
    for number in (0, 1, 2):
        try:
            about = os.fstat(number)
        except OSError:
            continue  # it is closed
        found.append((number, about.st_dev, about.st_ino))
    return tuple(found)
