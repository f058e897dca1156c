"""Asking for several tasks at once, and the ids of what is handed out."""

from __future__ import annotations

import pytest

from actorsched.errors import InvalidParamsError
from tests.machines import Driven


def names(grants: list[dict[str, str]]) -> list[str]:
    return [grant["task_id"] for grant in grants]


def test_several_come_in_the_order_in_which_they_would_come_one_by_one() -> None:
    one_by_one, at_once = Driven(), Driven()
    for driven in (one_by_one, at_once):
        for n in range(9):
            driven.add_task(worker="w", task_id=f"t{n}", priority=n * 5 % 3, resources={"r": 0.25})
    first = [one_by_one.get_work(worker="w")["task_id"] for _ in range(6)]
    assert first[4:] == [None, None]
    assert names(at_once.get_work(worker="w", max_tasks=6)["tasks"]) == first[:4]


@pytest.mark.parametrize("n", [1, 2, 3, 99])
def test_as_many_as_there_are_and_no_more_than_was_asked_for(n: int) -> None:
    driven = Driven()
    for name in "ab":
        driven.add_task(worker="w", task_id=name)
    driven.add_task(worker="w", task_id="c", deps=["a"])
    work = driven.get_work(worker="w", max_tasks=n)
    assert names(work["tasks"]) == ["a", "b"][:n]
    assert work["task_id"] == "a"
    assert work["run_id"] == work["tasks"][0]["run_id"]
    assert len({grant["run_id"] for grant in work["tasks"]}) == len(work["tasks"])


def test_without_work_the_list_is_empty_and_without_the_wish_there_is_none() -> None:
    driven = Driven()
    assert driven.get_work(worker="w", max_tasks=3)["tasks"] == []
    assert "tasks" not in driven.get_work(worker="w")


def test_resources_are_shared_among_those_of_one_answer() -> None:
    driven = Driven(resources={"gpu": 2})
    for name in "abc":
        driven.add_task(worker="w", task_id=name, resources={"gpu": 1})
    driven.add_task(worker="w", task_id="free", priority=-1)
    assert names(driven.get_work(worker="w", max_tasks=9)["tasks"]) == ["a", "b", "free"]


def test_batches_and_single_tasks_come_together() -> None:
    driven = Driven()
    driven.add_task_batcher("w", "F", ["n"], max_batch_size=2)
    for n in "123":
        driven.add_task(worker="w", task_id=f"f{n}", family="F", params={"n": n}, batchable=True)
    driven.add_task(worker="w", task_id="g", family="G")
    first, second, third = driven.get_work(worker="w", max_tasks=9)["tasks"]
    assert first["task_id"] is None
    assert first["batch_task_ids"] == ["f1", "f2"]
    assert first["batch_id"] == first["run_id"]
    assert (second["task_id"], third["task_id"]) == ("f3", "g")


def test_what_has_died_with_a_worker_does_not_wait_with_others() -> None:
    """One that kills its workers would take along what waits with it, each time, until all are disabled."""
    driven = Driven(max_worker_deaths=3)
    for name in "abcdef":
        driven.add_task(worker="submitter", task_id=name)
    ask = {"assistant": True, "max_tasks": 9}
    assert len(driven.get_work(worker="n1", **ask)["tasks"]) == 6
    driven.time += 100.0  # and nothing is heard of it
    driven.ping(worker="submitter")
    driven.prune()
    for name in "abcdef":
        driven.add_task(worker="submitter", task_id=name)
    driven.add_worker("n2", {"workers": 2})
    first = driven.get_work(worker="n2", **ask)["tasks"]
    assert len(first) == 2
    assert driven.get_work(worker="n2", current_tasks=names(first), **ask)["tasks"] == []
    for grant in first:
        driven.add_task(worker="n2", task_id=grant["task_id"], status="DONE", run_id=grant["run_id"])
    assert len(driven.get_work(worker="n2", **ask)["tasks"]) == 2


def test_whoever_asks_must_say_who_it_is() -> None:
    with pytest.raises(InvalidParamsError, match="worker=None"):
        Driven().get_work()


def test_every_id_begins_with_the_epoch_and_no_two_epochs_share_one() -> None:
    """A report or an answer from before a restart of the state cannot be taken for one of now."""
    ids: list[str] = []
    for epoch in ("monday", "tuesday"):
        driven = Driven(epoch=epoch)
        driven.add_task_batcher("w", "F", ["n"])
        for n in "12":
            driven.add_task(worker="w", task_id=f"f{n}", family="F", params={"n": n}, batchable=True)
        driven.add_task(worker="w", task_id="g")
        grants = driven.get_work(worker="w", max_tasks=2)["tasks"]
        mine = [grant["run_id"] for grant in grants]
        mine.append(driven.send_scheduler_message("w", "g", "hello")["message_id"])
        assert all(known.startswith(f"{epoch}-") for known in mine)
        for reply in (driven.hello(), driven.ping("w"), driven.get_work(worker="w")):
            assert reply["epoch"] == epoch
        ids += mine
    assert len(set(ids)) == len(ids) == 6
