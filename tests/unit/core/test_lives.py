"""A worker id is used by one process after the other; each life has a name, and names have no order."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.invariants import check_invariants
from actorsched.core.leases import FORMER_MAX

NOW = Instant(0.0, 0.0)
UNPROVEN = {"refused": "unproven_incarnation", "present": "new"}


def machine_with_a_run() -> tuple[SchedulerMachine, str]:
    """The life `new` of the worker runs a task."""
    machine = SchedulerMachine(SchedulerSettings(), epoch="e")
    machine.add_worker(NOW, worker="w", info={}, incarnation="new")
    machine.add_task(NOW, worker="w", task_id="t", incarnation="new")
    run_id = machine.get_work(NOW, worker="w", incarnation="new")["run_id"]
    return machine, run_id


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("add_worker", {"info": {"workers": 7}}),
        ("add_task", {"task_id": "t", "status": "DONE"}),
        ("add_task", {"task_id": "t", "status": "PENDING"}),
        ("get_work", {"current_tasks": []}),
        ("ping", {}),
    ],
)
def test_what_a_crashed_life_said_and_what_arrives_late_changes_nothing(method: str, params: Any) -> None:
    """Nobody has heard of that life before, so it could be taken for a new one; but it knows of no other."""
    machine, run_id = machine_with_a_run()
    before = machine.export()
    later = Instant(5.0, 5.0)
    answer = getattr(machine, method)(later, worker="w", incarnation="crashed", **params)
    assert answer["refused"] == "unproven_incarnation"
    assert machine.tasks["t"].run_id == run_id
    assert machine.workers["w"].last_active == NOW, "the dead do not renew the lease of the living"
    assert machine.export() == before
    assert machine.ping(later, worker="w", incarnation="new")["known"] is True


def test_a_new_life_takes_over_when_it_says_whom_it_replaces() -> None:
    """Only who has heard an answer can know it; what the former life ran is lost with it."""
    machine, run_id = machine_with_a_run()
    refused = machine.add_worker(NOW, worker="w", info={}, incarnation="newer")
    assert refused == UNPROVEN
    assert machine.add_worker(NOW, worker="w", info={}, incarnation="newer", replaces="new") is None
    assert machine.tasks["t"].run_id is None
    machine.add_task(NOW, worker="w", task_id="t", incarnation="newer")
    assert machine.get_work(NOW, worker="w", incarnation="newer")["run_id"] not in (None, run_id)
    stale = machine.add_task(NOW, worker="w", task_id="t", status="DONE", run_id=run_id, incarnation="new")
    assert stale == {"refused": "stale_incarnation", "task_id": "t"}
    check_invariants(machine)


def test_a_handshake_that_another_one_has_overtaken_begins_anew() -> None:
    """Of two that want to replace the same life one comes first; the other one has to replace that one."""
    machine, _ = machine_with_a_run()
    machine.add_worker(NOW, worker="w", info={}, incarnation="a", replaces="new")
    refused = machine.add_worker(NOW, worker="w", info={}, incarnation="b", replaces="new")
    assert refused == {"refused": "unproven_incarnation", "present": "a"}
    assert machine.add_worker(NOW, worker="w", info={}, incarnation="b", replaces="a") is None
    assert machine.workers["w"].incarnation == "b"


def test_a_life_that_was_replaced_cannot_come_back() -> None:
    """Two processes with one id would take each other's runs away for ever."""
    machine, _ = machine_with_a_run()
    machine.add_worker(NOW, worker="w", info={}, incarnation="newer", replaces="new")
    again = machine.add_worker(NOW, worker="w", info={}, incarnation="new", replaces="newer")
    assert again == {"refused": "stale_incarnation"}


def test_the_first_life_needs_no_proof() -> None:
    """There is nothing that it could take away; also after the worker was given up."""
    machine, _ = machine_with_a_run()
    machine.prune(Instant(1000.0, 1000.0))
    assert "w" not in machine.workers
    assert machine.add_worker(Instant(1000.0, 1000.0), worker="w", info={}, incarnation="newer") is None


