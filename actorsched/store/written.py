"""What a transaction writes into the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from actorsched.core.rows import Changes
from actorsched.store.base import Reply
from actorsched.store.codec import encode, encode_all, key_of
from actorsched.store.recent import Recent


class Written(NamedTuple):
    """Rows as the tables have them; no bytes: the row is deleted."""

    gone: Sequence[int]
    tasks: Sequence[tuple[int, bytes]]
    progress: Sequence[tuple[int, bytes]]
    items: Sequence[tuple[str, bytes, bytes | None]]
    #: client, number of the frame, clock, answer
    replies: Sequence[tuple[bytes, str, float, bytes | None]]


def encoded(changes: Changes, replies: Iterable[Reply], clock: float) -> Written:
    """The rows of one commit.

    Raises:
        InvalidParamsError: something cannot be written as JSON.
    """
    return Written(
        changes.gone,
        encode_all(changes.tasks),
        encode_all(changes.progress),
        [(kind, key_of(key), None if row is None else encode(row)) for kind, key, row in changes.items],
        [(key_of(reply.client), str(reply.seq), clock, reply.answer) for reply in replies],
    )


def summed_up(recent: Recent) -> Written:
    """The rows of the latest commits together."""
    return Written(
        list(recent.gone),
        [(seq, bytes(recent.tasks[seq])) for seq in sorted(recent.tasks)],
        [(seq, bytes(recent.progress[seq])) for seq in sorted(recent.progress)],
        [(kind, key_of(key), data) for (kind, key), data in recent.items.items()],
        [
            (key_of(client), str(frame), clock, answer)
            for client, (frame, clock, answer) in recent.replies.items()
        ],
    )
