"""The ready queue: what could be handed out, in order, without looking at what could not.

Tasks that are alike to the question "may this worker take it now?" form a class: same demand, same
crew. (What some worker cannot load is a part of the demand, see origin.py.) Within a class only the order
matters, and a request compares the heads of classes. The key is (-priority, order of first registration),
which is total.

A class has a heap for each priority, and a heap of the priorities. One heap of a million would do the same,
but each step down it is a miss of the processor's cache, which takes longer than all else in a request.

Entries are deleted lazily: a record points to its live entry, every other entry is stale. Heaps with
more stale entries than live ones are rebuilt, so that stale ones cost O(1) each, ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from actorsched.core.demands import Demand, Resources
from actorsched.core.origin import Origin
from actorsched.core.record import TaskRecord
from actorsched.core.workersets import WorkerSet

#: (-priority, seq, record); seq is unique, so records are never compared
Entry: TypeAlias = tuple[float, int, TaskRecord]


class ReadyClass:
    __slots__ = ("_lanes", "_order", "_size", "crew", "demand", "fresh", "live")

    def __init__(self, demand: Demand, crew: WorkerSet) -> None:
        self.demand = demand
        self.crew = crew
        #: by negative priority: heaps
        self._lanes: dict[float, list[Entry]] = {}
        #: the keys of the lanes, as a heap
        self._order: list[float] = []
        #: entries, also stale ones
        self._size = 0
        self.live = 0
        #: entries that came since somebody was last woken for it (waking.py)
        self.fresh = 0

    def add(self, entry: Entry) -> None:
        """Put the entry in its place."""
        lane = self._lanes.get(entry[0])
        if lane is None:
            self._lanes[entry[0]] = [entry]
            heappush(self._order, entry[0])
        else:
            heappush(lane, entry)
        self._size += 1

    def peek(self) -> Entry | None:
        """The first live entry; stale ones before it are gone afterwards."""
        order = self._order
        while order:
            lane = self._lanes[order[0]]
            while lane:
                entry = lane[0]
                if entry[2].entry is entry:
                    return entry
                heappop(lane)
                self._size -= 1
            del self._lanes[heappop(order)]
        return None

    def set_aside(self, entry: Entry) -> None:
        """Take the first entry out, without a change to its record; `add` puts it back."""
        first = heappop(self._lanes[entry[0]])
        assert first is entry
        self._size -= 1

    def drop(self, entry: Entry) -> None:
        """The entry is stale now; it goes at once if it is the first of its priority."""
        lane = self._lanes[entry[0]]
        if lane[0] is entry:
            heappop(lane)
            self._size -= 1
        elif self._size > 2 * self.live + 16:
            entries = [known for known in self.entries() if known[2].entry is known]
            self._lanes = {}
            for known in entries:
                self._lanes.setdefault(known[0], []).append(known)
            for lane in self._lanes.values():
                heapify(lane)
            self._order = sorted(self._lanes)
            self._size = len(entries)

    def entries(self) -> Iterator[Entry]:
        """All entries, also stale ones, in no particular order."""
        for lane in self._lanes.values():
            yield from lane

    def records(self) -> list[TaskRecord]:
        """Its tasks, in no particular order."""
        return [entry[2] for entry in self.entries() if entry[2].entry is entry]


class ReadyQueue:
    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        #: classes with live entries; a dict serves as ordered set
        self.classes: dict[ReadyClass, None] = {}
        #: what some worker has declined, by module and family
        self.origins: dict[tuple[str | None, str], Origin] = {}
        #: something came since somebody was last woken
        self.stirred = False

    def records(self) -> list[TaskRecord]:
        """All ready tasks, in no particular order."""
        return [record for group in self.classes for record in group.records()]

    def push(self, record: TaskRecord) -> Entry:
        crew, demand = record.crew, record.demand
        if self.origins:
            origin = self.origins.get((record.module, record.family))
            if origin is not demand.origin:
                demand = record.demand = self._resources.demand(demand.needs, origin)
        group = crew.ready.get(demand)
        if group is None:
            group = crew.ready[demand] = ReadyClass(demand, crew)
        if not group.live:
            self.classes[group] = None
        group.live += 1
        group.fresh += 1
        self.stirred = True
        entry = record.entry = (-record.priority, record.seq, record)
        group.add(entry)
        return entry

    def discard(self, record: TaskRecord) -> None:
        """Make its entry stale. Crew and demand must still be those of the push."""
        crew, demand = record.crew, record.demand
        group = crew.ready[demand]
        entry, record.entry = record.entry, None
        assert entry is not None
        group.live -= 1
        if group.live:
            group.drop(entry)
        else:
            del self.classes[group]
            del crew.ready[demand]
