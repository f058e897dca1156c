"""The in-memory twin: the same rows, as bytes, in dicts.

What outlives a store is its `Disk`; give the same one to the next store to see what a restart finds.
The simulation's disk is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from actorsched.core.rows import Changes, ItemRow, ProgressRow, Rows, TaskRow
from actorsched.errors import FencedError
from actorsched.store.base import Holder, Place, Reply, Stored
from actorsched.store.codec import decode_item, decode_progress, decode_task, encode, encode_all


class Written(NamedTuple):
    """One commit, as bytes."""

    gone: list[int]
    tasks: list[tuple[int, bytes]]
    progress: list[tuple[int, bytes]]
    items: list[tuple[str, str, bytes | None]]
    replies: list[Reply]
    clock: float


class Disk:
    """What is stored."""

    def __init__(self) -> None:
        self.tasks: dict[int, bytes] = {}
        self.progress: dict[int, bytes] = {}
        self.items: dict[tuple[str, str], bytes] = {}
        self.replies: dict[str, tuple[int, bytes]] = {}
        self.clock = 0.0
        self.epoch = ""
        self.beat = 0
        self.holder: MemoryStore | None = None

    def write(self, written: Written) -> None:
        """Take a commit, as a whole."""
        for seq in written.gone:
            self.tasks.pop(seq, None)
            self.progress.pop(seq, None)
        self.tasks.update(written.tasks)
        self.progress.update(written.progress)
        for kind, key, data in written.items:
            if data is None:
                self.items.pop((kind, key), None)
            else:
                self.items[kind, key] = data
        for reply in written.replies:
            self.replies.pop(reply.client, None)
            if reply.answer is not None:
                self.replies[reply.client] = (reply.seq, reply.answer)
        self.clock = written.clock
        self.beat += 1

    def copy(self, other: Disk) -> None:
        """Hold what another one holds; who has the place stays."""
        self.tasks, self.progress = dict(other.tasks), dict(other.progress)
        self.items, self.replies = dict(other.items), dict(other.replies)
        self.clock = other.clock


class MemoryStore:
    """A store whose rows live as long as its disk.

    Args:
        disk: what another store has left.
    """

    def __init__(self, disk: Disk | None = None, url: str = "memory://") -> None:
        self.url = url
        self.disk = disk or Disk()
        self._epoch = ""

    def open(self, *, create: bool = True) -> None:
        """There is nothing to connect to."""

    def look(self) -> Place:
        disk = self.disk
        return Place(disk.epoch, disk.beat, Holder(), disk.holder is None)

    def take(self, seen: Place, epoch: str) -> bool:
        disk = self.disk
        if (disk.epoch, disk.beat) != (seen.epoch, seen.beat):
            return False
        disk.epoch = self._epoch = epoch
        disk.beat += 1
        disk.holder = self
        return True

    def give_back(self) -> None:
        if self.disk.holder is self:
            self.disk.holder = None

    def read(self) -> Stored:
        disk = self.disk
        replies = [Reply(client, seq, answer) for client, (seq, answer) in disk.replies.items()]
        return Stored(self.stored(), replies, disk.clock)

    def stored(self) -> Rows:
        """The rows, read while they are iterated."""
        return Rows(self._read_tasks(), self._read_items())

    def _read_tasks(self) -> Iterator[tuple[int, TaskRow, ProgressRow | None]]:
        disk = self.disk
        for seq in sorted(disk.tasks):
            progress = disk.progress.get(seq)
            yield seq, decode_task(disk.tasks[seq]), None if progress is None else decode_progress(progress)

    def _read_items(self) -> Iterator[tuple[str, str, ItemRow]]:
        for (kind, key), row in self.disk.items.items():
            yield kind, key, decode_item(kind, row)

    def commit(self, changes: Changes, replies: Iterable[Reply], clock: float) -> None:
        self.hold()
        self.disk.write(self.encode(changes, replies, clock))

    def hold(self) -> None:
        """Look whether we still have the place.

        Raises:
            FencedError: another one has it.
        """
        epoch = self.disk.epoch
        if epoch != self._epoch:
            raise FencedError(f"{self.url}: the place of epoch {self._epoch} was taken by epoch {epoch}")

    @staticmethod
    def encode(changes: Changes, replies: Iterable[Reply], clock: float) -> Written:
        """A commit as bytes.

        Raises:
            InvalidParamsError: something in it cannot be written as JSON.
        """
        items = [(kind, key, None if row is None else encode(row)) for kind, key, row in changes.items]
        return Written(
            changes.gone,
            encode_all(changes.tasks),
            encode_all(changes.progress),
            items,
            list(replies),
            clock,
        )

    def try_out(self, size: int) -> None:
        """There is always room."""

    def vacuum(self) -> tuple[int, int]:
        return 0, 0

    def close(self) -> None:
        """There is nothing to let go of; the place stays taken, as after the end of a process."""
