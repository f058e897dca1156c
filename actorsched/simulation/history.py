"""The history of runs on a simulated disk: the writer is the one that ships, and only its database is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorsched.actors.history_writer import Backlog, HistoryWriter
from actorsched.core.rows import RunRow
from actorsched.errors import StoreUnavailableError
from actorsched.simulation.disk import SimulatedDisk
from actorsched.simulation.runtime import SimulatedRuntime


class SimulatedHistory:
    """See `store/history.py`; what is added is safe at once."""

    def __init__(self, disk: SimulatedDisk, url: str) -> None:
        self.url = url
        self._disk = disk

    def open(self, *, create: bool = True) -> None:
        """There is nothing to connect to."""

    def close(self) -> None:
        """Nor to leave."""

    def add(self, runs: Iterable[RunRow]) -> None:
        if self._disk.full:
            raise StoreUnavailableError(f"{self.url}: the disk is full")
        self._disk.history += runs

    def prune(self, before: float | None, most: int | None) -> int:
        return 0


class SimulatedHistoryWriter(HistoryWriter):
    """Writes to the disk of the store, in place of a database beside it."""

    def __init__(
        self, url: str, max_age_s: float, max_runs: int, backlog: Backlog, runtime: SimulatedRuntime
    ) -> None:
        disk = runtime.node.disk
        assert disk is not None, "a history is kept where the state is"
        history: Any = SimulatedHistory(disk, url)
        super().__init__(url, max_age_s, max_runs, backlog, runtime, history)
