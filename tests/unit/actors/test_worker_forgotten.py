"""What a worker does when its scheduler has forgotten it, refuses it, or cannot be reached."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.actors.messages import (
    CancelRun,
    Exchange,
    ExchangeEnded,
    Heard,
    KeepAlive,
    ReadLedger,
    StartRun,
)
from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.errors import SchedulerUnreachableError, WorkerReplacedError
from actorsched.tasks import Task
from tests.unit.actors.worker_harness import Harness, Leaf, Promise, methods

UNREACHABLE = SchedulerUnreachableError("gone")


class Top(Task):
    def requires(self) -> Any:
        return [Leaf(1), Leaf(2)]

    def complete(self) -> bool:
        return False


def told(exchange: Any) -> list[tuple[str, str]]:
    """Task and status of all registrations and reports of an exchange."""
    return [(c.params["task_id"], c.params["status"]) for c in exchange.calls if c.method == "add_task"]


def test_known_false_in_a_reply_makes_it_register_what_it_owes_before_it_asks() -> None:
    harness = Harness(slots=2)
    leaf, other = Leaf(1), Leaf(2)
    harness.run(leaf, other)
    harness.end(0, f"run-{leaf.task_id}")
    harness.answer(harness.exchange(), harness.grant(known=False))
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker", "add_task", "get_work"]
    assert told(exchange) == [(other.task_id, "RUNNING")]
    assert exchange.calls[1].params["run_id"] == f"run-{other.task_id}"


def test_all_that_is_owed_is_told_in_one_exchange_however_much_it_is() -> None:
    """A scheduler that knows half of a graph would decide by that half; a failure changes nothing."""
    harness = Harness(slots=1)
    leaves = [Leaf(n) for n in range(2_000)]
    harness.register(*leaves)
    while exchanges := harness.scheduler.take(Exchange):
        harness.answer(exchanges[0], harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant())
    harness.worker.handle(Heard(worker="w", known=False))
    first = harness.exchange()
    assert methods(first) == ["add_worker", *["add_task"] * 2_000, "get_work"]
    late = harness.register(Leaf(2_000))
    harness.worker.handle(ExchangeEnded(tag=first.tag, error=UNREACHABLE))
    harness.start()
    again = harness.exchange()
    assert methods(again)[:2001] == methods(first)[:2001]
    assert told(again)[:2000] == told(first)
    assert late.answers == [UNREACHABLE]


def test_it_is_told_once_however_often_the_scheduler_says_that_it_knows_nobody() -> None:
    harness = Harness(slots=1)
    harness.run(Leaf(1), Leaf(2))
    harness.worker.handle(Heard(worker="w", known=False))
    first = harness.exchange()
    harness.worker.handle(Heard(worker="w", known=False))
    harness.answer(first, harness.grant())
    assert harness.scheduler.take(type(first)) == []


def test_a_done_report_that_was_refused_is_told_as_a_fact() -> None:
    """The scheduler has lost its memory and not the task its output: nobody must run it again."""
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.end(0, f"run-{leaf.task_id}")
    exchange = harness.exchange()

    def answer(method: str, params: Any) -> Any:
        if method == "add_task":
            return {"refused": "stale_run", "task_id": leaf.task_id}
        return harness.grant(known=False)(method, params)

    harness.answer(exchange, answer)
    facts = [call.params for call in harness.exchange().calls if call.method == "add_task"]
    assert [(fact["task_id"], fact["status"]) for fact in facts] == [(leaf.task_id, "DONE")]
    assert "run_id" not in facts[0]


def test_a_claim_that_was_refused_ends_the_run_and_reports_nothing() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.worker.handle(Heard(worker="w", known=False))

    def answer(method: str, params: Any) -> Any:
        refused = method == "add_task" and params["status"] == "RUNNING"
        return {"refused": "stale_run"} if refused else harness.grant()(method, params)

    harness.answer(harness.exchange(), answer)
    [cancel] = harness.slots[0].take(CancelRun)
    harness.end(0, cancel.run_id, status="FAILED", cause="ended")
    assert methods(harness.exchange()) == ["get_work"]
    entry = harness.worker.handle(ReadLedger()).entries[leaf.task_id]
    told = "the scheduler gave it to somebody else"
    assert (entry.fate, entry.failures, entry.cause) == ("not_run", 0, told)


def test_a_claim_of_what_others_registered_names_its_family() -> None:
    """Else a scheduler without memory shows what runs, and then is done, as a task that nobody knows."""
    harness = Harness(slots=1, forever=True)
    harness.start()
    harness.answer(harness.exchange(), harness.grant("theirs"))
    harness.worker.handle(Heard(worker="w", known=False))
    [claim] = [call.params for call in harness.exchange().calls if call.method == "add_task"]
    assert (claim["task_id"], claim["status"], claim["family"]) == ("theirs", "RUNNING", "Leaf")
    # nor could anybody run it who knows nothing but its name, if this run failed
    assert claim["runnable"] is False


def test_another_life_under_the_same_id_ends_this_one() -> None:
    """Two workers with one id would give each other's runs away for ever."""
    harness = Harness(slots=1)
    harness.run(Leaf(1))
    harness.end(0, f"run-{Leaf(1).task_id}")

    def answer(method: str, params: Any) -> Any:
        return {"refused": "stale_incarnation", "task_id": None}

    harness.answer(harness.exchange(), answer)
    [error] = harness.ended.answers
    assert isinstance(error, WorkerReplacedError)
    assert "'w'" in str(error)


