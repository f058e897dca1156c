"""Batches, messages and requirements that went missing, as the worker's side of the protocol has them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actorsched.actors.messages import CancelRun, Heard, ReadLedger, RunJob, SlotNoticed, TaskMessage
from actorsched.tasks import Task
from actorsched.tasks.parameter import param
from actorsched.tasks.registration import Registration
from tests.unit.actors.worker_harness import Harness, Leaf, methods


class Day(Task):
    n: int = param(batch=max)
    place: str = "here"

    max_batch_size = 3

    @property
    def worker_timeout(self) -> float | None:
        return 10.0 * self.n

    def complete(self) -> bool:
        return False


MEMBERS = [Day(n) for n in (1, 2, 3)]
IDS = [day.task_id for day in MEMBERS]


def batch(**more: Any) -> Any:
    def answer(method: str, params: Any) -> Any:
        if method != "get_work":
            return None
        grant = {
            "task_id": None,
            "task_family": "Day",
            "task_module": __name__,
            "task_params": {"n": ["1", "2", "3"], "place": "here"},
            "run_id": "b1",
            "batch_id": "b1",
            "batch_task_ids": IDS,
        }
        return {**grant, "n_can_run": 3, "known": True, "running_tasks": []} | more

    return answer


def running() -> tuple[Harness, RunJob]:
    harness = Harness(slots=1)
    harness.register(*MEMBERS)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), batch())
    [job] = harness.slots[0].take(RunJob)
    return harness, job


def combine(harness: Harness, run_id: str = "b1") -> str:
    """The child has made the combined task."""
    combined = Day(3)
    value = msgspec.to_builtins(Registration.of(combined.clone(place="combined")))
    harness.worker.handle(SlotNoticed(slot=0, run_id=run_id, kind="combined", value=value))
    task_id: str = value["task_id"]
    return task_id


def test_a_family_that_can_be_combined_is_announced_once() -> None:
    harness = Harness()
    harness.register(*MEMBERS)
    calls = harness.exchange().calls
    [batcher] = [call for call in calls if call.method == "add_task_batcher"]
    assert batcher.params == {
        "worker": "w",
        "task_family": "Day",
        "batched_args": ["n"],
        "max_batch_size": 3,
    }


def test_a_batch_is_one_run_and_its_combined_task_is_registered_as_running() -> None:
    harness, job = running()
    assert job.job.is_batch
    assert job.job.params["n"] == ["1", "2", "3"]
    combined = combine(harness)
    [call] = harness.exchange().calls
    assert (call.params["task_id"], call.params["status"]) == (combined, "RUNNING")
    assert (call.params["batch_id"], call.params["run_id"]) == ("b1", "b1")


def test_the_time_limit_of_a_batch_is_that_of_its_combined_task() -> None:
    """Only the child knows it. Found by seed 1013133: that of the first member counted, which had none."""
    _, job = running()
    assert not job.job.limit_known
    assert job.timeout_s == 0


def test_until_then_the_question_for_work_names_the_batch() -> None:
    """Or the scheduler would take its members for lost and hand them out again."""
    harness, _ = running()
    harness.worker.handle(
        Heard(worker="w", rpc_messages=({"name": "set_worker_processes", "kwargs": {"n": 2}},))
    )
    question = harness.exchange().calls[-1]
    assert question.params["current_tasks"] == ["b1"]


def test_a_scheduler_without_run_ids_is_asked_nothing_until_the_batch_is_claimed() -> None:
    """Luigi's takes the members for lost, and would hand them out again to the other slot."""
    harness = Harness(slots=2)
    harness.register(*MEMBERS)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), batch(run_id=None))
    [job] = harness.slots[0].take(RunJob)
    harness.worker.handle(
        Heard(worker="w", rpc_messages=({"name": "set_worker_processes", "kwargs": {"n": 3}},))
    )
    exchange = harness.exchange()
    assert methods(exchange) == ["add_worker"], "there is room, and no question"
    harness.answer(exchange, harness.grant())
    combined = combine(harness, run_id=job.job.run_id)
    claim, question = harness.exchange().calls
    assert (claim.params["task_id"], claim.params["batch_id"]) == (combined, "b1")
    assert question.params["current_tasks"] == [combined]


@pytest.mark.parametrize(("status", "fate"), [("DONE", "ran"), ("FAILED", "failed")])
def test_the_end_of_a_batch_is_the_end_of_its_members(status: str, fate: str) -> None:
    harness, _ = running()
    combined = combine(harness)
    harness.answer(harness.exchange(), harness.grant())
    harness.end(0, "b1", status=status)
    report = harness.exchange().calls[0].params
    assert (report["task_id"], report["status"], report["run_id"]) == (combined, status, "b1")
    entries = harness.worker.handle(ReadLedger()).entries
    assert {task_id: entry.fate for task_id, entry in entries.items()} == dict.fromkeys(IDS, fate)


def test_a_batch_that_could_not_be_made_fails_for_each_member() -> None:
    harness, _ = running()
    harness.end(0, "b1", status="FAILED", cause="no such module")
    reports = [call.params for call in harness.exchange().calls if call.method == "add_task"]
    assert [(report["task_id"], report["status"], report["run_id"]) for report in reports] == [
        (task_id, "FAILED", "b1") for task_id in IDS
    ]


