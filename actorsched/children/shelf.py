"""Where the next job of a child lies until one of the two takes it: the child, or its slot back.

A child that has to be given each job waits for its slot between two of them, and for a run of a tenth of a
millisecond that is half of the time. So the slot may lay the next job ready. As it lies in a datagram
socket of which both have the reading end, the kernel decides who gets it, and whoever has it knows that
the other has not: a job that was taken back was never begun and may be run elsewhere.

The child looks here only when a run has ended, and says with that end what it took. It takes nothing
when it is not fit for another run.
"""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import time

_UNTIL = struct.Struct(">d")


class Shelf:
    """Room for one job.

    Args:
        front: the end that is written to; None in the child.
        back: the end that is read, by both.
    """

    def __init__(self, front: socket.socket | None, back: socket.socket) -> None:
        self._front = front
        self._back = back
        back.setblocking(False)
        if front is not None:
            front.setblocking(False)

    def put(self, payload: bytes, within_s: float = math.inf) -> bool:
        """Lay a job ready, for so many seconds; false when it is too large for that."""
        assert self._front is not None
        try:
            # the monotonic clock is that of the machine, so both mean the same by it
            self._front.send(_UNTIL.pack(time.monotonic() + within_s) + payload)
        except OSError:
            return False
        return True

    def take(self) -> bytes | None:
        """The job that lies here, if one does and its time is not over."""
        try:
            packed = self._back.recv(1 << 20)
        except OSError:
            return None
        if time.monotonic() >= _UNTIL.unpack_from(packed)[0]:
            return None
        return packed[_UNTIL.size :]

    def clear(self) -> bool:
        """Take back what lies here; whether anything did."""
        try:
            return bool(self._back.recv(1))  # the rest of a datagram is thrown away
        except OSError:
            return False

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._back.close()
            if self._front is not None:
                self._front.close()
