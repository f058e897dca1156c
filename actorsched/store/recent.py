"""The latest commits, as they were made, before they are sorted into the tables.

What a commit costs is the number of different things that are done for it: each statement, each table and
each page of it. So a commit of a few rows is written as one row, by one statement, and when there are
enough of these rows, they are sorted into the tables and deleted, all in one transaction. Most tasks have
moved on by then, and only where they are last is sorted in.

A commit of many rows, or of one that cannot be written in this form, goes into the tables directly, after
the latest ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import Raw

from actorsched.core.rows import Changes
from actorsched.store.base import Reply
from actorsched.store.codec import encode_plain

#: number, definition and progress
TaskInTables: TypeAlias = tuple[int, bytes, bytes | None]

#: rows of a commit that goes into the tables directly: writing them twice would cost more
MANY_ROWS = 256
#: … and definitions of tasks, which are long and seldom change
MANY_TASKS = 16

_entry = msgspec.json.Decoder(
    tuple[list[tuple[int, Raw]], list[tuple[int, Raw]], list[int], list[tuple[str, str, Raw]]]
)
_encode_replies = msgspec.msgpack.Encoder().encode  # answers are bytes
_replies = msgspec.msgpack.Decoder(list[tuple[str, int, float, bytes | None]])


class Entry(NamedTuple):
    """A commit as one row."""

    data: bytes
    replies: bytes | None


def pack(changes: Changes, replies: Sequence[Reply], clock: float) -> Entry | None:
    """A commit as one row; None if it has to go into the tables directly."""
    tasks, progress, gone, items = changes.tasks, changes.progress, changes.gone, changes.items
    if len(tasks) > MANY_TASKS or len(tasks) + len(progress) + len(gone) + len(items) > MANY_ROWS:
        return None
    try:
        return Entry(
            encode_plain((tasks, progress, gone, items)),
            _encode_replies([(reply.client, reply.seq, clock, reply.answer) for reply in replies])
            if replies
            else None,
        )
    except (
        Exception
    ):  # half a character, a very large number, or no JSON: the tables can hold it, or say why not
        return None


@dataclass(slots=True)
class Recent:
    """What several such commits come to, by key; None: it is gone."""

    gone: dict[int, None] = field(default_factory=dict)
    tasks: dict[int, Raw] = field(default_factory=dict)
    progress: dict[int, Raw] = field(default_factory=dict)
    items: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    #: by client: number of the frame, clock, answer; the longest silent first
    replies: dict[str, tuple[int, float, bytes | None]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Add a later commit.

        Raises:
            ValueError: it is damaged.
        """
        tasks, progress, gone, items = _entry.decode(entry.data)
        for seq in gone:
            self.tasks.pop(seq, None)
            self.progress.pop(seq, None)
            self.gone[seq] = None
        self.tasks.update(tasks)
        self.progress.update(progress)
        for kind, key, row in items:
            data = bytes(row)
            self.items[kind, key] = None if data == b"null" else data
        if entry.replies is not None:
            for client, frame, clock, answer in _replies.decode(entry.replies):
                self.replies.pop(client, None)
                self.replies[client] = frame, clock, answer

    def over(
        self, rows: Iterable[tuple[int, bytes, bytes | None]]
    ) -> Iterator[tuple[int, bytes, bytes | None]]:
        """Tasks as the tables have them, and then as they are; both in their order."""
        waiting = deque(sorted(self.tasks))
        for seq, task, step in rows:
            while waiting and waiting[0] < seq:
                yield self._own(waiting.popleft())
            if waiting and waiting[0] == seq:
                yield self._own(waiting.popleft(), None if seq in self.gone else step)
            elif seq not in self.gone:
                yield seq, task, self._step(seq, step)
        for seq in waiting:
            yield self._own(seq)

    def _own(self, seq: int, step: bytes | None = None) -> TaskInTables:
        return seq, bytes(self.tasks[seq]), self._step(seq, step)

    def _step(self, seq: int, known: bytes | None) -> bytes | None:
        return bytes(self.progress[seq]) if seq in self.progress else known
