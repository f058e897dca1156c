"""Shutdown, as far as it is the worker's: what is given back, when, and what is still told."""

from __future__ import annotations

import pytest

from actorsched.actors.deadlines import DrainOver, WaitedEnough
from actorsched.actors.messages import (
    CancelRun,
    Exchange,
    ExchangeEnded,
    KeepAlive,
    ReadLedger,
    RunJob,
    StopKeepAlive,
    StopWork,
)
from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.errors import SchedulerUnreachableError
from actorsched.facade.result import result_of
from tests.unit.actors.worker_harness import Harness, Leaf, Promise, methods


def stopped(drain_s: float | None = 0, **more: object) -> tuple[Harness, Leaf]:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.slots[0].take(RunJob)
    harness.worker.handle(StopWork(drain_s=drain_s, **more))  # type: ignore[arg-type]
    return harness, leaf


def test_what_is_ended_by_a_stop_goes_back_to_the_scheduler_and_has_not_failed() -> None:
    harness, leaf = stopped()
    [cancel] = harness.slots[0].take(CancelRun)
    harness.end(0, cancel.run_id, status="FAILED", cause="SIGTERM")
    exchange = harness.exchange()
    assert methods(exchange) == ["add_task"]
    params = exchange.calls[0].params
    assert (params["status"], params["run_id"]) == ("PENDING", cancel.run_id)
    harness.answer(exchange, harness.grant())
    assert harness.ended.answers == [None]
    entry = harness.worker.handle(ReadLedger()).entries[leaf.task_id]
    assert (entry.fate, entry.failures, entry.cause) == ("not_run", 0, "the worker was stopped")


def summary(harness: Harness) -> str:
    entries = harness.worker.handle(ReadLedger()).entries
    return result_of(entries, complete=False, elapsed_s=0.0).summary_text


def test_the_summary_says_why_something_was_given_back() -> None:
    """And of what was not begun, that its turn did not come."""
    harness = Harness(slots=1)
    harness.run(Leaf(1), Leaf(2))
    harness.worker.handle(StopWork(drain_s=0))
    [cancel] = harness.slots[0].take(CancelRun)
    harness.end(0, cancel.run_id, status="FAILED", cause="SIGTERM")
    text = summary(harness)
    assert text.startswith("NOT_RUN: ")
    assert "Leaf(n=1): the worker was stopped\n" in text
    assert "Leaf(n=2): it did not come to its turn before the run ended" in text


def test_the_summary_says_that_the_scheduler_was_lost() -> None:
    harness = Harness(slots=1)
    harness.run(Leaf(1))
    harness.register(Leaf(2))
    lost = SchedulerUnreachableError("no answer from tcp://there within 120 s")
    harness.worker.handle(ExchangeEnded(tag=harness.exchange().tag, error=lost))
    [cancel] = harness.slots[0].take(CancelRun)
    harness.end(0, cancel.run_id, status="FAILED", cause="SIGTERM")
    told = "Leaf(n=1): the scheduler is lost: no answer from tcp://there within 120 s"
    assert told in summary(harness)


def test_what_is_done_within_the_grace_is_done() -> None:
    harness, _ = stopped()
    [cancel] = harness.slots[0].take(CancelRun)
    harness.end(0, cancel.run_id, status="DONE")
    assert harness.exchange().calls[0].params["status"] == "DONE"


def test_what_runs_may_go_on_until_the_deadline() -> None:
    harness, _ = stopped(drain_s=30)
    assert harness.slots[0].take(CancelRun) == []
    [over] = [message for message in harness.timers() if isinstance(message, DrainOver)]
    harness.worker.handle(over)
    assert len(harness.slots[0].take(CancelRun)) == 1


def test_phasing_out_waits_without_a_deadline_and_asks_for_nothing() -> None:
    harness, leaf = stopped(drain_s=None)
    assert harness.timers() == []
    assert harness.slots[0].take(CancelRun) == []
    harness.end(0, f"run-{leaf.task_id}")
    assert methods(harness.exchange()) == ["add_task"]


