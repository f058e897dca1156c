"""A worker with short runs asks for several at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from actorsched.actors.messages import CancelRun, Exchange, RunJob, SlotReturned
from actorsched.actors.pace import HELD_MAX
from tests.unit.actors.worker_harness import Harness, Leaf, methods


def ask(harness: Harness) -> dict[str, Any]:
    """The question at the end of the exchange that is under way."""
    exchange = harness.exchange()
    assert methods(exchange)[-1] == "get_work"
    harness.answer(exchange, harness.grant())
    return dict(exchange.calls[-1].params)


def short_runs(harness: Harness, n: int) -> None:
    """Grant and end runs one after the other that take no time."""
    for i in range(n):
        harness.answer(harness.exchange(), harness.grant(f"short-{i}"))
        harness.end(0, f"run-short-{i}")


def advance(harness: Harness, after: Mapping[str, str], *task_ids: str) -> None:
    """Grant these tasks; some of them in advance: task → run that it is to follow."""
    plain = harness.grant(*task_ids)

    def answer(method: str, params: Any) -> Any:
        reply = plain(method, params)
        for grant in reply["tasks"] if reply else ():
            if grant["task_id"] in after:
                grant["after"] = after[grant["task_id"]]
        return reply

    harness.answer(harness.exchange(), answer)


def reports(harness: Harness) -> list[tuple[str, str]]:
    """Task and status of each report of the exchange that is under way."""
    exchange = harness.exchange()
    harness.answer(exchange, lambda method, params: None)
    return [
        (call.params["task_id"], call.params["status"]) for call in exchange.calls if "status" in call.params
    ]


def hasty(slots: int = 2) -> Harness:
    """A worker whose runs were short so far."""
    harness = Harness(slots=slots)
    harness.start()
    short_runs(harness, 30)
    return harness


def test_after_short_runs_slots_hold_some_that_wait() -> None:
    """One question for each run would cost more than the run."""
    harness = Harness(slots=2)
    harness.start()
    short_runs(harness, 30)
    assert ask(harness)["max_tasks"] > 2


def test_runs_are_spread_over_the_slots() -> None:
    """The least busy slot is next."""
    harness = Harness(slots=2)
    harness.start()
    short_runs(harness, 30)
    for slot in harness.slots.values():
        slot.take(RunJob)
    harness.answer(harness.exchange(), harness.grant("A", "B", "C", "D"))
    assert [len(slot.take(RunJob)) for slot in harness.slots.values()] == [2, 2]


def test_inline_nothing_waits_in_a_slot() -> None:
    """There is one thread for all of it, and what it will do next nobody could take back."""
    harness = Harness(slots=1, execution="inline")
    harness.start()
    short_runs(harness, 30)
    assert "max_tasks" not in ask(harness)


def test_a_scheduler_without_run_ids_is_asked_for_one_run_for_each_free_slot() -> None:
    """Luigi's has no word for giving a run back that did not fail."""
    harness = Harness(slots=1)
    harness.start()
    for i in range(30):
        task_id = f"short-{i}"
        harness.answer(
            harness.exchange(),
            lambda method, params, task_id=task_id: (
                {"task_id": task_id, "n_pending_tasks": 9, "running_tasks": [{}]}
                if method == "get_work"
                else None
            ),
        )
        harness.end(0, f"own-{i + 1}")
    assert "max_tasks" not in ask(harness)


def test_a_scheduler_that_hands_out_one_at_a_time_is_asked_until_the_slots_are_full() -> None:
    """The second slot stood idle for the time between two questions while there was work for it."""

    def one(task_id: str | None) -> Any:
        reply = {"task_id": task_id, "n_pending_tasks": 9, "running_tasks": []}
        return lambda method, params: reply if method == "get_work" else None

    harness = Harness(slots=3)
    harness.start()
    harness.answer(harness.exchange(), one("A"))
    harness.answer(harness.exchange(), one("B"))
    harness.answer(harness.exchange(), one(None))
    assert harness.scheduler.take(Exchange) == [], "there was nothing more"
    harness.end(0, "own-1")
    harness.answer(harness.exchange(), one("C"))
    harness.answer(harness.exchange(), one("D"))
    assert harness.scheduler.take(Exchange) == [], "no slot is free"


def test_what_a_slot_returns_is_given_back_and_not_asked_for_again() -> None:
    """Another worker may have a slot for it; here it would come to wait behind the same long run."""
    harness = Harness(slots=1)
    harness.start()
    short_runs(harness, 30)
    harness.answer(harness.exchange(), harness.grant("A", "B"))
    harness.worker.handle(SlotReturned(slot=0, run_id="run-B", why="a run before it takes long"))
    exchange = harness.exchange()
    assert [call.method for call in exchange.calls] == ["add_task"]
    report = exchange.calls[0].params
    assert (report["task_id"], report["status"], report["run_id"]) == ("B", "PENDING", "run-B")
    harness.answer(exchange, lambda method, params: None)
    harness.end(0, "run-A")
    question = harness.exchange().calls[-1]
    assert (question.method, question.params["current_tasks"]) == ("get_work", [])


