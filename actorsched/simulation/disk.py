"""The disk under a simulated scheduler, and the store on it: what was written, what is safe, what is lost.

The store is the in-memory twin that ships (`store/memory.py`), and whoever keeps his state in it is the one
that ships, too. The disk adds what a disk does:

* A commit takes its time. Who crashes in the middle leaves all of it or nothing, and was not told which.
* It may fail, before or after it was written: a connection that breaks leaves that open.
* The disk may be full for a while.
* There are values that it cannot hold.
* What was written survives the end of the process. What was not synced, the last commits, is lost with the
  power, in the order in which they were made: some may have reached the disk, one may be torn, which makes
  it void. With durability `full` a commit is synced before it is told; with `normal` that happens now and
  then, as with SQLite and PostgreSQL.

The lock that goes with the place is free when its holder's process has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actorsched.core.rows import Changes, RunRow
from actorsched.errors import InvalidParamsError, StoreUnavailableError
from actorsched.simulation.hub import Hub, sleep
from actorsched.simulation.node import Node
from actorsched.simulation.strangers import INDIGESTIBLE
from actorsched.simulation.trace import Trace
from actorsched.store.base import Place, Reply, Stored
from actorsched.store.memory import Disk, MemoryStore, Written

Durability: TypeAlias = Literal["normal", "full"]

#: of the commits of durability `normal`, those after which the disk syncs by itself
SYNCED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the disk behaves.

    Attributes:
        commit_s: the longest time that a commit takes.
        failing: the share of commits that fail; half of them are written all the same.
    """

    durability: Durability = "full"
    commit_s: float = 0.0
    failing: float = 0.0


class SimulatedDisk:
    """See the top of the module.

    Attributes:
        written: what any process finds.
        full: nothing can be written.
        history: rows of runs that have ended.
        written_at: when a commit, or who has the place, was written last.
        failed_at: when a commit failed last.
        habits: may be exchanged at any time.
    """

    def __init__(self, hub: Hub, trace: Trace, habits: Habits) -> None:
        self.hub = hub
        self.trace = trace
        self.habits = habits
        self.written = Disk()
        self.full = False
        self.history: list[RunRow] = []
        self.written_at = 0.0
        self.failed_at = 0.0
        self._safe = Disk()
        self._unsynced: list[Written] = []

    def write(self, written: Written) -> None:
        """Write a commit."""
        self.written.write(written)
        self.written_at = self.hub.now
        self._unsynced.append(written)
        if self.habits.durability == "full" or self.hub.random.random() < SYNCED:
            self._sync()

    def _sync(self) -> None:
        for written in self._unsynced:
            self._safe.write(written)
        self._unsynced.clear()

    def lose_power(self) -> int:
        """Lose what is not safe, or the last part of it.

        Returns:
            how many commits are lost.
        """
        kept = self.hub.random.randint(0, len(self._unsynced))
        lost = len(self._unsynced) - kept
        del self._unsynced[kept:]
        self._sync()
        self.written.copy(self._safe)
        self.trace.add("power", f"{lost} commits are lost")
        return lost


class SimulatedStore(MemoryStore):
    """A store on a disk, for the scheduler of one node.

    Args:
        loaded: called when all of it is read.
        committed: called when a commit was written.
        taken: called when the place was taken, with who had it before, and how long nothing was written.
    """

    def __init__(
        self,
        disk: SimulatedDisk,
        node: Node,
        loaded: Callable[[], None],
        committed: Callable[[], None],
        taken: Callable[[SimulatedStore | None, float], None] = lambda former, silent_s: None,
    ) -> None:
        super().__init__(disk.written, "simulated://disk")
        self.node = node
        self._life = node.lives
        self.hard = disk
        self._loaded = loaded
        self._committed = committed
        self._taken = taken

    @property
    def is_held(self) -> bool:
        """Whether the process that opened it is there."""
        return self.node.up and self.node.lives == self._life

    def look(self) -> Place:
        place = super().look()
        holder = self.disk.holder
        gone = isinstance(holder, SimulatedStore) and not holder.is_held
        return Place(place.epoch, place.beat, place.holder, place.free or gone)

    def take(self, seen: Place, epoch: str) -> bool:
        former, silent_s = self.disk.holder, self.hard.hub.now - self.hard.written_at
        taken = super().take(seen, epoch)
        if taken:
            self.hard.written_at = self.hard.hub.now
            self._taken(former if isinstance(former, SimulatedStore) else None, silent_s)
        return taken

    def read(self) -> Stored:
        self._loaded()
        return super().read()

    def commit(self, changes: Changes, replies: Iterable[Reply], clock: float) -> None:
        if any(row.family == INDIGESTIBLE for _, row in changes.tasks):
            raise InvalidParamsError(f"{self.url}: this cannot be stored")
        hard, random = self.hard, self.hard.hub.random
        habits = hard.habits
        written = self.encode(changes, replies, clock)
        fails = habits.failing and random.random() < habits.failing
        first_s = random.uniform(0, habits.commit_s) if habits.commit_s else 0.0
        if first_s:
            sleep(first_s)
        self.hold()
        self._require_room()
        if fails and random.random() < 0.5:
            raise self._lost()
        hard.write(written)
        self._committed()
        if habits.commit_s:
            sleep(habits.commit_s - first_s)
        if fails:
            raise self._lost()

    def try_out(self, size: int) -> None:
        self._require_room()

    def _require_room(self) -> None:
        if self.hard.full:
            self.hard.trace.add("full", self.node.name)
            raise StoreUnavailableError(
                f"{self.url}: the disk is full: nothing can be stored until there is room"
            )

    def _lost(self) -> StoreUnavailableError:
        self.hard.trace.add("commit failed", self.node.name)
        self.hard.failed_at = self.hard.hub.now
        return StoreUnavailableError(f"{self.url}: the connection broke")
