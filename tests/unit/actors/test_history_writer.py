"""The writer of the history holds nobody up."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from pykka import ActorRef

from actorsched.actors.history_writer import (
    BACKLOG_MAX,
    RETRY_S,
    WRITE_CHUNK,
    Backlog,
    HistoryWriter,
    RunsEnded,
    _WriteTime,
)
from actorsched.actors.messages import Call, CallBatch
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.actors.scheduler import SchedulerActor
from actorsched.config import SchedulerSettings
from actorsched.core.rows import RunRow
from actorsched.errors import StoreError, StoreUnavailableError
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


class KeptHistory(StuckHistory):
    """Writes at once."""

    def add(self, runs: list[RunRow]) -> None:
        self.rows += runs


class BreakingStore(MemoryStore):
    """A commit fails on request, and is written or not."""

    fails = ""

    def commit(self, *args: Any) -> None:
        fails, self.fails = self.fails, ""
        if fails != "before":
            super().commit(*args)
        if fails:
            raise StoreUnavailableError("the connection broke")


class RefusingHistory:
    """Raises what it is told to, in place of writing."""

    url = "refusing"

    def __init__(self) -> None:
        self.error: Exception | None = StoreUnavailableError("the disk is full")
        self.attempts = 0
        self.rows: list[RunRow] = []
        self.written = threading.Event()

    def open(self) -> None: ...

    def close(self) -> None: ...

    def add(self, runs: list[RunRow]) -> None:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        self.rows += runs
        self.written.set()


def runs(first: int, n: int) -> tuple[RunRow, ...]:
    return tuple(
        RunRow(f"T{number}", "F", {}, None, "w", "h", 1.0, 2.0, "DONE") for number in range(first, first + n)
    )


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


@pytest.mark.parametrize("numbered", [True, False], ids=["by who asks again", "by a stock client"])
@pytest.mark.parametrize("fails", ["before", "after"])
@pytest.mark.parametrize("other", [False, True], ids=["alone", "with another in between"])
def test_an_end_in_a_commit_that_failed_is_told_if_it_was_written(
    fails: str, numbered: bool, other: bool
) -> None:
    """A connection may break in the middle of a commit: what was stored is known when the store is read."""
    history: Any = KeptHistory()
    writer = HistoryWriter.start("kept", 0.0, 0, Backlog(), history=history)
    settings = SchedulerSettings(record_task_history=True)
    store = BreakingStore()
    clock = CallableClock(lambda: 100.0)
    runtime = Runtime(clock=clock, ticking=False)
    ref = SchedulerActor.start(settings, runtime=runtime, store=store, history=(writer, Backlog()))

    def ask(seq: int, method: str, **params: Any) -> Any:
        made = Call(method=method, params=params)
        batch = CallBatch(calls=(made,), client="c" if numbered else None, seq=seq)
        [found] = ref.ask(batch, timeout=30)
        return msgspec.json.decode(found) if numbered else found

    ask(1, "add_task", task_id="a", worker="w", family="F")
    run_id = ask(2, "get_work", worker="w")["run_id"]
    end = {"task_id": "a", "worker": "w", "status": "DONE", "run_id": run_id}
    store.fails = fails
    with pytest.raises(StoreUnavailableError):
        ask(3, "add_task", **end)
    if other:
        store.disk.epoch = "of somebody else"
        store.disk.holder = None
    known = call(ref, "task_list")["a"]["status"]
    assert known == ("DONE" if fails == "after" else "RUNNING")
    if fails == "before":
        ask(3, "add_task", **end)
    ref.stop()
    writer.stop()
    expected = [] if fails == "after" and other else [("a", "DONE")]
    assert [(row.task_id, row.outcome) for row in history.rows] == expected


def test_a_worker_that_was_lost_in_a_commit_that_failed_is_told_if_it_was_written() -> None:
    """Nobody has asked for that, so it is the run that tells."""
    for fails in ("before", "after"):
        history: Any = KeptHistory()
        writer = HistoryWriter.start("kept", 0.0, 0, Backlog(), history=history)
        settings = SchedulerSettings(record_task_history=True)
        store = BreakingStore()
        time = [100.0]
        runtime = Runtime(clock=CallableClock(lambda: time[0]), ticking=False)  # noqa: B023  # it is over before
        ref = SchedulerActor.start(settings, runtime=runtime, store=store, history=(writer, Backlog()))
        call(ref, "add_task", task_id="a", worker="w", family="F")
        call(ref, "get_work", worker="w")
        time[0] += 61
        store.fails = fails
        with pytest.raises(StoreUnavailableError):
            call(ref, "prune")
        call(ref, "prune")
        time[0] += 61
        call(ref, "prune")
        ref.stop()
        writer.stop()
        assert [(row.task_id, row.outcome) for row in history.rows] == [("a", "LOST")], fails


def test_runs_wait_for_as_long_as_they_cannot_be_written() -> None:
    """All of them, in their order; there is one attempt at its time, and none for each message."""
    now = 0.0
    history: Any = RefusingHistory()
    backlog = Backlog()
    runtime = Runtime(clock=CallableClock(lambda: now), ticking=False)
    writer = HistoryWriter.start("refusing", 0.0, 0, backlog, runtime, history)
    n = 2 * WRITE_CHUNK
    assert backlog.offer(n + 50)
    writer.ask(RunsEnded(runs(0, n)), timeout=60)
    for number in range(n, n + 50):
        writer.ask(RunsEnded(runs(number, 1)), timeout=60)
    assert history.attempts == 1
    for _ in range(20):
        writer.ask(_WriteTime(), timeout=60)
    assert history.attempts == 21
    assert not backlog.offer(BACKLOG_MAX - n - 49), "those that wait count"
    history.error = None
    now += RETRY_S
    assert backlog.offer(1)
    writer.ask(RunsEnded(runs(n + 50, 1)), timeout=60)  # it looks at the clock after each message
    assert history.written.wait(60)
    writer.stop()
    assert [row.task_id for row in history.rows] == [f"T{number}" for number in range(n + 51)]
    assert backlog.offer(BACKLOG_MAX), "nothing waits any more"


def test_what_can_never_be_written_is_dropped() -> None:
    """It does not keep what comes after it from being written."""
    history: Any = RefusingHistory()
    history.error = StoreError("the history is damaged")
    backlog = Backlog()
    writer = HistoryWriter.start("refusing", 0.0, 0, backlog, Runtime(ticking=False), history)
    assert backlog.offer(WRITE_CHUNK)
    writer.ask(RunsEnded(runs(0, WRITE_CHUNK)), timeout=60)
    assert history.attempts == 1
    assert backlog.offer(BACKLOG_MAX)
    history.error = None
    writer.ask(RunsEnded(runs(WRITE_CHUNK, WRITE_CHUNK)), timeout=60)
    writer.stop()
    assert [row.task_id for row in history.rows] == [f"T{WRITE_CHUNK + n}" for n in range(WRITE_CHUNK)]