def test_who_does_not_name_its_life_is_of_the_present_one() -> None:
    """As stock clients, and people who call methods by hand."""
    machine, _ = machine_with_a_run()
    assert machine.add_task(NOW, worker="w", task_id="u") is None
    assert "refused" not in machine.ping(NOW, worker="w")


def test_former_lives_are_forgotten_when_there_are_too_many() -> None:
    """A worker that is started again each minute may keep its id for years."""
    machine, _ = machine_with_a_run()
    present: object = "new"
    for life in range(2 * FORMER_MAX):
        machine.add_worker(NOW, worker="w", info={}, incarnation=life, replaces=present)
        present = life
    assert machine.workers["w"].incarnation == present
    assert len(machine.workers["w"].former_incarnations) == FORMER_MAX


# -- what is said without the id of a run ----------------------------------------------------------


@pytest.mark.parametrize("status", ["DONE", "FAILED"])
def test_who_knows_runs_by_id_ends_none_without_it(status: str) -> None:
    """A worker tells that a task is done that it ran long ago, and was given the task anew meanwhile: the
    new run goes on in its child, and must go on here, with all that it holds."""
    machine = SchedulerMachine(SchedulerSettings(), resources={"r": 2}, epoch="e")
    machine.add_worker(NOW, worker="w", info={}, incarnation="i")
    machine.add_task(NOW, worker="w", task_id="t", resources={"r": 2}, incarnation="i")
    run_id = machine.get_work(NOW, worker="w", incarnation="i")["run_id"]
    machine.add_task(NOW, worker="w", task_id="t", status=status, runnable=False, incarnation="i")
    record = machine.tasks["t"]
    assert (record.status, record.run_id, record.runs_with()) == ("RUNNING", run_id, {"r": 2})
    check_invariants(machine)
    machine.add_task(NOW, worker="w", task_id="t", status="DONE", run_id=run_id, incarnation="i")
    assert record.status == "DONE"
    check_invariants(machine)


def test_that_a_task_is_done_says_nothing_of_what_it_needs() -> None:
    """The next run of it, if there is one, must not be free of charge."""
    machine = SchedulerMachine(SchedulerSettings(), resources={"r": 2}, epoch="e")
    policy = {"retry_count": 2}
    machine.add_task(
        NOW, worker="w", task_id="t", resources={"r": 2}, retry_policy_dict=policy, incarnation="i"
    )
    machine.get_work(NOW, worker="w", incarnation="i")
    machine.add_task(NOW, worker="w", task_id="t", status="DONE", runnable=False, incarnation="i")
    assert machine.tasks["t"].demand.needs == {"r": 2}
    assert machine.tasks["t"].policy.retry_count == 2


@pytest.mark.parametrize("status", ["DONE", "FAILED"])
def test_a_stock_client_ends_its_run_as_ever(status: str) -> None:
    """It knows no ids of runs, so whatever it reports is the end of its run."""
    machine = SchedulerMachine(SchedulerSettings(), epoch="e")
    machine.add_task(NOW, worker="w", task_id="t")
    machine.get_work(NOW, worker="w")
    machine.add_task(NOW, worker="w", task_id="t", status=status)
    assert machine.tasks["t"].status == status


# -- giving back resources -----------------------------------------------------------------------


def test_a_run_that_is_over_gives_back_nothing_of_the_next_one() -> None:
    machine = SchedulerMachine(SchedulerSettings(), resources={"r": 2}, epoch="e")
    machine.add_task(NOW, worker="w", task_id="t", resources={"r": 2})
    old = machine.get_work(NOW, worker="w")["run_id"]
    machine.get_work(NOW, worker="w", current_tasks=[])
    refused = machine.decrease_running_task_resources(NOW, "t", {"r": 2}, run_id=old)
    assert refused == {"refused": "stale_run", "task_id": "t", "run_id": old}
    assert machine.tasks["t"].runs_with() == {"r": 2}
    live = machine.tasks["t"].run_id
    assert machine.decrease_running_task_resources(NOW, "t", {"r": 1}, run_id=live) is None
    assert machine.decrease_running_task_resources(NOW, "t", {"r": 1}) is None, "as stock clients do"
    assert machine.tasks["t"].runs_with() == {"r": 0}
    check_invariants(machine)
