"""Sets of workers, shared by all tasks that have the same one.

A hundred workers that register the same hundred thousand tasks must not cost ten million entries. So a
record points to one interned `WorkerSet`; joining is a memoised step from one set to the next. Order
counts: the last of a set is the last worker that registered, and registering again moves nobody.

What a worker is told in numbers (how many pending, unique, ...) is kept per set: a worker sums over the
sets that contain it, and nothing ever counts tasks.

When a worker goes, its sets are *changed in place*: all their tasks lose the worker at once, at the
price of one set. Two sets may then have the same content; that is harmless (each is right about its own
tasks), new tasks go to the interned one. Only a set that becomes empty has consequences for each of its
tasks, so a set also knows its members: a list with lazy deletion.

The machine has two registries of this kind: crews (who can run it) and stakes (who keeps it alive).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from actorsched.core.record import TaskRecord

if TYPE_CHECKING:
    from actorsched.core.demands import Demand
    from actorsched.core.ready import ReadyClass


class WorkerSet:
    __slots__ = (
        "after",
        "countable",
        "demanding",
        "hopeful",
        "ids",
        "idset",
        "members",
        "number",
        "pending",
        "ready",
        "retried",
        "size",
    )

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.ids = ids
        self.idset = frozenset(ids)
        #: the set that results when a worker joins, by worker
        self.after: dict[str, WorkerSet] = {}
        #: tasks that have this set; the list may also hold tasks that had it
        self.size = 0
        self.members: list[TaskRecord] = []
        #: of its tasks, how many are PENDING, PENDING with resources, FAILED or PENDING and not barred,
        #: FAILED and to be tried again, and hopeful (see facets.py)
        self.pending = 0
        self.demanding = 0
        self.countable = 0
        self.retried = 0
        self.hopeful = 0
        #: of its row, if it has one (see journal.py)
        self.number: int | None = None
        #: ready tasks by what they need
        self.ready: dict[Demand, ReadyClass] = {}

    def __repr__(self) -> str:
        return f"<{', '.join(self.ids) or 'nobody'}: {self.size}>"


class WorkerSets:
    """A registry of worker sets.

    Args:
        owner_set: reads the set of this registry from a record, to tell members from former ones.
    """

    #: so many sets before the first look for unused ones
    SWEEP_MIN = 64

    def __init__(self, owner_set: Callable[[TaskRecord], WorkerSet]) -> None:
        self._owner_set = owner_set
        self.nobody = WorkerSet(())
        self._by_ids: dict[tuple[str, ...], WorkerSet] = {(): self.nobody}
        #: the sets that contain a worker; a dict serves as ordered set
        self._of_worker: dict[str, dict[WorkerSet, None]] = {}
        self._sweep_at = self.SWEEP_MIN

    def of(self, worker_id: str) -> dict[WorkerSet, None] | tuple[()]:
        """The sets that contain the worker."""
        return self._of_worker.get(worker_id, ())

    def all(self) -> list[WorkerSet]:
        """Every set that contains somebody."""
        found: dict[WorkerSet, None] = {}
        for sets in self._of_worker.values():
            found.update(sets)
        return list(found)

    def with_(self, base: WorkerSet, worker_id: str) -> WorkerSet:
        """The set that results when the worker joins `base`; `base` itself if it is in."""
        if worker_id in base.idset:
            return base
        if not base.ids:
            base = self.nobody  # a set that was emptied has memos that `_sweep` does not reach
        found = base.after.get(worker_id)
        if found is None:
            ids = (*base.ids, worker_id)
            found = self._by_ids.get(ids)
            if found is None:
                if len(self._by_ids) >= self._sweep_at:
                    self.sweep()
                found = self.intern(ids)
            base.after[worker_id] = found
        return found

    def intern(self, ids: tuple[str, ...]) -> WorkerSet:
        """The set of these workers. While sets are made before their tasks, `sweep` only afterwards."""
        found = self._by_ids.get(ids)
        if found is None:
            found = self._by_ids[ids] = WorkerSet(ids)
            for member in ids:
                self._of_worker.setdefault(member, {})[found] = None
        return found

    def join(self, record: TaskRecord, target: WorkerSet) -> None:
        """Count the record in; its pointer is set by the caller."""
        target.size += 1
        if target is not self.nobody:  # nobody has no members' list: it never *becomes* empty
            members = target.members
            members.append(record)
            if len(members) > 2 * target.size + 16:
                target.members = self.members(target)

    def leave(self, target: WorkerSet) -> None:
        target.size -= 1

    def members(self, target: WorkerSet) -> list[TaskRecord]:
        """Its tasks, each once."""
        owner_set = self._owner_set
        return [record for record in dict.fromkeys(target.members) if owner_set(record) is target]

    def drop(self, worker_id: str) -> list[WorkerSet]:
        """Take the worker out of all sets.

        Returns:
            the sets that are empty now and have tasks.
        """
        emptied = []
        for changed in self._of_worker.pop(worker_id, {}):
            if self._by_ids.get(changed.ids) is changed:
                del self._by_ids[changed.ids]
            changed.ids = tuple(member for member in changed.ids if member != worker_id)
            changed.idset = frozenset(changed.ids)
            self._by_ids.setdefault(changed.ids, changed)
            if not changed.ids and changed.size:
                emptied.append(changed)
        self.sweep()
        return emptied

    def sweep(self) -> None:
        """Forget the sets that no task has, and every memo: a set may have changed its content."""
        self.nobody.after.clear()
        for sets in self._of_worker.values():
            for known in [known for known in sets if not known.size]:
                del sets[known]
                if self._by_ids.get(known.ids) is known:
                    del self._by_ids[known.ids]
            for known in sets:
                known.after.clear()
        self._of_worker = {worker: sets for worker, sets in self._of_worker.items() if sets}
        self._sweep_at = max(self.SWEEP_MIN, 2 * len(self._by_ids))
