"""The ZeroMQ context of this process: one, made when the first socket is."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import zmq

_lock = threading.Lock()
_context: zmq.Context[zmq.Socket[bytes]] | None = None
_pid = 0


def context() -> zmq.Context[zmq.Socket[bytes]]:
    """The context of this process; a forked child gets one of its own.

    It is never terminated, because that would wait for sockets; it ends with the process.
    """
    import zmq

    global _context, _pid
    with _lock:
        if _context is None or _pid != os.getpid():
            _context, _pid = zmq.Context(), os.getpid()
            _context.set(zmq.MAX_SOCKETS, 65536)
        return _context


def make_poller() -> Any:
    """A `zmq.Poller`, for sockets and file descriptors; its types are its own, so it has none here."""
    import zmq

    return zmq.Poller()
