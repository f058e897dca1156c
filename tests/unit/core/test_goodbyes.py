"""A worker that says that it has ended is forgotten at once."""

from __future__ import annotations

from tests.machines import Driven


def names(driven: Driven) -> list[str]:
    return [view["name"] for view in driven.worker_list()]


def working(*task_ids: str, **settings: float) -> tuple[Driven, list[str]]:
    """A worker in its first life that has been given some tasks; and the ids of its runs."""
    driven = Driven(**settings)
    driven.add_worker(worker="w", info={"workers": 2}, incarnation="1")
    for task_id in task_ids:
        driven.add_task(worker="w", task_id=task_id, family="F", incarnation="1")
    grants = driven.get_work(worker="w", max_tasks=9, incarnation="1")["tasks"]
    return driven, [grant["run_id"] for grant in grants]


def test_it_is_gone_from_views_and_what_it_had_waits_again_uncharged() -> None:
    """It has not died: nothing is held against its tasks, and others may have them now."""
    driven, _ = working("a", "b")
    driven.add_task(worker="v", task_id="a", family="F")
    assert driven.remove_worker("w", incarnation="1") is None
    assert names(driven) == ["v"]
    assert driven.get_work(worker="v")["task_id"] == "a"
    record = driven.machine.tasks["b"]
    assert (record.status, record.trouble) == ("PENDING", None)
    assert driven.task_list()["b"]["blocked_reason"] == "no live worker can run it"


def test_its_tasks_are_forgotten_after_the_delay_as_if_its_lease_were_over() -> None:
    driven, [run_id] = working("a", remove_delay=10)
    driven.add_task(worker="w", task_id="a", status="DONE", run_id=run_id, incarnation="1")
    driven.remove_worker("w", incarnation="1")
    driven.prune()
    driven.after(9)
    assert "a" in driven.machine.tasks
    driven.after(2)
    assert not driven.machine.tasks


def test_a_batch_that_it_had_is_taken_apart() -> None:
    driven = Driven()
    driven.add_worker(worker="w", info={}, incarnation="1")
    driven.add_task_batcher("w", "F", ["n"])
    for n in "12":
        params = {"n": n}
        driven.add_task(worker="w", task_id=f"t{n}", family="F", params=params, batchable=True)
    batch_id = driven.get_work(worker="w", incarnation="1")["batch_id"]
    driven.add_task(worker="w", task_id="c", status="RUNNING", batch_id=batch_id, run_id=batch_id)
    driven.remove_worker("w", incarnation="1")
    views = driven.task_list()
    assert {task_id: view["status"] for task_id, view in views.items()} == {"t1": "PENDING", "t2": "PENDING"}


def test_the_goodbye_of_a_former_life_is_refused() -> None:
    """It comes late, and somebody else is there under that name."""
    driven, _ = working("a")
    driven.add_worker(worker="w", info={}, incarnation="2", replaces="1")
    assert driven.remove_worker("w", incarnation="1") == {"refused": "stale_incarnation"}
    assert driven.remove_worker("w") == {"refused": "stale_incarnation"}
    assert names(driven) == ["w"]


def test_nobody_becomes_known_by_a_goodbye() -> None:
    """As by a copy of one, after it."""
    driven = Driven()
    assert driven.remove_worker("w", incarnation="1") is None
    assert names(driven) == []


def test_a_new_life_after_a_goodbye_needs_no_proof() -> None:
    driven, _ = working("a")
    driven.remove_worker("w", incarnation="1")
    assert driven.add_worker(worker="w", info={}, incarnation="2") is None


def test_a_report_after_the_goodbye_is_refused() -> None:
    """A frame that was held up on its way, of a run that others may have by now."""
    driven, [run_id] = working("a")
    driven.remove_worker("w", incarnation="1")
    refused = driven.add_task(worker="w", task_id="a", status="DONE", run_id=run_id, incarnation="1")
    assert refused["refused"] == "stale_run"


def test_a_submission_stays_while_its_tasks_are_waited_for() -> None:
    """The process that made it always ends."""
    driven = Driven()
    driven.add_worker(worker="s", info={"submission": True}, incarnation="1")
    driven.add_task(worker="s", task_id="a", family="F")
    driven.remove_worker("s", incarnation="1")
    assert names(driven) == ["s"]
    work = driven.get_work(worker="node", assistant=True)
    assert work["task_id"] == "a"
    driven.add_task(worker="node", task_id="a", status="DONE", run_id=work["run_id"])
    driven.remove_worker("s", incarnation="1")
    assert names(driven) == ["node"]


def test_who_waits_for_its_tasks_is_told_that_nothing_comes_any_more() -> None:
    """A worker that waits for others is woken, as when the lease of the last of them is over."""
    driven, _ = working("a")
    driven.add_worker(worker="v", info={}, incarnation="1")
    driven.add_task(worker="v", task_id="b", family="F", deps=["a"], incarnation="1")
    assert driven.get_work(worker="v", incarnation="1")["n_can_run"] == 2
    driven.remove_worker("w", incarnation="1")
    assert driven.get_work(worker="v", incarnation="1")["n_can_run"] == 0


def test_whom_time_has_taken_is_told_of_and_who_said_goodbye_is_not() -> None:
    """Somebody should look after a machine that has gone silent."""
    driven, _ = working("a", "b")
    driven.add_worker(worker="v", info={})
    driven.add_worker(worker="s", info={"submission": True})
    driven.remove_worker("v")
    driven.time += 61
    driven.prune()
    assert list(driven.machine.given_up) == [("w", 61.0, 2)]
