"""The children of a worker that no slot has: spare ones, and those that keep a suspended run.

A run that waits for dynamic requirements keeps its child process, because its generator lives there and
cannot travel; the slot goes on with another child. So a suspended run costs a process and no slot, and
whichever slot gets the task next takes the process over. Only so many are kept: of too many the one
that waits longest is ended, and its run starts from the beginning, as it does when the child died.

Any thread may call; slots share one nursery.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from actorsched.children.launcher import Child, Launcher
from actorsched.errors import ChildLostError

#: idle children kept for slots whose own one keeps a suspended run
SPARE_MAX = 4


class Nursery:
    """Where children come from and are laid aside.

    Args:
        launcher: starts children; is closed with this object.
        suspended_max: so many suspended runs are kept.
        luggage: tells what the program has set up for a child that is prepared (`tasks/luggage.py`).

    Attributes:
        luggage: the same.
    """

    def __init__(
        self, launcher: Launcher, suspended_max: int, luggage: Callable[[], bytes] = lambda: b""
    ) -> None:
        self._launcher = launcher
        self.luggage = luggage
        self._suspended_max = suspended_max
        self._lock = threading.Lock()
        self._suspended: dict[str, Child] = {}  # by task id, the one that waits longest first
        self._spare: list[Child] = []

    def launch(self) -> Child:
        """A new child. Where there is no room for another one, the run that is suspended longest makes room.

        Raises:
            ChildLostError: it could not be started.
        """
        try:
            return self._launcher.launch()
        except ChildLostError:
            with self._lock:
                if not self._suspended:
                    raise
                oldest = self._suspended.pop(next(iter(self._suspended)))
        oldest.close()
        return self._launcher.launch()

    def spare(self) -> Child | None:
        """A child that has done jobs already and is free, if there is one."""
        while True:
            with self._lock:
                if not self._spare:
                    return None
                child = self._spare.pop()
            if not child.has_ended():
                return child
            child.close()

    def lay_aside(self, child: Child) -> None:
        """Take a child that is free."""
        with self._lock:
            if len(self._spare) < SPARE_MAX:
                self._spare.append(child)
                return
        child.close()

    def suspend(self, task_id: str, child: Child) -> None:
        """Keep a child whose last run waits."""
        with self._lock:
            gone = [self._suspended.pop(task_id, None)]
            if self._suspended_max > 0:
                self._suspended[task_id] = child
                if len(self._suspended) > self._suspended_max:
                    gone.append(self._suspended.pop(next(iter(self._suspended))))
            else:
                gone.append(child)
        for each in gone:
            if each is not None:
                each.close()

    def keeps(self, task_id: str) -> bool:
        """Whether a run of this task waits here."""
        return task_id in self._suspended

    def resume(self, task_id: str) -> Child | None:
        """The child that keeps the run of this task, if it lives."""
        if not self._suspended:
            return None
        with self._lock:
            child = self._suspended.pop(task_id, None)
        if child is not None and child.has_ended():
            child.close()
            return None
        return child

    def close(self) -> None:
        with self._lock:
            kept = [*self._suspended.values(), *self._spare]
            self._suspended.clear()
            self._spare.clear()
        for child in kept:
            child.close()
        self._launcher.close()
