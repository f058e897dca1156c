"""Workers that die while they run a task, and workers that come back as somebody else."""

from __future__ import annotations

import pytest

from tests.machines import Driven


def die(driven: Driven, worker: str) -> None:
    """The worker takes the task and is never heard again; the owner of the task lives."""
    assert driven.get_work(worker=worker, assistant=True)["task_id"] == "t"
    driven.time += 61
    driven.ping("owner")
    driven.prune()
    assert worker not in driven.machine.workers
    driven.ping("owner")
    driven.prune()


def owned(max_worker_deaths: int = 3, **settings: float) -> Driven:
    driven = Driven(max_worker_deaths=max_worker_deaths, retry_delay=900, **settings)
    driven.add_task(worker="owner", task_id="t", retry_policy_dict={"retry_count": 1})
    return driven


def test_a_death_is_not_charged_to_the_task_and_it_is_due_again_at_once() -> None:
    """One failure would disable it."""
    driven = owned()
    die(driven, "w1")
    assert driven.status("t") == "PENDING"
    assert driven.get_work(worker="owner")["task_id"] == "t"


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_task_that_kills_its_workers_is_disabled_with_that_reason(most: int) -> None:
    driven = owned(most)
    for number in range(most):
        assert driven.status("t") == "PENDING"
        die(driven, f"w{number}")
    assert driven.status("t") == "DISABLED"
    assert driven.fetch_error("t")["error"] == (
        f"disabled: {most} workers in a row died while they ran it, the last was w{most - 1}"
    )
    assert driven.task_list()["t"]["re_enable_able"] is True
    assert driven.get_work(worker="owner")["task_id"] is None


@pytest.mark.parametrize("end", ["DONE", "FAILED"])
def test_an_end_that_a_worker_reports_begins_the_count_anew(end: str) -> None:
    driven = Driven(max_worker_deaths=2, retry_delay=1, stable_done_cooldown_secs=0)
    driven.add_task(worker="owner", task_id="t")
    die(driven, "w1")
    run_id = driven.get_work(worker="owner")["run_id"]
    driven.add_task(worker="owner", task_id="t", status=end, run_id=run_id)
    driven.after(5)
    driven.add_task(worker="owner", task_id="t")
    die(driven, "w2")
    assert driven.status("t") == "PENDING"


def test_it_lifts_itself_after_a_while_with_a_clean_count() -> None:
    driven = owned(2, disable_persist=1000)
    die(driven, "w1")
    die(driven, "w2")
    assert driven.status("t") == "DISABLED"
    driven.after(1001)
    assert driven.status("t") == "FAILED"
    driven.after(901)
    die(driven, "w3")
    assert driven.status("t") == "PENDING"


# -- lives of one worker


def two_lives() -> Driven:
    """`w` runs `t` in its first life, and then begins a second one."""
    driven = Driven()
    driven.add_worker("w", {}, incarnation="one")
    driven.add_task(worker="w", task_id="t", incarnation="one")
    assert driven.get_work(worker="w", incarnation="one")["task_id"] == "t"
    driven.set_worker_processes("w", 5)
    assert driven.add_worker("w", {}, incarnation="two", replaces="one") is None
    return driven


def test_a_new_life_loses_the_runs_and_the_mail_of_the_former_one() -> None:
    driven = two_lives()
    assert driven.ping("w", incarnation="two")["rpc_messages"] == []
    driven.prune()
    assert driven.status("t") == "PENDING"


def test_an_earlier_life_is_refused_whatever_it_says_and_changes_nothing() -> None:
    driven = two_lives()
    driven.set_worker_processes("w", 7)
    before = driven.machine.export()
    assert driven.add_task(worker="w", task_id="new", incarnation="one") == {
        "refused": "stale_incarnation",
        "task_id": "new",
    }
    assert driven.add_worker("w", {"x": 1}, incarnation="one") == {"refused": "stale_incarnation"}
    work = driven.get_work(worker="w", incarnation="one")
    assert work["refused"] == "stale_incarnation"
    assert work["task_id"] is None
    assert driven.ping("w", incarnation="one")["rpc_messages"] == []
    assert driven.machine.export() == before
    assert len(driven.ping("w", incarnation="two")["rpc_messages"]) == 1


def test_a_run_of_an_earlier_life_is_refused_too() -> None:
    driven = two_lives()
    driven.prune()
    driven.add_task(worker="w", task_id="t", incarnation="two")
    work = driven.get_work(worker="w", incarnation="two")
    assert work["task_id"] == "t"
    old = driven.add_task(worker="w", task_id="t", status="DONE", incarnation="one", run_id="e-1")
    assert old["refused"] == "stale_incarnation"
    assert driven.add_task(worker="w", task_id="t", status="DONE", run_id="e-1")["refused"] == "stale_run"
    assert driven.machine.tasks["t"].run_id == work["run_id"]
