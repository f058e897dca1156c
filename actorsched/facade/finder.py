"""From the tasks that a user adds to all that they need, registered: in chunks, with progress."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pykka import ActorRef

from actorsched.actors.messages import Register
from actorsched.actors.runtime import Runtime
from actorsched.actors.worker import WorkerActor
from actorsched.config import WorkerSettings
from actorsched.facade.events import Discovery, Event
from actorsched.tasks.completeness import Completeness, CompletionCache, is_complete
from actorsched.tasks.discovery import Discovered, discover

#: tasks that are registered in one message
CHUNK = 500
#: what was found is registered, and what was asked is shown, after so long, however little it is
INTERVAL_S = 0.5
#: threads that ask tasks in parallel; they wait for others, so there may be more than processors
THREADS = 16
#: new objects between two looks for garbage while tasks are found (Python: 700 to 2,000)
COLLECT_AFTER = 50_000


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage less often: tasks and records stay, and looking through them again and again took a
    third of the time."""
    before = gc.get_threshold()
    if not 0 < before[0] < COLLECT_AFTER:
        yield  # switched off, or somebody has thought of it
        return
    gc.set_threshold(COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Finder:
    """Discovers tasks for one worker and registers them; what it has seen it looks at again only after a run.

    Args:
        ref: the worker, who registers.
        observer: called with `Discovery` in the thread that adds; must be quick.
    """

    def __init__(
        self,
        ref: ActorRef[WorkerActor],
        settings: WorkerSettings,
        runtime: Runtime,
        observer: Callable[[Event], None] | None,
    ) -> None:
        self._ref = ref
        self._settings = settings
        self._runtime = runtime
        self._observer = observer
        self._now = runtime.clock.monotonic
        self._completeness: Completeness = (
            CompletionCache() if settings.cache_task_completion else is_complete
        )
        self._seen: set[str] = set()
        self._asked = 0
        self._complete = 0
        self._told_at = self._now()

    def add(self, wanted: Iterable[Any], threads: int) -> bool:
        """Find and register; returns once the scheduler knows all of it.

        Args:
            threads: how many tasks are asked at the same time; 0: one after the other.

        Returns:
            True when everything could be scheduled or was complete.
        """
        with _rare_collections():
            return self._add(wanted, threads)

    def _add(self, wanted: Iterable[Any], threads: int) -> bool:
        scheduled = True
        chunk: list[Discovered] = []
        pending = None  # at most one chunk is under way, so that memory stays bounded
        due = self._now() + INTERVAL_S
        for found in discover(
            wanted,
            settings=self._settings,
            seen=self._seen,
            completeness=self._completeness,
            threads=threads,
            limit=self._settings.task_limit,
            asked=self._note_asked,
        ):
            scheduled &= found.kind != "failed"
            self._complete += found.kind == "complete"
            chunk.append(found)
            if len(chunk) == CHUNK or self._now() >= due:
                pending = self._register(chunk, pending)
                chunk = []
                due = self._now() + INTERVAL_S
        self._register(chunk, pending).get()
        self._tell(done=True)
        return scheduled

    def forget(self) -> None:
        """Look at everything anew from now on: runs have changed what is complete."""
        self._seen.clear()
        self._asked = self._complete = 0

    def threads(self, multiprocess: bool, processes: int) -> int:
        """How many threads somebody has asked for, here or in the settings."""
        if not (multiprocess or self._settings.parallel_scheduling):
            return 0
        return processes or self._settings.parallel_scheduling_processes or THREADS

    def _register(self, chunk: list[Discovered], before: Any) -> Any:
        if before is not None:
            before.get()
        acknowledged = self._runtime.make_future()
        self._ref.tell(Register(found=tuple(chunk), acknowledged=acknowledged))
        self._tell(done=False)
        return acknowledged

    def _note_asked(self) -> None:
        self._asked += 1
        if self._observer is not None and self._now() >= self._told_at + INTERVAL_S:
            self._tell(done=False)

    def _tell(self, *, done: bool) -> None:
        self._told_at = self._now()
        if self._observer is not None:
            # parts of a wrapper may be asked before they are found in their turn
            found = max(len(self._seen), self._asked)
            self._observer(Discovery(found=found, complete=self._complete, done=done, asked=self._asked))
