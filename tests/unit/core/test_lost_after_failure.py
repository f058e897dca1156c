"""A task whose worker died, after it had failed by itself before."""

from __future__ import annotations

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine


def test_the_retry_of_an_earlier_failure_does_not_touch_a_lost_run() -> None:
    """A scheduler that was started anew has no such timer, and must do the same."""
    machine = SchedulerMachine(SchedulerSettings(retry_delay=30, worker_disconnect_delay=60), epoch="e")

    def at(seconds: float) -> Instant:
        return Instant(seconds, seconds)

    machine.add_task(at(0), worker="w", task_id="T", family="T", status="FAILED")
    machine.add_task(at(0), worker="w", task_id="T", family="T", status="PENDING")
    machine.get_work(at(0), worker="w")
    machine.ping(at(0), worker="other")
    machine.prune(at(80))
    assert machine.tasks["T"].status == "FAILED"
    machine.prune(at(81))
    assert machine.tasks["T"].status == "PENDING"


def test_a_failure_that_is_reported_after_all_counts_as_one() -> None:
    """The worker was only slow; the task waits as after any failure."""
    machine = SchedulerMachine(SchedulerSettings(retry_delay=30, worker_disconnect_delay=60), epoch="e")

    def at(seconds: float) -> Instant:
        return Instant(seconds, seconds)

    machine.add_task(at(0), worker="w", task_id="T", family="T")
    machine.get_work(at(0), worker="w")
    machine.ping(at(61), worker="other")
    machine.prune(at(61))
    machine.add_task(at(62), worker="w", task_id="T", status="FAILED")
    machine.prune(at(91))
    assert machine.tasks["T"].status == "FAILED"
    machine.prune(at(93))
    assert machine.tasks["T"].status == "PENDING"
