"""The worker's side of the protocol, driven message by message in this thread."""

from __future__ import annotations

import json
import threading

import pytest

from actorsched.actors.duties import ERROR_MAX
from actorsched.actors.messages import (
    CancelRun,
    Exchange,
    ExchangeEnded,
    Heard,
    KeepAlive,
    ReadLedger,
    Register,
    RunJob,
    StopWork,
)
from actorsched.errors import SchedulerUnreachableError
from tests.unit.actors.worker_harness import Harness, Leaf, methods


def test_a_worker_introduces_itself_before_it_registers_anything() -> None:
    harness = Harness()
    promise = harness.register(Leaf(1), Leaf(2))
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker", "add_task", "add_task"]
    assert promise.answers == []
    harness.answer(exchange, harness.grant())
    assert promise.answers == [None]


def test_it_asks_for_as_many_tasks_as_it_has_free_slots() -> None:
    harness = Harness(slots=3)
    harness.start()
    question = harness.exchange().calls[-1]
    assert question.method == "get_work"
    assert question.params["max_tasks"] == 3
    assert question.params["current_tasks"] == []


def test_a_report_and_the_next_question_travel_together() -> None:
    """One round trip a task is the price of a chain over the network."""
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(leaf.task_id))
    [job] = harness.slots[0].take(RunJob)
    harness.end(0, job.job.run_id)
    exchange = harness.exchange()
    assert methods(exchange) == ["add_task", "get_work"]
    assert exchange.calls[0].params["status"] == "DONE"
    assert exchange.calls[0].params["run_id"] == f"run-{leaf.task_id}"


def test_a_report_says_how_long_its_run_took() -> None:
    """It may reach the scheduler much later; and the run may have waited for its slot."""
    harness = Harness(slots=2)
    told, lost = Leaf(1), Leaf(2)
    harness.run(told, lost)
    harness.time += 7.0
    harness.end(0, f"run-{told.task_id}", elapsed_s=5.0004)
    [report, _] = harness.exchange().calls
    assert (report.params["took_s"], report.params["held_s"]) == (5.0, 7.0)


def test_a_run_whose_child_could_not_tell_took_an_unknown_time() -> None:
    """But when it ended is known."""
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.time += 7.0
    harness.end(0, f"run-{leaf.task_id}", "FAILED", cause="killed by signal 9")
    report = harness.exchange().calls[0]
    assert report.params["held_s"] == 7.0
    assert "took_s" not in report.params


def test_a_scheduler_without_ids_of_runs_is_not_told_how_long_a_run_took() -> None:
    """It knows no such argument."""
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), lambda method, params: {"task_id": leaf.task_id, "n_pending_tasks": 1})
    [job] = harness.slots[0].take(RunJob)
    harness.end(0, job.job.run_id, elapsed_s=1.0)
    report = harness.exchange().calls[0]
    assert report.params["status"] == "DONE"
    assert not {"took_s", "held_s", "run_id"} & set(report.params)


def test_only_one_exchange_is_under_way_and_what_comes_up_goes_with_the_next() -> None:
    harness = Harness(slots=2)
    first, second = Leaf(1), Leaf(2)
    harness.register(first, second)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(first.task_id, second.task_id))
    harness.end(0, f"run-{first.task_id}")
    under_way = harness.exchange()
    harness.end(1, f"run-{second.task_id}")
    assert harness.scheduler.take(Exchange) == []
    harness.answer(under_way, harness.grant())
    assert methods(harness.exchange()) == ["add_task", "get_work"]


def test_a_run_ends_when_nothing_can_be_done_any_more() -> None:
    harness = Harness()
    harness.start()
    harness.answer(harness.exchange(), harness.grant(n_can_run=1))
    assert harness.ended.answers == [], "somebody else may still finish one of our tasks"
    [timer] = [timer for _, _, timer in harness.worker.actor_inbox._timers]
    harness.worker.handle(timer.message)
    harness.answer(harness.exchange(), harness.grant(n_can_run=0))
    assert harness.ended.answers == [None]


def test_keep_alive_waits_for_failed_tasks_too() -> None:
    harness = Harness(keep_alive=True)
    harness.start()
    harness.answer(harness.exchange(), harness.grant(n_can_run=0, n_pending_tasks=1))
    assert harness.ended.answers == []


