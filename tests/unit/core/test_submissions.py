"""Who registered and left keeps its tasks until they are done."""

from __future__ import annotations

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant

SETTINGS = SchedulerSettings(worker_disconnect_delay=60, remove_delay=600, retry_delay=900)


def at(seconds: float) -> Instant:
    return Instant(seconds, 1_000_000 + seconds)


def submitted() -> SchedulerMachine:
    """A machine with two tasks of a submission, and two of a worker that was there too."""
    machine = SchedulerMachine(SETTINGS, epoch="e")
    machine.add_worker(at(0), worker="submission", info={"submission": True, "workers": 0})
    machine.add_worker(at(0), worker="mortal", info={"workers": 0})
    for owner in ("submission", "mortal"):
        for name in "ab":
            machine.add_task(at(0), task_id=f"{owner}-{name}", family="F", worker=owner)
    return machine


def look_for_a_day(machine: SchedulerMachine, start: float) -> None:
    for minute in range(1, 24 * 60):
        machine.prune(at(start + 60 * minute))


def test_a_submission_is_kept_for_as_long_as_its_tasks_are_not_done() -> None:
    """An ordinary worker that is silent is given up, and its tasks with it."""
    machine = submitted()
    look_for_a_day(machine, 0)
    assert list(machine.task_list(at(90_000))) == ["submission-a", "submission-b"]
    work = machine.get_work(at(90_000), worker="node", assistant=True)
    assert work["task_id"] == "submission-a"


def test_a_submission_goes_when_all_is_done_and_its_tasks_follow() -> None:
    """Nothing stays in a scheduler for ever."""
    machine = submitted()
    for name in "ab":
        machine.get_work(at(1), worker="node", assistant=True)
        machine.add_task(at(2), task_id=f"submission-{name}", worker="node", status="DONE")
    look_for_a_day(machine, 2)
    assert machine.worker_list(at(90_000)) == []
    assert machine.task_list(at(90_000)) == {}


def alone(**policy: float) -> SchedulerMachine:
    """A machine with the one task of a submission, which failed."""
    machine = SchedulerMachine(SETTINGS, epoch="e")
    machine.add_worker(at(0), worker="submission", info={"submission": True, "workers": 0})
    machine.add_task(at(0), task_id="t", family="F", worker="submission", retry_policy_dict=policy)
    run_id = machine.get_work(at(1), worker="node", assistant=True)["run_id"]
    machine.add_task(at(2), task_id="t", worker="node", status="FAILED", assistant=True, run_id=run_id)
    return machine


@pytest.mark.parametrize("policy", [{}, {"retry_delay": 10_000}, {"retry_delay": 0}])
def test_a_submission_waits_for_a_retry(policy: dict[str, float]) -> None:
    """A task that failed comes back after its delay, which is longer than the delay of removal."""
    machine = alone(**policy)
    look_for_a_day(machine, 2)
    assert machine.get_work(at(90_000), worker="node", assistant=True)["task_id"] == "t"


@pytest.mark.parametrize("policy", [{"retry_delay": -1}, {"retry_count": 1}])
def test_a_submission_goes_when_what_failed_is_not_tried_again(policy: dict[str, float]) -> None:
    """Or when it was disabled: nothing stays in a scheduler for ever."""
    machine = alone(**policy)
    look_for_a_day(machine, 2)
    assert machine.task_list(at(90_000)) == {}
