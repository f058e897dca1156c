"""A task of somebody else's that cannot be loaded here is for others."""

from __future__ import annotations

from typing import Any

from actorsched.actors.messages import ReadLedger
from tests.unit.actors.worker_harness import Harness, methods

WHY = "module 'm' is not allowed on this node"


def ended(grant: dict[str, Any], **options: Any) -> tuple[Harness, list[Any], list[dict[str, Any]]]:
    """A node whose only run could not be loaded: what it tells its scheduler, and its observer."""
    harness = Harness(slots=1, forever=True, **options)
    told: list[dict[str, Any]] = []
    harness.worker._user._observe = lambda kind, fields: told.append({"kind": kind, **fields})
    harness.start()
    reply = {"n_can_run": 1, "known": True, "running_tasks": []}
    harness.answer(harness.exchange(), lambda method, _: {**reply, **grant} if method == "get_work" else None)
    cause = f"task T could not be loaded: {WHY}"
    harness.end(0, grant.get("run_id", "own-1"), "FAILED", cause=cause, error=cause, unloadable=WHY)
    exchange = harness.exchange()
    return harness, [call.params for call in exchange.calls if call.method == "add_task"], told


GRANT = {"task_id": "T", "task_family": "F", "task_module": "m", "task_params": {}, "run_id": "r1"}


def test_it_is_given_back_with_the_reason_and_more_is_asked_for() -> None:
    """It is not the task's failure."""
    harness, [report], told = ended(GRANT)
    assert (report["task_id"], report["status"], report["run_id"]) == ("T", "PENDING", "r1")
    assert (report["declined"], report["runnable"]) == (WHY, None)
    assert [fields["given_back"] for fields in told if fields["kind"] == "ended"] == [True]
    assert "T" not in harness.worker.handle(ReadLedger()).entries


def test_of_a_batch_each_member_is_given_back() -> None:
    """There is no combined task, as it could not be made."""
    batch = {"task_id": None, "batch_id": "r1", "batch_task_ids": ["a", "b"]}
    _, reports, _ = ended(GRANT | batch)
    assert [(each["task_id"], each["status"], each["declined"]) for each in reports] == [
        ("a", "PENDING", WHY),
        ("b", "PENDING", WHY),
    ]


def test_luigis_scheduler_is_told_that_it_failed() -> None:
    """It has no other word for it."""
    without_id = {name: value for name, value in GRANT.items() if name != "run_id"}
    _, [report], told = ended(without_id)
    assert report["status"] == "FAILED"
    assert "declined" not in report
    assert [fields["given_back"] for fields in told if fields["kind"] == "ended"] == [False]


def test_it_asks_again_at_once() -> None:
    """There may be something else for it."""
    harness = Harness(slots=1, forever=True)
    harness.start()
    harness.answer(harness.exchange(), harness.grant("T"))
    harness.end(0, "run-T", "FAILED", cause="x", unloadable=WHY)
    assert methods(harness.exchange()) == ["add_task", "get_work"]
