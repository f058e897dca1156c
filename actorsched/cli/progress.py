"""How a run goes, for those who show it: counts, rate, what is running, what failed.

The worker's threads tell `hear` what happens; whoever draws reads the rest from a thread of its own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from actorsched.facade.events import Counts, Discovery, Event, RunEnded, RunSaid, RunsElsewhere, RunStarted

#: the rate is that of the last so many seconds
WINDOW_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A task that runs; `where` is empty for our own slots and else the name of the worker."""

    name: str
    since: float
    where: str = ""
    message: str = ""
    percentage: float | None = None

    @property
    def said(self) -> str:
        """What it has told of itself."""
        share = "" if self.percentage is None else f"{self.percentage:g} %"
        return "  ".join(filter(None, (share, self.message)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How it stands at one moment; `rate` is tasks in a second, None as long as nothing is known."""

    found: int = 0
    asked: int = 0
    discovering: bool = True
    pending: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    now: float = 0.0
    elapsed_s: float = 0.0
    rate: float | None = None
    runs: tuple[Running, ...] = field(default=())

    @property
    def total(self) -> int:
        return max(self.found, self.pending + self.running + self.done + self.failed)

    @property
    def left_s(self) -> float | None:
        """How long it would take at this rate; None as long as nobody knows, or while nothing runs."""
        return (self.pending + self.running) / self.rate if self.rate and self.running else None


class Progress:
    """Hears of events and keeps the picture; any thread.

    Args:
        on_failure: called with the name of a task that failed and its cause, in the worker's thread.
        monotonic: a clock, seconds.
    """

    def __init__(
        self,
        on_failure: Callable[[str, str], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_failure = on_failure
        self._now = monotonic
        self._started = monotonic()
        self._lock = threading.Lock()
        self._discovery = Discovery(found=0, complete=0, done=False)
        self._counts = Counts(pending=0, running=0, done=0, failed=0)
        #: task id → slot and run; behind the run that a slot is at, others may wait for it
        self._own: dict[str, tuple[int, Running]] = {}
        self._elsewhere: dict[str, Running] = {}
        self._ended: deque[tuple[float, int]] = deque()
        self._first_done: int | None = None

    def hear(self, event: Event) -> None:
        """Take note of an event; the `observer` of a `Worker`."""
        with self._lock:
            match event:
                case Discovery():
                    self._discovery = event
                case Counts():
                    if self._first_done is None:
                        self._first_done = event.done
                    self._counts = event
                case RunStarted(task_id=task_id, name=name, slot=slot):
                    self._own[task_id] = slot, Running(name=name, since=self._now())
                case RunSaid(task_id=task_id):
                    self._note(event)
                case RunEnded(task_id=task_id, slot=slot):
                    self._own.pop(self._known_as(task_id, slot), None)
                    self._begin_next(slot)
                case RunsElsewhere(runs=runs):
                    now = self._now()
                    self._elsewhere = {
                        task_id: self._elsewhere.get(task_id) or Running(name=name, since=now, where=worker)
                        for task_id, name, worker in runs
                    }
        if isinstance(event, RunEnded) and event.status == "FAILED" and self.on_failure is not None:
            self.on_failure(event.name, event.cause)

    def _note(self, said: RunSaid) -> None:
        if said.task_id not in self._own:
            return
        slot, run = self._own[said.task_id]
        if said.message is not None:
            run = replace(run, message=said.message)
        if said.percentage is not None:
            run = replace(run, percentage=said.percentage)
        self._own[said.task_id] = slot, run

    def _known_as(self, task_id: str, slot: int) -> str:
        """Under which id this began: a batch gets another one, that of its combined task, when it is made."""
        if task_id in self._own:
            return task_id
        return next((began for began, (place, _) in self._own.items() if place == slot), task_id)

    def _begin_next(self, slot: int) -> None:
        """What waited for this slot begins now."""
        for task_id, (place, run) in self._own.items():
            if place == slot:
                self._own[task_id] = slot, replace(run, since=self._now())
                return

    def picture(self) -> Picture:
        """How it stands now."""
        with self._lock:
            now = self._now()
            counts = self._counts
            before = self._discovery.complete if self._first_done is None else None
            done = counts.done if before is None else before
            pending = counts.pending if before is None else self._discovery.found - before
            self._ended.append((now, done))
            while len(self._ended) > 2 and self._ended[1][0] <= now - WINDOW_S:
                self._ended.popleft()
            then, done_then = self._ended[0]
            rate = (done - done_then) / (now - then) if now - then > 0.5 and before is None else None
            first: dict[int, Running] = {}
            for slot, run in self._own.values():
                first.setdefault(slot, run)
            return Picture(
                found=self._discovery.found,
                asked=self._discovery.asked,
                discovering=not self._discovery.done,
                pending=pending,
                running=counts.running,
                done=done,
                failed=counts.failed,
                now=now,
                elapsed_s=now - self._started,
                rate=rate,
                runs=(*first.values(), *self._elsewhere.values()),
            )
