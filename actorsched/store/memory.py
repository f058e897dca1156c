"""The in-memory twin: the same rows, as bytes, in dicts.

What outlives a store is its `Disk`; give the same one to the next store to see what a restart finds.
The simulation's disk is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actorsched.core.rows import Changes, ItemRow, ProgressRow, Rows, TaskRow
from actorsched.errors import FencedError
from actorsched.store.base import Holder, Place, Reply, Stored
from actorsched.store.codec import decode_item, decode_progress, decode_task, encode, encode_all


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
        return Stored(Rows(self._read_tasks(), self._read_items()), replies, disk.clock)

    def _read_tasks(self) -> Iterator[tuple[int, TaskRow, ProgressRow | None]]:
        disk = self.disk
        for seq in sorted(disk.tasks):
            progress = disk.progress.get(seq)
            yield seq, decode_task(disk.tasks[seq]), None if progress is None else decode_progress(progress)

    def _read_items(self) -> Iterator[tuple[str, str, ItemRow]]:
        for (kind, key), row in self.disk.items.items():
            yield kind, key, decode_item(kind, row)

    def commit(self, changes: Changes, replies: Iterable[Reply], clock: float) -> None:
        disk = self.disk
        if disk.epoch != self._epoch:
            raise FencedError(f"{self.url}: the place of epoch {self._epoch} was taken by epoch {disk.epoch}")
        tasks = encode_all(changes.tasks)
        progress = encode_all(changes.progress)
        items = [(kind, key, None if row is None else encode(row)) for kind, key, row in changes.items]
        for seq in changes.gone:
            disk.tasks.pop(seq, None)
            disk.progress.pop(seq, None)
        disk.tasks.update(tasks)
        disk.progress.update(progress)
        for kind, key, data in items:
            if data is None:
                disk.items.pop((kind, key), None)
            else:
                disk.items[kind, key] = data
        for reply in replies:
            disk.replies.pop(reply.client, None)
            if reply.answer is not None:
                disk.replies[reply.client] = (reply.seq, reply.answer)
        disk.clock = clock
        disk.beat += 1

    def try_out(self, size: int) -> None:
        """There is always room."""

    def vacuum(self) -> tuple[int, int]:
        return 0, 0

    def close(self) -> None:
        """There is nothing to let go of; the place stays taken, as after the end of a process."""
