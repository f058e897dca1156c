"""Which ready tasks can run together as one batch.

A batcher says, for one worker and family, which parameters can be combined. Only for families with a
batcher, ready batchable tasks are also kept by what must be equal in a batch: the demand and all other
parameters. The heaps hold the entries of the ready queue, so an entry that is stale there is stale here.

A live batch is one run, and takes from the resources once: what its first member asks for, from the moment
when it is granted, until its combined task is registered and takes the same in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

from actorsched.core.demands import Demand, Resources
from actorsched.core.record import TaskRecord

if TYPE_CHECKING:
    from actorsched.core.ready import Entry

#: demand and unbatched parameters, as text: values need not be hashable
Likeness: TypeAlias = tuple[Demand, tuple[tuple[str, str], ...]]


class Batcher:
    """What one worker can combine of one family."""

    __slots__ = ("args", "max_size")

    def __init__(self, args: tuple[str, ...], max_size: float) -> None:
        self.args = args
        self.max_size = max_size


class BatchIndex:
    #: so many entries before the first look for stale ones
    SWEEP_MIN = 1_000

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._pushed = 0
        self._sweep_at = self.SWEEP_MIN
        #: by worker, then family
        self.batchers: dict[str, dict[str, Batcher]] = {}
        #: by family, then combined parameters: the groups
        self.families: dict[str, dict[tuple[str, ...], dict[Likeness, list[Entry]]]] = {}
        #: members of live batches, by batch id
        self.members: dict[str, dict[TaskRecord, None]] = {}
        #: what batches take that have no combined task yet, by batch id
        self.held: dict[str, dict[str, float]] = {}
        #: how many running tasks stand for a batch, by batch id
        self.combined: Counter[str] = Counter()

    def of_batch(self, batch_id: str) -> list[TaskRecord]:
        """The members, BATCH_RUNNING, in the order in which they were combined."""
        return list(self.members.get(batch_id, ()))

    def enter(self, record: TaskRecord) -> None:
        if record.batch_id is not None:
            self.members.setdefault(record.batch_id, {})[record] = None
            self._weigh(record.batch_id)

    def leave(self, record: TaskRecord) -> None:
        if record.batch_id is not None:
            members = self.members[record.batch_id]
            del members[record]
            if not members:
                del self.members[record.batch_id]
                self._weigh(record.batch_id)

    def stand_in(self, batch_id: str) -> None:
        """A task that runs, and takes what it needs, stands for this batch."""
        self.combined[batch_id] += 1
        self._weigh(batch_id)

    def stand_down(self, batch_id: str) -> None:
        """It does so no more."""
        self.combined[batch_id] -= 1
        if not self.combined[batch_id]:
            del self.combined[batch_id]
            self._weigh(batch_id)

    def _weigh(self, batch_id: str) -> None:
        """Take from the resources, or give back, what the batch takes itself."""
        members = self.members.get(batch_id)
        if members and batch_id not in self.combined:
            if batch_id not in self.held:
                self.held[batch_id] = next(iter(members)).runs_with()
                self._resources.charge(self.held[batch_id])
        elif batch_id in self.held:
            self._resources.release(self.held.pop(batch_id))

    def batcher(self, worker_id: str, family: str) -> Batcher | None:
        found = self.batchers.get(worker_id)
        return found.get(family) if found else None

    def set_batcher(
        self, worker_id: str, family: str, args: tuple[str, ...], max_size: float, ready: Iterable[TaskRecord]
    ) -> None:
        """Remember a batcher; `ready` are all ready tasks, looked at when the family is new here."""
        self.batchers.setdefault(worker_id, {})[family] = Batcher(args, max_size)
        groups = self.families.setdefault(family, {})
        if args not in groups:
            groups[args] = {}
            for record in ready:
                if record.family == family and record.batchable and record.entry is not None:
                    self._push(groups[args], args, record, record.entry)

    def forget_worker(self, worker_id: str) -> None:
        """Drop what only this worker could combine."""
        for family, batcher in self.batchers.pop(worker_id, {}).items():
            if not any(
                known.get(family) is not None and known[family].args == batcher.args
                for known in self.batchers.values()
            ):
                groups = self.families[family]
                groups.pop(batcher.args, None)
                if not groups:
                    del self.families[family]

    def push(self, record: TaskRecord, entry: Entry) -> None:
        """A batchable task is ready, or has a new place among the ready ones."""
        for args, groups in self.families.get(record.family, {}).items():
            self._push(groups, args, record, entry)

    def select(
        self, record: TaskRecord, batcher: Batcher, suits: Callable[[Entry], bool]
    ) -> list[TaskRecord]:
        """Those that can join the record, in order, as many as the batcher allows beside it.

        Args:
            record: the first of the batch, ready.
            batcher: of the family of the record.
            suits: says of a live entry whether this worker may take it.
        """
        heap = self.families.get(record.family, {}).get(batcher.args, {}).get(_likeness(record, batcher.args))
        selected: list[TaskRecord] = []
        seen: list[Entry] = []
        while heap and len(selected) + 1 < batcher.max_size:
            entry = heappop(heap)
            candidate = entry[2]
            if candidate.entry is entry and candidate.batchable and not (seen and seen[-1] is entry):
                seen.append(entry)
                if candidate is not record and suits(entry):
                    selected.append(candidate)
        if heap is not None:
            for entry in seen:  # those that run now become stale by it
                heappush(heap, entry)
        return selected

    def _push(
        self, groups: dict[Likeness, list[Entry]], args: tuple[str, ...], record: TaskRecord, entry: Entry
    ) -> None:
        heappush(groups.setdefault(_likeness(record, args), []), entry)
        self._pushed += 1
        if self._pushed > self._sweep_at:
            self._sweep()

    def _sweep(self) -> None:
        """Rebuild without stale entries, and without groups that have no others."""
        kept = 0
        for by_args in self.families.values():
            for args, groups in by_args.items():
                fresh: dict[Likeness, list[Entry]] = {}
                for likeness, heap in groups.items():
                    live = [entry for entry in heap if entry[2].entry is entry]
                    if live:
                        heapify(live)
                        fresh[likeness] = live
                        kept += len(live)
                by_args[args] = fresh
        self._pushed = kept
        self._sweep_at = 2 * kept + self.SWEEP_MIN


def _likeness(record: TaskRecord, args: tuple[str, ...]) -> Likeness:
    rest = sorted((name, repr(value)) for name, value in record.params.items() if name not in args)
    return record.demand, tuple(rest)
