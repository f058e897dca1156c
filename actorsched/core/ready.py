"""The ready queue: what could be handed out, in order, without looking at what could not.

Tasks that are alike to the question "may this worker take it now?" form a class: same demand, same
crew. Within a class only the order matters, so a class is a heap, and a request compares the heads of
classes. The key is (-priority, order of first registration), which is total.

Entries are deleted lazily: a record points to its live entry, every other entry is stale. A heap with
more stale entries than live ones is rebuilt, so that stale ones cost O(1) each, ever.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TypeAlias

from actorsched.core.demands import Demand
from actorsched.core.record import TaskRecord
from actorsched.core.workersets import WorkerSet

#: (-priority, seq, record); seq is unique, so records are never compared
Entry: TypeAlias = tuple[float, int, TaskRecord]


class ReadyClass:
    __slots__ = ("crew", "demand", "fresh", "heap", "live")

    def __init__(self, demand: Demand, crew: WorkerSet) -> None:
        self.demand = demand
        self.crew = crew
        self.heap: list[Entry] = []
        self.live = 0
        #: entries that came since somebody was last woken for it (waking.py)
        self.fresh = 0

    def peek(self) -> Entry | None:
        """The first live entry; stale ones before it are gone afterwards."""
        heap = self.heap
        while heap:
            entry = heap[0]
            if entry[2].entry is entry:
                return entry
            heappop(heap)
        return None

    def set_aside(self) -> None:
        """Take the first entry off the heap without a change to its record; see `put_back`."""
        heappop(self.heap)

    def put_back(self, entry: Entry) -> None:
        heappush(self.heap, entry)


class ReadyQueue:
    def __init__(self) -> None:
        #: classes with live entries; a dict serves as ordered set
        self.classes: dict[ReadyClass, None] = {}
        #: something came since somebody was last woken
        self.stirred = False

    def push(self, record: TaskRecord) -> Entry:
        crew, demand = record.crew, record.demand
        group = crew.ready.get(demand)
        if group is None:
            group = crew.ready[demand] = ReadyClass(demand, crew)
        if not group.live:
            self.classes[group] = None
        group.live += 1
        group.fresh += 1
        self.stirred = True
        entry = record.entry = (-record.priority, record.seq, record)
        heappush(group.heap, entry)
        return entry

    def discard(self, record: TaskRecord) -> None:
        """Make its entry stale. Crew and demand must still be those of the push."""
        crew, demand = record.crew, record.demand
        group = crew.ready[demand]
        entry, record.entry = record.entry, None
        group.live = live = group.live - 1
        heap = group.heap
        if not live:
            heap.clear()
            del self.classes[group]
            del crew.ready[demand]
        elif heap[0] is entry:
            heappop(heap)
        elif len(heap) > 2 * live + 16:
            heap[:] = [entry for entry in heap if entry[2].entry is entry]
            heapify(heap)