def forgotten(harness: Harness) -> list[dict[str, Any]]:
    """The scheduler knows the worker no more; what the worker tells it then of tasks."""
    harness.worker.handle(Heard(worker="w", known=False))
    exchange = harness.exchange()
    assert "add_task_batcher" in methods(exchange)
    harness.answer(exchange, harness.grant())
    return [call.params for call in exchange.calls if call.method == "add_task"]


def named(harness: Harness) -> Any:
    """What the next question for work names as running."""
    harness.worker.handle(
        Heard(worker="w", rpc_messages=({"name": "set_worker_processes", "kwargs": {"n": 2}},))
    )
    exchange = harness.exchange()
    harness.answer(exchange, harness.grant())
    return exchange.calls[-1].params["current_tasks"]


def test_a_scheduler_without_memory_is_told_the_whole_batch() -> None:
    """Members told as runs of their own would each take the resources, and end one by one."""
    harness, _ = running()
    combined = combine(harness)
    harness.answer(harness.exchange(), harness.grant())
    claims = forgotten(harness)
    said = [(claim["task_id"], claim["status"], claim["run_id"], claim["batch_id"]) for claim in claims]
    members = [(task_id, "BATCH_RUNNING", "b1", "b1") for task_id in IDS]
    assert said == [*members, (combined, "RUNNING", "b1", "b1")]
    assert claims[-1]["params"] == {"n": "3", "place": "combined"}
    assert named(harness) == [combined]
    harness.end(0, "b1")
    reports = [call.params for call in harness.exchange().calls if call.method == "add_task"]
    assert [(report["task_id"], report["status"], report["run_id"]) for report in reports] == [
        (combined, "DONE", "b1")
    ]


def test_a_batch_whose_combined_task_is_not_made_yet_is_told_without_it() -> None:
    harness, _ = running()
    assert [claim["task_id"] for claim in forgotten(harness)] == IDS
    assert named(harness) == ["b1"]


def test_to_a_scheduler_that_knows_no_ids_of_runs_the_members_are_runs() -> None:
    """Luigi's has no word for a batch that it did not make. Each of them is named as running, or one
    would be handed out again to the other slot; so is the combined task, which it may know beside them."""
    harness = Harness(slots=1)
    harness.register(*MEMBERS)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), batch(run_id=None))
    [job] = harness.slots[0].take(RunJob)
    combined = combine(harness, run_id=job.job.run_id)
    harness.answer(harness.exchange(), harness.grant())
    claims = forgotten(harness)
    assert [(claim["task_id"], claim["status"]) for claim in claims] == [
        (task_id, "RUNNING") for task_id in IDS
    ]
    assert not any("run_id" in claim or "batch_id" in claim for claim in claims)
    assert named(harness) == [combined, *IDS]


@pytest.mark.parametrize("refused", [IDS[1], "combined"])
def test_a_batch_of_which_a_part_was_refused_is_ended(refused: str) -> None:
    """Somebody else has a member; the others wait again when this worker names the batch no more."""
    harness, _ = running()
    combined = combine(harness)
    harness.answer(harness.exchange(), harness.grant())
    harness.worker.handle(Heard(worker="w", known=False))
    its_id = combined if refused == "combined" else refused

    def answer(method: str, params: Any) -> Any:
        if method == "add_task" and params["task_id"] == its_id:
            return {"refused": "stale_run", "task_id": its_id, "run_id": "b1"}
        return harness.grant()(method, params)

    harness.answer(harness.exchange(), answer)
    [cancel] = harness.slots[0].take(CancelRun)
    harness.end(0, cancel.run_id, status="FAILED", cause="ended")
    exchange = harness.exchange()
    assert methods(exchange) == ["get_work"]
    assert exchange.calls[0].params["current_tasks"] == []


def test_a_message_reaches_the_task_and_its_answer_the_scheduler() -> None:
    harness = Harness(slots=1)
    leaf = Leaf(1)
    harness.run(leaf)
    kwargs = {"task_id": leaf.task_id, "message_id": "m1", "content": "stop please"}
    harness.worker.handle(
        Heard(worker="w", rpc_messages=({"name": "dispatch_scheduler_message", "kwargs": kwargs},))
    )
    [message] = harness.slots[0].take(TaskMessage)
    assert (message.message_id, message.content) == ("m1", "stop please")
    value = {"message_id": "m1", "response": "no"}
    harness.worker.handle(SlotNoticed(slot=0, run_id=message.run_id, kind="respond", value=value))
    [call] = harness.exchange().calls
    assert call.method == "add_scheduler_message_response"
    assert call.params == {"task_id": leaf.task_id, "message_id": "m1", "response": "no"}


def test_requirements_that_went_missing_are_scheduled_again_but_not_for_ever() -> None:
    harness = Harness(slots=1, max_reschedules=1)
    needs, dep = Leaf(1), Leaf(2)
    found = (
        (Registration.of(needs, deps=(dep.task_id,)), None),
        (Registration.of(dep), None),
    )
    harness.run(needs)
    for again in (True, False):
        harness.end(
            0,
            f"run-{needs.task_id}",
            status="FAILED",
            cause="unfulfilled dependency",
            missing=(dep.task_id,),
            discovered=found,
        )
        exchange = harness.exchange()
        told = [(c.params["task_id"], c.params["status"]) for c in exchange.calls if c.method == "add_task"]
        more = [(needs.task_id, "PENDING"), (dep.task_id, "PENDING")] if again else []
        assert told == [(needs.task_id, "FAILED"), *more]
        assert methods(exchange)[-1] == "get_work"
        harness.answer(exchange, harness.grant(needs.task_id))
