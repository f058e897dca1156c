"""Which of the ready tasks a worker gets, one after the other, for as many as it asks for at once.

The order is total: priority, then first registered. Going down the order, a task that this worker
cannot take now, but another live worker with a free process could, reserves its resources (and uses up
that process): greedy reservation, as in Luigi, so that a stream of small tasks cannot starve a big one.
Tasks that run take part in the order with what they take and with the process that they occupy.

Ready tasks of one class (ready.py) differ only in their place in the order, and all that decides within
one request moves one way: reserved resources grow, free processes get fewer. So once the head of a
class can neither be taken nor reserve, nothing in the class can, and it is dropped whole. Each step
either grants, or drops a class, or uses up a free process; no step looks at a task in vain.

For the same reason a request for several tasks is one way down and not one for each: what was granted is
from then on one more task that runs, and everything before it in the order is decided.

What needs no resources can always be taken. So all this is only gone into when a task that needs some comes
before the first that needs none; else what others reserve changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from operator import attrgetter

from actorsched.core.instant import Instant
from actorsched.core.ready import Entry, ReadyClass
from actorsched.core.record import TaskRecord
from actorsched.core.state import State
from actorsched.core.statuses import RUNNING
from actorsched.core.worker import WorkerRecord


class Picking:
    """Picks for one worker; whoever picks makes a run of each task before picking the next.

    While it goes down the order, some ready tasks are not in their class; `end` puts them back.

    Args:
        assistant: the worker also takes what others registered.
    """

    def __init__(self, state: State, asking: WorkerRecord, now: Instant, *, assistant: bool) -> None:
        self._state = state
        self._asking = asking
        self._assistant = assistant
        self._now = now
        self._descent: _Descent | None = None

    def next(self) -> TaskRecord | None:
        """The first task in order that the worker can take; None when there is none."""
        if self._descent is None:
            best, contested = self._first_without_needs()
            if not contested:
                return best
            self._descent = _Descent(self._state, self._asking, self._now, assistant=self._assistant)
        return self._descent.next()

    def end(self) -> None:
        """Forget what was decided; call it also before ready tasks are changed that were not picked."""
        if self._descent is not None:
            self._descent.end()
            self._descent = None

    def _first_without_needs(self) -> tuple[TaskRecord | None, bool]:
        """The first that it can take of those that need nothing; and whether one with needs comes before."""
        best: Entry | None = None
        needy: Entry | None = None
        for group in self._own_classes():
            entry = group.peek()
            if entry is None or group.demand.impossible or self._is_declined(group):
                continue
            if group.demand.needs:
                if needy is None or entry < needy:
                    needy = entry
            elif best is None or entry < best:
                best = entry
        contested = needy is not None and (best is None or needy < best)
        return (best[2] if best is not None else None), contested

    def _is_declined(self, group: ReadyClass) -> bool:
        origin = group.demand.origin
        return origin is not None and origin.is_declined_by(self._asking.worker_id, self._now.monotonic)

    def _own_classes(self) -> Iterable[ReadyClass]:
        if self._assistant:
            return self._state.ready.classes
        crews = self._state.crews.of(self._asking.worker_id)
        return [group for crew in crews for group in crew.ready.values()]


class _Descent:
    """The way down the order, from the first task on."""

    def __init__(self, state: State, asking: WorkerRecord, now: Instant, *, assistant: bool) -> None:
        self._state = state
        self._asking = asking
        self._assistant = assistant
        self._at = now.monotonic
        self._reserved: dict[str, float] = {}
        self._free = _free_processes(state, now)
        #: what runs and was not come to yet, the last in order first
        self._running = sorted(state.by_status[RUNNING].values(), key=attrgetter("place"), reverse=True)
        self._heads: list[tuple[Entry, ReadyClass]] = []
        for group in state.ready.classes:
            entry = group.peek()
            if entry is not None and not group.demand.impossible:
                self._heads.append((entry, group))
        heapify(self._heads)
        self._aside: list[tuple[ReadyClass, Entry]] = []
        self._picked: TaskRecord | None = None

    def next(self) -> TaskRecord | None:
        if self._picked is not None:
            self._pass_picked(self._picked)
        resources, heads, running = self._state.resources, self._heads, self._running
        while heads:
            first, group = heads[0]
            while running and running[-1].place < first[:2]:
                self._reserve_running(running.pop())
            if not resources.fits(group.demand, self._reserved):
                heappop(heads)
            elif self._takes(group) and resources.fits(group.demand, resources.used):
                self._picked = first[2]
                return self._picked
            elif self._reserve(group):
                self._aside.append((group, first))
                group.set_aside(first)
                self._replace_head(group)
            else:
                heappop(heads)
        self._picked = None
        return None

    def end(self) -> None:
        for group, entry in self._aside:
            group.add(entry)

    def _takes(self, group: ReadyClass) -> bool:
        who, origin = self._asking.worker_id, group.demand.origin
        if origin is not None and origin.is_declined_by(who, self._at):
            return False
        return self._assistant or who in group.crew.idset

    def _pass_picked(self, record: TaskRecord) -> None:
        """It runs now, and is no more the head of its class."""
        self._reserve_running(record)
        self._replace_head(self._heads[0][1])

    def _replace_head(self, group: ReadyClass) -> None:
        heappop(self._heads)
        entry = group.peek()
        if entry is not None:
            heappush(self._heads, (entry, group))

    def _reserve(self, group: ReadyClass) -> bool:
        """Keep resources for the head of a class, and a process of somebody who could run it, if any can."""
        ids, origin = group.crew.ids, group.demand.origin
        for worker_id in (*ids, self._asking.worker_id) if self._assistant else ids:
            if origin is not None and origin.is_declined_by(worker_id, self._at):
                continue
            if self._free.get(worker_id, 0) > 0:
                self._take(worker_id, group.demand.needs)
                return True
        return False

    def _reserve_running(self, record: TaskRecord) -> None:
        worker_id = record.worker_running
        if worker_id in self._free:
            self._take(worker_id, record.runs_with())

    def _take(self, worker_id: str, needs: Mapping[str, float]) -> None:
        self._free[worker_id] -= 1
        for name, amount in needs.items():
            self._reserved[name] = self._reserved.get(name, 0) + amount


def _free_processes(state: State, now: Instant) -> dict[str, int]:
    """Processes of the workers that asked for work within a lease."""
    since = now.monotonic - state.settings.worker_disconnect_delay
    return {
        worker.worker_id: worker.processes
        for worker in state.workers.values()
        if worker.last_get_work is not None and worker.last_get_work > since
    }
