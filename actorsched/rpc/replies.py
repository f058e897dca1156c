"""What a server remembers so that a request takes effect once, however often it arrives.

A client names itself and numbers its frames: `"client": "<any text of its own>", "seq": <n>`, in the
request, or in the first request of a batch. It has at most one frame under way, and sends the same
bytes again until it has the answer. So the server needs to remember only the last answer for each
client. A frame with a lower number than that is a late copy that nobody waits for any more.

The memory is bounded: when it is full, the client that was silent for longest is forgotten, which
only matters if it sends again what it sent before.

With an answer goes a mark of what was asked. A client that was started again under its old name, and counts
from one again, must not be given the answer to what somebody asked before its time: the request would be
lost, and look as if it had been done.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

#: clients that are remembered; each costs some 300 bytes and its last answer
MAX_CLIENTS = 10_000
#: answers that are remembered, in bytes, all together
MAX_BYTES = 64 * 1024 * 1024
#: the longest name of a client, in characters
MAX_NAME = 200

#: of a mark, in bytes
MARK = 8


def mark_of(frame: bytes) -> bytes:
    """Tells frames apart; against mistakes, not against malice."""
    return b"%08x" % zlib.crc32(frame)


class Identity(NamedTuple):
    """Of a frame: who sent it, which of his it is, and its mark."""

    client: str
    seq: int
    mark: bytes


@dataclass(frozen=True, slots=True)
class Stale:
    """The client has already sent the frame with the number `last`, which is later than this one."""

    last: int


class ReplyMemory:
    """The last answer for each client."""

    def __init__(self, max_clients: int = MAX_CLIENTS, max_bytes: int = MAX_BYTES) -> None:
        self._last: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._max_clients = max_clients
        self._max_bytes = max_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._last)

    def recall(self, client: str, seq: int) -> bytes | Stale | None:
        """The answer that was given before; None if the frame is new."""
        known = self._last.get(client)
        if known is None or seq > known[0]:
            return None
        return known[1] if seq == known[0] else Stale(known[0])

    def remember(self, client: str, seq: int, reply: bytes) -> list[str]:
        """Keep this answer in place of the one before it.

        Returns:
            the clients that are forgotten for it.
        """
        before = self._last.pop(client, None)
        self._bytes += len(reply) - (len(before[1]) if before else 0)
        self._last[client] = (seq, reply)
        names: list[str] = []
        while len(self._last) > 1 and (len(self._last) > self._max_clients or self._bytes > self._max_bytes):
            forgotten, (_, answer) = self._last.popitem(last=False)
            self._bytes -= len(answer)
            names.append(forgotten)
        return names