def test_a_second_stop_leaves_no_grace() -> None:
    harness, _ = stopped(drain_s=30)
    harness.worker.handle(StopWork(drain_s=0, at_once=True))
    [cancel] = harness.slots[0].take(CancelRun)
    assert cancel.at_once


def test_an_end_at_once_waits_for_no_scheduler() -> None:
    harness, leaf = stopped(at_once=True)
    harness.end(0, f"run-{leaf.task_id}", status="FAILED")
    [enough] = harness.timers()
    assert harness.ended.answers == [], "the scheduler has not heard of it yet"
    harness.worker.handle(enough)
    assert harness.ended.answers == [None]
    assert harness.worker.handle(ReadLedger()).abandoned
    quiet = Promise()
    harness.worker.handle(StopWork(drain_s=0, quiet=quiet, leaving=True))
    assert quiet.answers == [None], "who closes the worker does not wait either"


def test_the_deadline_counts_for_a_scheduler_that_is_away_too() -> None:
    """What ran has ended; nobody can be told. A new run of the worker has nothing to do with that."""
    harness, leaf = stopped(drain_s=30)
    harness.end(0, f"run-{leaf.task_id}")
    harness.exchange()
    [enough] = [message for message in harness.timers() if isinstance(message, WaitedEnough)]
    [drain] = [message for message in harness.timers() if isinstance(message, DrainOver)]
    harness.worker.handle(drain)
    assert harness.ended.answers == []
    harness.worker.handle(enough)
    assert harness.ended.answers == [None]
    harness.start()
    assert not harness.worker.handle(ReadLedger()).abandoned
    harness.worker.handle(enough)
    assert harness.ended.answers == [None]


def test_work_that_arrives_after_the_stop_is_given_back_unbegun() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    question = harness.exchange()
    harness.worker.handle(StopWork(drain_s=30))
    harness.answer(question, harness.grant(leaf.task_id))
    assert harness.slots[0].take(RunJob) == []
    params = harness.exchange().calls[0].params
    assert (params["task_id"], params["status"], params["run_id"]) == (
        leaf.task_id,
        "PENDING",
        f"run-{leaf.task_id}",
    )


def test_who_waits_for_quiet_hears_when_the_scheduler_knows() -> None:
    quiet = Promise()
    harness, leaf = stopped(quiet=quiet)
    harness.end(0, f"run-{leaf.task_id}", status="FAILED")
    assert quiet.answers == []
    harness.answer(harness.exchange(), harness.grant())
    assert quiet.answers == [None]


def test_who_waits_for_quiet_does_not_wait_for_a_lost_scheduler() -> None:
    harness = Harness(slots=1)
    harness.start()
    exchange = harness.exchange()
    harness.worker.handle(ExchangeEnded(tag=exchange.tag, error=SchedulerUnreachableError("gone")))
    quiet = Promise()
    harness.worker.handle(StopWork(drain_s=0, quiet=quiet))
    assert quiet.answers == [None]


def test_a_worker_that_is_stopped_in_the_middle_gives_back_what_it_has() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.worker.on_stop()
    [exchange] = harness.scheduler.take(Exchange)
    params = exchange.calls[0].params
    assert (params["task_id"], params["status"]) == (leaf.task_id, "PENDING")
    assert len(harness.scheduler.take(StopKeepAlive)) == 1
    assert len(harness.ended.answers) == 1


def leaving(answer: dict[str, object]) -> tuple[Harness, Leaf, Promise]:
    """A worker that is closed while it runs something, of a scheduler that answers so."""
    harness = Harness(slots=1)
    leaf, quiet = Leaf(1), Promise()
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), lambda method, params: answer)
    harness.worker.handle(StopWork(drain_s=0, quiet=quiet, leaving=True))
    return harness, leaf, quiet