def test_a_waiting_run_can_be_cancelled_like_any_other() -> None:
    """The slot knows whether it has begun."""
    harness = Harness(slots=1)
    harness.start()
    short_runs(harness, 30)
    harness.answer(harness.exchange(), harness.grant("A", "B"))
    cancel = {"name": "cancel_task", "kwargs": {"task_id": "B", "run_id": "run-B"}}
    harness.worker._heard((cancel,), True)
    assert [cancel.run_id for cancel in harness.slots[0].take(CancelRun)] == ["run-B"]


def test_a_cancellation_that_comes_late_leaves_the_next_run_alone() -> None:
    """It was about a run that is over; whoever has registered the task since wants this one."""
    harness = Harness(slots=1)
    harness.start()
    harness.answer(harness.exchange(), harness.grant("A"))
    cancel = {"name": "cancel_task", "kwargs": {"task_id": "A", "run_id": "the run before"}}
    harness.worker._heard((cancel,), True)
    assert harness.slots[0].take(CancelRun) == []


def test_fewer_slots_than_before_take_nothing_new() -> None:
    """A slot that is to go ends what it holds."""
    harness = Harness(slots=2)
    harness.start()
    short_runs(harness, 30)
    harness.answer(harness.exchange(), harness.grant("A", "B"))
    harness.worker._heard(({"name": "set_worker_processes", "kwargs": {"n": 1}},), True)
    harness.end(0, "run-A")
    harness.answer(harness.exchange(), harness.grant("C", "D"))
    assert [job.job.task_id for job in harness.slots[0].take(RunJob)][-2:] == ["C", "D"]
    assert "stop" not in harness.slots[1].told
    harness.end(1, "run-B")
    assert "stop" in harness.slots[1].told


def test_a_worker_with_short_runs_says_what_may_follow_which_of_them() -> None:
    """So many as its slot has room for; the empty name is that of each run of the answer."""
    harness = hasty()
    question = ask(harness)
    assert question["ahead"] == {"": HELD_MAX - 1}
    harness = hasty()
    harness.answer(harness.exchange(), harness.grant("A", "B", "C"))
    harness.end(1, "run-B")
    assert harness.exchange().calls[-1].params["ahead"] == {"": HELD_MAX - 1, "run-C": HELD_MAX - 2}


def test_what_follows_a_run_waits_behind_it() -> None:
    """In another slot nobody would know how that run has ended."""
    harness = hasty()
    for slot in harness.slots.values():
        slot.take(RunJob)
    advance(harness, {"C": "run-A", "D": "run-C"}, "A", "B", "C", "D")
    first, second = (slot.take(RunJob) for slot in harness.slots.values())
    assert [(job.job.task_id, job.after) for job in first] == [("A", ""), ("C", "run-A"), ("D", "run-C")]
    assert [(job.job.task_id, job.after) for job in second] == [("B", "")]


@pytest.mark.parametrize(("status", "begins"), [("DONE", True), ("FAILED", False)])
def test_what_comes_when_the_run_before_it_has_ended_depends_on_that(status: str, begins: bool) -> None:
    """The answer crossed with the end of the run."""
    harness = hasty(slots=1)
    harness.answer(harness.exchange(), harness.grant("A", "B"))
    harness.end(0, "run-B")
    harness.slots[0].take(RunJob)
    harness.end(0, "run-A", status)
    advance(harness, {"C": "run-A"}, "C")
    assert [(job.job.task_id, job.after) for job in harness.slots[0].take(RunJob)] == [("C", "")] * begins
    assert (("C", "PENDING") in reports(harness)) is not begins


def test_what_follows_a_run_that_nobody_knows_is_given_back() -> None:
    """It may have been handed out in a life of the worker that is over."""
    harness = hasty(slots=1)
    advance(harness, {"C": "run-of-old"}, "C")
    assert ("C", "PENDING") in reports(harness)


def test_of_what_is_given_back_people_are_told_why() -> None:
    """It is the slot that knows."""
    harness = hasty(slots=1)
    tasks = [Leaf(n=1), Leaf(n=2)]
    harness.answer(harness.exchange(), harness.grant())
    harness.register(*tasks)
    harness.answer(harness.exchange(), harness.grant(*[task.task_id for task in tasks]))
    run_id = f"run-{tasks[1].task_id}"
    harness.worker.handle(SlotReturned(slot=0, run_id=run_id, why="a run before it takes long"))
    assert harness.worker._duties.ledger.entries[tasks[1].task_id].cause == "a run before it takes long"