def test_a_worker_whose_id_was_used_before_says_whom_it_replaces() -> None:
    """A scheduler cannot tell a living process from what a dead one has sent, but for that."""
    harness = Harness(slots=1)
    office = Office(harness)
    office._call("add_worker", {"worker": "w", "info": {}, "incarnation": "before"})
    leaf = Leaf(1)
    harness.register(leaf)
    harness.start()
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker", "add_task"]
    harness.answer(exchange, office._call)
    assert office.machine.tasks == {}
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker", "add_task", "get_work"]
    assert exchange.calls[0].params["replaces"] == "before"
    harness.answer(exchange, office._call)
    assert office.statuses() == {leaf.task_id: "RUNNING"}


def test_a_life_that_is_challenged_in_the_middle_tells_everything_again() -> None:
    """The scheduler forgot the worker, and then heard from a life that had crashed before."""
    harness = Harness(slots=1)
    office = Office(harness)
    harness.register(Top())
    harness.start()
    office.serve()
    [run] = harness.worker._staff.runs.values()
    office.restart()
    office._call("add_task", {"worker": "w", "task_id": "u", "incarnation": "crashed"})
    pong = office._call("ping", {"worker": "w", "incarnation": harness.worker._incarnation})
    assert pong["known"] is False
    harness.worker.handle(Heard(worker="w", known=False))
    office.serve()
    assert office.statuses()[run.task_id] == "RUNNING"
    assert office.machine.tasks[run.task_id].run_id == run.run_id
    assert set(office.statuses()) >= {Top().task_id, Leaf(1).task_id, Leaf(2).task_id}


def test_a_report_to_a_scheduler_that_takes_another_life_for_the_present_one_is_not_lost() -> None:
    harness = Harness(slots=1)
    office = Office(harness)
    leaf = Leaf(1)
    acknowledged = harness.register(leaf)
    harness.start()
    office.serve()
    office.restart()
    office._call("add_task", {"worker": "w", "task_id": "u", "incarnation": "crashed"})
    [run] = harness.worker._staff.runs.values()
    harness.end(run.slot, run.run_id)
    office.serve()
    assert office.statuses()[leaf.task_id] == "DONE"
    assert acknowledged is None or acknowledged.answers == [None]


def test_what_was_owed_to_a_lost_scheduler_is_told_when_the_user_tries_again() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    harness.end(0, f"run-{leaf.task_id}")
    exchange = harness.exchange()
    harness.worker.handle(ExchangeEnded(tag=exchange.tag, error=UNREACHABLE))
    assert harness.ended.answers == [UNREACHABLE]
    again = Promise()
    harness.worker.handle(StartRun(ended=again))
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker", "add_task", "get_work"]
    assert told(exchange) == [(leaf.task_id, "DONE")]
    harness.answer(exchange, harness.grant(n_can_run=0))
    assert again.answers == [None]


def test_a_node_outlives_its_scheduler() -> None:
    harness = Harness(slots=1, forever=True)
    harness.run(Leaf(1))
    harness.end(0, f"run-{Leaf(1).task_id}")
    exchange = harness.exchange()
    harness.worker.handle(ExchangeEnded(tag=exchange.tag, error=UNREACHABLE))
    assert harness.ended.answers == []
    assert methods(harness.exchange()) == ["add_task", "get_work"]


