"""The writer of the history: beside the scheduler, so that nobody waits for it.

Accepts
    RunsEnded       tell: these runs have ended
    _WriteTime      from its own inbox: write what was collected, or could not be written before
    _PruneTime      from its own inbox: it may be time to delete what is too old
On stop
    what waits is written first, if it can be.
On crash
    what cannot be written now (a full disk, a database that is away) waits, and is tried again until it can
    be. What can never be written (the history is damaged) is dropped, with a line in the log. The scheduler
    goes on in either case.

The queue is bounded: a scheduler looks at `backlog` and tells nothing more to a writer that is too far
behind. What was told and not yet written is lost with the process; the state never is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from actorsched.actors.base import Actor, log
from actorsched.actors.runtime import Runtime
from actorsched.core.rows import RunRow
from actorsched.errors import StoreError, UnavailableError

if TYPE_CHECKING:
    from actorsched.store.history import History

#: runs that may wait to be written
BACKLOG_MAX = 50_000
#: runs that are written in one transaction
WRITE_CHUNK = 1_000
#: seconds that runs are collected before they are written: a transaction for each would cost the process
#: that the scheduler lives in more than the scheduler itself
COLLECT_S = 0.5
#: seconds between two looks at what is too old
PRUNE_S = 60.0
#: seconds between two attempts to write what could not be written
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class RunsEnded:
    runs: tuple[RunRow, ...]


class _WriteTime:
    pass


class _PruneTime:
    pass


class Backlog:
    """How many runs wait; shared by those who tell and the one who writes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._dropped = 0

    def offer(self, n: int) -> bool:
        """Whether n more may be told now; they count as waiting then."""
        with self._lock:
            if self._waiting + n > BACKLOG_MAX:
                self._dropped += n
                return False
            self._waiting += n
            return True

    def done(self, n: int) -> int:
        """So many do not wait any more; how many were dropped since this was called last."""
        with self._lock:
            self._waiting -= n
            dropped, self._dropped = self._dropped, 0
            return dropped


class HistoryWriter(Actor):
    """Owns a connection to the history.

    Args:
        url: of the store that the history belongs to.
        max_age_s: runs that ended longer ago are deleted; 0: none is.
        max_runs: so many stay; 0: all.
        backlog: shared with the scheduler.
        runtime: clock.
        history: in place of that of the url.
    """

    def __init__(
        self,
        url: str,
        max_age_s: float,
        max_runs: int,
        backlog: Backlog,
        runtime: Runtime | None = None,
        history: History | None = None,
    ) -> None:
        super().__init__(runtime)
        if history is None:  # loaded only where there is one
            from actorsched.store.history import History

            history = History(url)
        self._history = history
        self._open = False
        self._collected: list[RunRow] = []
        self._writing_soon = False
        #: the last attempt to write failed, and the next one has its time
        self._waiting = False
        self._max_age_s = max_age_s
        self._max_runs = max_runs
        self._backlog = backlog

    def on_start(self) -> None:
        if self._runtime.ticking:
            self.actor_inbox.after(PRUNE_S, _PruneTime())

    def handle(self, message: object) -> Any:
        match message:
            case RunsEnded(runs=runs):
                self._collect(runs)
            case _WriteTime():
                self._writing_soon = False
                self._write()
            case _PruneTime():
                self._prune()
                self.actor_inbox.after(PRUNE_S, message)
            case _:
                self.refuse(message)
        return None

    def on_stop(self) -> None:
        for message in self.actor_inbox.take(RunsEnded):
            self._collected += message.runs
        self._write()
        if self._collected:
            log.error("runs are missing from the history", missing=len(self._collected))
        self._history.close()

    def _collect(self, runs: tuple[RunRow, ...]) -> None:
        self._collected += runs
        if len(self._collected) >= WRITE_CHUNK and not self._waiting:
            self._write()
        else:
            self._write_in(COLLECT_S)

    def _write_in(self, delay_s: float) -> None:
        if not self._writing_soon:
            self._writing_soon = True
            self.actor_inbox.after(delay_s, _WriteTime())

    def _write(self) -> None:
        while self._collected:
            chunk = self._collected[:WRITE_CHUNK]
            if not self._has_written(chunk):
                self._write_in(RETRY_S)
                return
            del self._collected[: len(chunk)]
            dropped = self._backlog.done(len(chunk))
            if dropped:
                log.warning("the history is behind and has gaps", url=self._history.url, missing=dropped)

    def _has_written(self, runs: list[RunRow]) -> bool:
        """Write runs; false if they have to wait."""
        try:
            self._opened().add(runs)
        except UnavailableError as error:
            if not self._waiting:
                log.warning("the history cannot be written, and its runs wait", cause=str(error))
            self._waiting = True
            return False
        except Exception as error:
            cause = str(error) if isinstance(error, StoreError) else repr(error)
            log.error("runs are missing from the history", missing=len(runs), cause=cause)
        if self._waiting:
            log.info("the history can be written again", url=self._history.url)
            self._waiting = False
        return True

    def _prune(self) -> None:
        before = self._runtime.clock.wall() - self._max_age_s if self._max_age_s else None
        try:
            while self._opened().prune(before, self._max_runs or None) and not self._waits():
                pass
        except (StoreError, UnavailableError) as error:
            log.warning("the history cannot be pruned", cause=str(error))

    def _waits(self) -> bool:
        return self.actor_inbox.holds(RunsEnded)

    def _opened(self) -> History:
        if not self._open:
            self._history.open()
            self._open = True
        return self._history
