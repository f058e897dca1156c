"""A worker that serves others for weeks keeps no line on every task of theirs."""

from __future__ import annotations

from actorsched.actors.ledger import Fate
from actorsched.actors.messages import ReadLedger
from actorsched.actors.registrations import PASSING_MAX
from tests.unit.actors.worker_harness import Harness, Leaf


def serve(harness: Harness, n: int, status: str = "DONE") -> None:
    """Run so many tasks that others registered."""
    for i in range(n):
        harness.answer(harness.exchange(), harness.grant(f"foreign-{i}"))
        harness.end(0, f"run-foreign-{i}", status)


def test_of_the_tasks_of_others_only_the_last_are_known() -> None:
    """The counts go on, so that progress is told truly."""
    harness = Harness(slots=1, forever=True)
    harness.start()
    serve(harness, PASSING_MAX + 50)
    ledger = harness.worker.handle(ReadLedger())
    assert len(ledger.entries) == PASSING_MAX
    assert list(ledger.entries)[-1] == f"foreign-{PASSING_MAX + 49}"
    assert ledger.counts[Fate.RAN] == PASSING_MAX + 50


def test_failures_are_forgotten_like_the_rest() -> None:
    """A pipeline that fails every night fills no memory."""
    harness = Harness(slots=1, forever=True)
    harness.start()
    serve(harness, PASSING_MAX + 50, "FAILED")
    assert len(harness.worker.handle(ReadLedger()).entries) == PASSING_MAX


def test_what_a_user_of_this_worker_added_stays() -> None:
    """The result speaks of it."""
    harness = Harness(slots=1, forever=True)
    own = Leaf(1)
    harness.register(own)
    harness.answer(harness.exchange(), harness.grant())
    harness.start()
    harness.answer(harness.exchange(), harness.grant(own.task_id))
    harness.end(0, f"run-{own.task_id}")
    serve(harness, PASSING_MAX + 50)
    assert harness.worker.handle(ReadLedger()).entries[own.task_id].fate is Fate.RAN


def test_a_worker_that_ends_with_its_run_keeps_everything() -> None:
    """Its result names every task that it ran."""
    harness = Harness(slots=1)
    harness.start()
    serve(harness, PASSING_MAX + 50)
    assert len(harness.worker.handle(ReadLedger()).entries) == PASSING_MAX + 50
