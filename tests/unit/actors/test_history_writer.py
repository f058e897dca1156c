"""The writer of the history holds nobody up."""

from __future__ import annotations

import threading
from typing import Any

from pykka import ActorRef

from actorsched.actors.history_writer import BACKLOG_MAX, Backlog, HistoryWriter
from actorsched.actors.messages import Call
from actorsched.actors.scheduler import SchedulerActor
from actorsched.config import SchedulerSettings
from actorsched.core.rows import RunRow
from actorsched.store.memory import MemoryStore


class StuckHistory:
    """Writes nothing until it is let go."""

    url = "stuck"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Event()
        self.rows: list[RunRow] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def add(self, runs: list[RunRow]) -> None:
        self.entered.set()
        assert self.go.wait(60)
        self.rows += runs


def call(ref: ActorRef[Any], method: str, **params: Any) -> Any:
    return ref.ask(Call(method=method, params=params), timeout=30)


def test_a_writer_that_stalls_delays_no_grant_and_loses_no_run_that_fits_the_queue() -> None:
    """The scheduler tells it and goes on."""
    history: Any = StuckHistory()
    backlog = Backlog()
    writer = HistoryWriter.start("stuck", 0.0, 0, backlog, history=history)
    settings = SchedulerSettings(record_task_history=True)
    scheduler = SchedulerActor.start(settings, store=MemoryStore(), history=(writer, backlog))
    for number in range(200):
        call(scheduler, "add_task", task_id=f"T{number}", worker="w", family="F")
        work = call(scheduler, "get_work", worker="w")
        assert work["task_id"] == f"T{number}"
        call(scheduler, "add_task", task_id=work["task_id"], worker="w", status="DONE", run_id=work["run_id"])
    assert history.entered.wait(60)
    assert history.rows == []
    history.go.set()
    scheduler.stop()
    writer.stop()
    assert [row.task_id for row in history.rows] == [f"T{number}" for number in range(200)]


def test_the_queue_is_bounded_and_tells_what_is_missing() -> None:
    """A writer that never comes back costs history, and no memory."""
    backlog = Backlog()
    assert backlog.offer(BACKLOG_MAX)
    assert not backlog.offer(3)
    assert backlog.done(10) == 3
    assert backlog.offer(10)
    assert backlog.done(0) == 0