def test_a_node_that_serves_others_waits_until_it_is_told_to_stop() -> None:
    harness = Harness(forever=True)
    harness.start()
    harness.answer(harness.exchange(), harness.grant(n_can_run=0))
    assert harness.ended.answers == []
    harness.worker.handle(StopWork(drain_s=1))
    assert harness.ended.answers == [None]


def test_a_stop_lets_runs_end_and_reports_them() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(leaf.task_id))
    harness.worker.handle(StopWork(drain_s=30))
    assert harness.ended.answers == []
    harness.end(0, f"run-{leaf.task_id}")
    exchange = harness.exchange()
    assert methods(exchange) == ["add_task"]
    harness.answer(exchange, harness.grant())
    assert harness.ended.answers == [None]


def test_a_scheduler_without_memory_is_told_everything_that_is_owed() -> None:
    """What runs is registered as running under its run id, so that nobody runs it a second time."""
    harness = Harness(slots=1)
    running, waiting = Leaf(1), Leaf(2)
    harness.register(running, waiting)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(running.task_id))
    harness.worker.handle(Heard(worker="w", known=False))
    calls = harness.exchange().calls
    assert calls[0].method == "add_worker"
    told = [(call.params["task_id"], call.params["status"]) for call in calls[1:]]
    assert told == [(running.task_id, "RUNNING"), (waiting.task_id, "PENDING")]
    assert calls[1].params["run_id"] == f"run-{running.task_id}"


def test_a_lost_scheduler_ends_what_runs_and_is_told_to_the_user() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(leaf.task_id))
    harness.end(0, "run-nobody-knows")
    harness.worker.handle(Register(found=(), acknowledged=None))
    promise = harness.register(Leaf(3))
    exchange = harness.exchange()
    lost = SchedulerUnreachableError("gone")
    harness.worker.handle(ExchangeEnded(tag=exchange.tag, error=lost))
    assert promise.answers == [lost]
    assert harness.ended.answers == [lost]
    assert [type(message) for message in harness.slots[0].told] == [RunJob, CancelRun]


def test_a_task_that_cannot_travel_fails_alone() -> None:
    harness = Harness(slots=2)
    good, bad = Leaf(1), Leaf(2)
    bad.lock = threading.Lock()  # type: ignore[attr-defined]
    harness.register(good, bad)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(bad.task_id, good.task_id))
    [job] = harness.slots[0].take(RunJob)
    assert job.job.task_id == good.task_id
    report = harness.exchange().calls[0].params
    assert report["task_id"] == bad.task_id
    assert report["status"] == "FAILED"
    assert "cannot be sent to a child process" in report["expl"]


def test_an_error_that_is_too_long_is_told_in_part() -> None:
    """One that fits into no frame could not be reported, and its task would be run again for ever."""
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.end(0, f"run-{leaf.task_id}", "FAILED", error="begins" + "x" * ERROR_MAX + "ends")
    told = json.loads(harness.exchange().calls[0].params["expl"])
    assert told.startswith("beginsx")
    assert told.endswith("xends")
    assert "10 characters are left out" in told
    assert len(told) < ERROR_MAX + 100


def test_the_scheduler_can_change_the_number_of_slots() -> None:
    harness = Harness(slots=1)
    message = {"name": "set_worker_processes", "kwargs": {"n": 3}}
    harness.worker.handle(Heard(worker="w", rpc_messages=(message,)))
    assert sorted(harness.slots) == [0, 1, 2]
    message = {"name": "set_worker_processes", "kwargs": {"n": 1}}
    harness.worker.handle(Heard(worker="w", rpc_messages=(message,)))
    assert harness.slots[2].told == ["stop"]
    assert harness.slots[0].told == []


def test_the_heartbeat_begins_with_the_first_exchange() -> None:
    harness = Harness()
    assert harness.scheduler.take(KeepAlive) == []
    harness.start()
    [keep_alive] = harness.scheduler.take(KeepAlive)
    assert keep_alive.worker == "w"
    assert keep_alive.interval_s == 1.0


@pytest.mark.parametrize("status", ["DONE", "FAILED"])
def test_the_ledger_tells_how_a_run_ended(status: str) -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(leaf.task_id))
    harness.end(0, f"run-{leaf.task_id}", status=status, cause="because", error="because of this")
    entry = harness.worker.handle(ReadLedger()).entries[leaf.task_id]
    assert entry.fate == ("ran" if status == "DONE" else "failed")
    assert entry.failures == (status == "FAILED")