def test_a_question_that_ends_in_an_error_is_asked_again_before_anything_is_given_up() -> None:
    harness = Harness(slots=1)
    harness.start()
    error = RuntimeError("a bug of the scheduler's")
    for attempt in (1, 2, 3):
        exchange = harness.exchange()
        harness.worker.handle(ExchangeEnded(tag=exchange.tag, results=(None,) * (attempt == 1) + (error,)))
        if attempt < 3:
            assert harness.ended.answers == []
            harness.worker.handle(harness.timers()[-1])
    assert harness.ended.answers == [error]


def test_every_message_names_the_life_that_it_comes_from() -> None:
    harness = Harness(slots=1)
    harness.run(Leaf(1))
    harness.end(0, f"run-{Leaf(1).task_id}")
    calls = harness.exchange().calls
    [keep_alive] = harness.scheduler.take(KeepAlive)
    assert {call.params["incarnation"] for call in calls} == {keep_alive.incarnation}
    assert keep_alive.ping_params == {"worker": "w", "incarnation": keep_alive.incarnation}


def test_the_heartbeat_fits_the_lease() -> None:
    harness = Harness(slots=1)
    harness.start()
    harness.answer(harness.exchange(), harness.grant(lease_s=0.3))
    [again] = harness.timers()
    harness.scheduler.take(KeepAlive)
    harness.worker.handle(again)
    [keep_alive] = harness.scheduler.take(KeepAlive)
    assert keep_alive.interval_s == pytest.approx(0.1)


class Office:
    """A real machine that answers a harness's exchanges, and can be exchanged for one without memory."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.time = 0.0
        self.restart()

    def restart(self) -> None:
        self.time += 1
        self.machine = SchedulerMachine(SchedulerSettings(), epoch=f"e{self.time}")

    def serve(self) -> None:
        """Answer until the worker has nothing more to say."""
        while exchanges := self.harness.scheduler.take(Exchange):
            for exchange in exchanges:
                self.harness.answer(exchange, self._call)

    def _call(self, method: str, params: Any) -> Any:
        return getattr(self.machine, method)(Instant(self.time, self.time), **params)

    def statuses(self) -> dict[str, str]:
        return {task_id: record.status for task_id, record in self.machine.tasks.items()}


@pytest.mark.parametrize("learns_by", ["ping", "report"])
def test_nothing_runs_twice_and_nothing_is_forgotten_when_the_scheduler_loses_its_memory(
    learns_by: str,
) -> None:
    """Both ways to learn it lead to the same: the run goes on as the run of its task, in the new epoch."""
    harness = Harness(slots=2)
    office = Office(harness)
    harness.register(Top())
    office.serve()
    harness.start()
    office.serve()
    first, second = Leaf(1).task_id, Leaf(2).task_id
    runs = {run.task_id: run for run in harness.worker._staff.runs.values()}
    assert set(runs) == {first, second}
    office.restart()
    if learns_by == "ping":
        pong = office._call("ping", {"worker": "w", "incarnation": harness.worker._incarnation})
        assert pong["known"] is False
        harness.worker.handle(Heard(worker="w", known=False))
    else:
        harness.end(runs[first].slot, runs[first].run_id)
    office.serve()
    assert len(harness.worker._staff.runs) == (2 if learns_by == "ping" else 1)
    assert office.statuses()[second] == "RUNNING"
    assert office.machine.tasks[second].run_id == runs[second].run_id
    assert office.statuses()[first] == ("RUNNING" if learns_by == "ping" else "DONE")
    for run in list(harness.worker._staff.runs.values()):
        harness.end(run.slot, run.run_id)
    office.serve()
    [top] = harness.worker._staff.runs.values()
    harness.end(top.slot, top.run_id)
    office.serve()
    assert set(office.statuses().values()) == {"DONE"}
    assert harness.ended.answers == [None]


def test_who_only_waits_does_not_take_a_scheduler_without_memory_for_one_that_is_done() -> None:
    """It asks for nothing but what is left, and there is nothing where it is not known."""
    harness = Harness(slots=0)
    leaf = Leaf(1)
    harness.register(leaf)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()

    def nothing_left(method: str, params: Any) -> Any:
        if method != "count_pending":
            return None
        return {"n_can_run": 0, "running_tasks": [], "known": introduced}

    introduced = False
    harness.answer(harness.exchange(), nothing_left)
    assert harness.ended.answers == []
    introduced = True
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker", "add_task", "count_pending"]
    assert told(exchange) == [(leaf.task_id, "PENDING")]
    harness.answer(exchange, nothing_left)
    assert harness.ended.answers == [None]
