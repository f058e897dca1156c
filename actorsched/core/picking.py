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

All this matters only when a task is passed by that needs some of what a later one needs: else nothing is
kept from the later one, and it can be taken if it fits. So a request begins with a look at the heads of the
classes alone, and goes the way down past everything that runs only when it comes to such a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heapreplace
from operator import attrgetter
from typing import TypeAlias

from actorsched.core.demands import Demand
from actorsched.core.instant import Instant
from actorsched.core.ready import Entry, ReadyClass
from actorsched.core.record import TaskRecord
from actorsched.core.state import State
from actorsched.core.statuses import RUNNING
from actorsched.core.worker import WorkerRecord

#: a heap of classes, by their first tasks
Heads: TypeAlias = list[tuple[Entry, ReadyClass]]


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
        self._heads: Heads | None = None
        #: whether these are the heads of all classes that need something; else of its own ones alone
        self._sees_all = assistant
        #: names of resources that tasks need which were passed by
        self._passed: frozenset[str] = frozenset()

    def next(self) -> TaskRecord | None:
        """The first task in order that the worker can take; None when there is none."""
        if self._descent is not None:
            return self._descent.next()
        heads = self._heads
        if heads is None:
            heads = self._heads = _heads_of(self._own_classes())
        elif heads:
            _replace_head(heads)  # it was picked
        while heads:
            first, group = heads[0]
            demand = group.demand
            if demand.needs:
                if not self._sees_all:
                    self._see_others(heads)
                elif not (self._can_take(group) and self._fits(demand)):
                    heappop(heads)
                    self._passed = self._passed.union(demand.needs)
                elif self._passed.isdisjoint(demand.needs):
                    return first[2]
                else:
                    return self._descend()
            elif demand.origin is None or self._can_take(group):  # nothing else is seen of others
                return first[2]
            else:
                heappop(heads)
        return None

    def end(self) -> None:
        """Forget what was decided; call it also before ready tasks are changed that were not picked."""
        self._heads = None
        if self._descent is not None:
            self._descent.end()
            self._descent = None
        if self._passed:
            self._passed = frozenset()
        self._sees_all = self._assistant

    def _descend(self) -> TaskRecord | None:
        self._descent = _Descent(
            self._state, self._asking, self._now, self._can_take, assistant=self._assistant
        )
        return self._descent.next()

    def _own_classes(self) -> Iterable[ReadyClass]:
        if self._assistant:
            return self._state.ready.classes
        crews = self._state.crews.of(self._asking.worker_id)
        return [group for crew in crews for group in crew.ready.values()]

    def _see_others(self, heads: Heads) -> None:
        who, classes = self._asking.worker_id, self._state.ready.classes
        heads += _heads_of([each for each in classes if each.demand.needs and who not in each.crew.idset])
        heapify(heads)
        self._sees_all = True

    def _fits(self, demand: Demand) -> bool:
        resources = self._state.resources
        return resources.fits(demand, resources.used)

    def _can_take(self, group: ReadyClass) -> bool:
        origin = group.demand.origin
        if origin is not None and origin.is_declined_by(self._asking.worker_id, self._now.monotonic):
            return False
        return self._assistant or self._asking.worker_id in group.crew.idset


def _heads_of(classes: Iterable[ReadyClass]) -> Heads:
    heads: Heads = []
    for group in classes:
        entry = group.peek()
        if entry is not None and not group.demand.impossible:
            heads.append((entry, group))
    heapify(heads)
    return heads


def _replace_head(heads: Heads) -> None:
    """The first task of the first class has gone."""
    group = heads[0][1]
    entry = group.peek()
    if entry is not None:
        heapreplace(heads, (entry, group))
    else:
        heappop(heads)


class _Descent:
    """The way down the order, from the first task on."""

    def __init__(
        self,
        state: State,
        asking: WorkerRecord,
        now: Instant,
        can_take: Callable[[ReadyClass], bool],
        *,
        assistant: bool,
    ) -> None:
        self._resources = state.resources
        self._asking = asking.worker_id
        self._assistant = assistant
        self._can_take = can_take
        self._at = now.monotonic
        self._reserved: dict[str, float] = {}
        self._free = _free_processes(state, now)
        #: what runs and was not come to yet, the last in order first
        self._running = sorted(state.by_status[RUNNING].values(), key=attrgetter("place"), reverse=True)
        self._heads = _heads_of(state.ready.classes)
        self._aside: list[tuple[ReadyClass, Entry]] = []
        self._picked: TaskRecord | None = None

    def next(self) -> TaskRecord | None:
        if self._picked is not None:
            self._pass_picked(self._picked)
        resources, heads, running = self._resources, self._heads, self._running
        while heads:
            first, group = heads[0]
            while running and running[-1].place < first[:2]:
                self._reserve_running(running.pop())
            if not resources.fits(group.demand, self._reserved):
                heappop(heads)
            elif self._can_take(group) and resources.fits(group.demand, resources.used):
                self._picked = first[2]
                return self._picked
            elif self._reserve(group):
                self._aside.append((group, first))
                group.set_aside(first)
                _replace_head(heads)
            else:
                heappop(heads)
        self._picked = None
        return None

    def end(self) -> None:
        for group, entry in self._aside:
            group.add(entry)

    def _pass_picked(self, record: TaskRecord) -> None:
        """It runs now, and is no more the head of its class."""
        self._reserve_running(record)
        _replace_head(self._heads)

    def _reserve(self, group: ReadyClass) -> bool:
        """Keep resources for the head of a class, and a process of somebody who could run it, if any can."""
        ids, origin = group.crew.ids, group.demand.origin
        for worker_id in (*ids, self._asking) if self._assistant else ids:
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
