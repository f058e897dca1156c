"""Deadlines, as a heap: looking at time costs what has come due.

A timer is never cancelled. When it comes due, whoever armed it looks whether the deadline still holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from heapq import heappop, heappush

from actorsched.core.record import TaskRecord
from actorsched.core.worker import WorkerRecord


class Kind(IntEnum):
    SILENCE = 0
    ENABLE = 1
    RETRY = 2
    REMOVE = 3


class Timers:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Kind, TaskRecord | WorkerRecord]] = []
        self._ticket = 0

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[tuple[float, int, Kind, TaskRecord | WorkerRecord]]:
        """All that are armed, in no particular order: when, a ticket, and what for."""
        return iter(self._heap)

    def arm(self, at: float, kind: Kind, target: TaskRecord | WorkerRecord) -> None:
        self._ticket += 1
        heappush(self._heap, (at, self._ticket, kind, target))

    def due(self, monotonic: float) -> Iterator[tuple[float, Kind, TaskRecord | WorkerRecord]]:
        """Take what is due at this time, the earliest first."""
        heap = self._heap
        while heap and heap[0][0] <= monotonic:
            at, _, kind, target = heappop(heap)
            yield at, kind, target