def granting(leaf: Leaf, **more: object) -> dict[str, object]:
    grant = {"task_id": leaf.task_id, "task_family": "Leaf", "task_module": __name__, "run_id": "r1"}
    return {"tasks": [{**grant, "task_params": {"n": "1"}}], "running_tasks": [], "n_can_run": 1, **more}


def test_a_worker_that_is_closed_says_goodbye_when_all_is_told() -> None:
    """No ping may come after it, which would make the worker known again."""
    harness, _, quiet = leaving(granting(Leaf(1), known=True))
    assert not harness.scheduler.take(Exchange), "its run is not over"
    harness.end(0, "r1", status="FAILED", cause="SIGTERM")
    report = harness.exchange()
    assert methods(report) == ["add_task"]
    harness.scheduler.told.clear()
    harness.answer(report, harness.grant())
    [silence, goodbye] = harness.scheduler.told
    assert isinstance(silence, StopKeepAlive)
    assert methods(goodbye) == ["remove_worker"]
    assert goodbye.calls[0].params == {"worker": "w", "incarnation": harness.worker._incarnation}
    assert quiet.answers == []
    harness.scheduler.told.clear()
    harness.answer(goodbye, harness.grant())
    assert quiet.answers == [None]
    harness.worker.on_stop()
    assert not harness.scheduler.take(Exchange)


def test_who_is_used_again_after_a_goodbye_registers_again() -> None:
    """A program may go on after Ctrl-C; to the scheduler, the worker is one that it has forgotten."""
    harness, leaf, _ = leaving(granting(Leaf(1), known=True))
    harness.end(0, "r1", status="FAILED", cause="SIGTERM")
    harness.answer(harness.exchange(), harness.grant())
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.scheduler.take(KeepAlive)
    harness.answer(harness.exchange(), lambda method, params: {"tasks": [], "known": False, "n_can_run": 0})
    again = harness.exchange()
    assert methods(again)[:2] == ["add_worker", "add_task"]
    assert again.calls[1].params["task_id"] == leaf.task_id


def test_luigis_scheduler_would_not_understand_it() -> None:
    harness, _, quiet = leaving(granting(Leaf(1)))
    harness.end(0, "r1", status="FAILED", cause="SIGTERM")
    harness.answer(harness.exchange(), harness.grant())
    assert quiet.answers == [None]
    assert not harness.scheduler.take(Exchange)


def test_nobody_waits_long_for_a_goodbye() -> None:
    """A scheduler may have gone first."""
    harness, _, quiet = leaving(granting(Leaf(1), known=True))
    harness.end(0, "r1", status="FAILED", cause="SIGTERM")
    harness.answer(harness.exchange(), harness.grant())
    assert methods(harness.exchange()) == ["remove_worker"]
    late, _deadline = (message for message in harness.timers() if isinstance(message, WaitedEnough))
    harness.worker.handle(late)
    assert quiet.answers == [None]


def test_a_stop_is_for_one_run() -> None:
    harness, leaf = stopped()
    harness.end(0, f"run-{leaf.task_id}", status="FAILED")
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    assert methods(harness.exchange()) == ["get_work"]


@pytest.mark.parametrize("run_id_is", ["right", "wrong"])
def test_only_the_run_itself_can_be_given_back(run_id_is: str) -> None:
    """For the scheduler: PENDING ends a run when its id says that it is meant, and only then."""
    machine = SchedulerMachine(SchedulerSettings(), epoch="e")
    now = Instant(0.0, 0.0)
    machine.add_task(now, worker="w", task_id="t")
    run_id = machine.get_work(now, worker="w")["run_id"]
    machine.add_task(now, worker="w", task_id="t", status="PENDING")
    assert machine.tasks["t"].status == "RUNNING"
    wrong = run_id_is == "wrong"
    machine.add_task(now, worker="w", task_id="t", status="PENDING", run_id="x" if wrong else run_id)
    assert machine.tasks["t"].status == ("RUNNING" if wrong else "PENDING")
    assert machine.get_work(now, worker="v", assistant=True)["task_id"] == (None if wrong else "t")
