"""Where the next jobs of a child lie until one of the two takes them: the child, or its slot back.

A child that has to be given each job waits for its slot between two of them, and for a run of a tenth of a
millisecond that is half of the time. So the slot may lay the next jobs ready. As each lies as a datagram in
a socket of which both have the reading end, the kernel decides who gets it, and whoever has it knows that
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

#: so many jobs may lie ready: what a child runs while its slot is kept from looking. More were measured to
#: gain nothing for runs of 50 us, and Linux lets no more than ten datagrams wait.
ROOM_MAX = 8
#: a larger job is not laid ready, bytes
JOB_BYTES_MAX = 1 << 15

_HEAD = struct.Struct(">dQ")  # until when, and which


class Shelf:
    """Room for a few jobs; the oldest is taken first.

    Args:
        front: the end that is written to; None in the child.
        back: the end that is read, by both.
        room: for so many jobs.
    """

    def __init__(self, front: socket.socket | None, back: socket.socket, room: int = ROOM_MAX) -> None:
        self.room = room
        self._front = front
        self._back = back
        back.setblocking(False)
        if front is not None:
            front.setblocking(False)

    def put(self, payload: bytes, within_s: float = math.inf, number: int = 0) -> bool:
        """Lay a job ready, for so many seconds; false when it is too large, or there are too many."""
        assert self._front is not None
        if len(payload) > JOB_BYTES_MAX:
            return False
        try:
            # the monotonic clock is that of the machine, so both mean the same by it
            self._front.send(_HEAD.pack(time.monotonic() + within_s, number) + payload)
        except OSError:
            return False
        return True

    def take(self) -> bytes | None:
        """The first job that lies here, if one does and its time is not over."""
        try:
            packed = self._back.recv(_HEAD.size + JOB_BYTES_MAX)
        except OSError:
            return None
        if time.monotonic() >= _HEAD.unpack_from(packed)[0]:
            return None
        return packed[_HEAD.size :]

    def clear(self) -> set[int]:
        """Take back all that lies here; the numbers of those jobs."""
        numbers = set()
        with contextlib.suppress(OSError):
            while True:
                # the rest of a datagram is thrown away
                numbers.add(_HEAD.unpack(self._back.recv(_HEAD.size))[1])
        return numbers

    def fileno(self) -> int:
        """The end that the child reads, too."""
        return self._back.fileno()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._back.close()
            if self._front is not None:
                self._front.close()
