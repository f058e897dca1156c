"""Who is woken, and who is left asleep."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.waking import take_hints


class Driven:
    """A machine whose time goes by as it is told; every call is one second later."""

    def __init__(self, **resources: int) -> None:
        self.machine = SchedulerMachine(SchedulerSettings(), resources=resources, epoch="e")
        self.time = 1000.0

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.time += 1.0
            return getattr(self.machine, name)(Instant(self.time, self.time), *args, **kwargs)

        return call

    def sleepers(self, *workers: str, **options: Any) -> None:
        """These workers ask for work and get none."""
        for worker in workers:
            self.add_worker(worker, {"workers": options.get("max_tasks", 1)})
            assert self.get_work(worker=worker, **options)["task_id"] is None
        assert self.woken() == []

    def woken(self) -> list[str]:
        return take_hints(self.machine)[0]


@pytest.fixture
def driven() -> Driven:
    return Driven(gpu=1)


def test_who_registered_a_task_is_woken_for_it_and_nobody_else(driven: Driven) -> None:
    """Others could not take it."""
    driven.sleepers("a", "b", "c")
    driven.add_task("T", worker="b")
    assert driven.woken() == ["b"]
    assert driven.woken() == []


def test_a_worker_that_got_what_it_asked_for_is_not_woken(driven: Driven) -> None:
    """It asks when it is free again."""
    driven.add_task("T", worker="a")
    assert driven.get_work(worker="a")["task_id"] == "T"
    driven.add_task("U", worker="a")
    assert driven.woken() == []


def test_as_many_are_woken_as_there_are_tasks(driven: Driven) -> None:
    """And not the whole herd."""
    herd = [f"w{number}" for number in range(100)]
    driven.sleepers(*herd, assistant=True)
    driven.add_task("T", worker="owner")
    driven.add_task("U", worker="owner")
    assert driven.woken() == herd[:2]
    driven.add_task("V", worker="owner")
    assert driven.woken() == herd[2:3]


def test_a_worker_with_several_free_slots_counts_for_as_many(driven: Driven) -> None:
    """It gets them all with one question."""
    driven.sleepers("a", "b", assistant=True, max_tasks=4)
    for name in "TUV":
        driven.add_task(name, worker="owner")
    assert driven.woken() == ["a"]


def test_a_task_becomes_ready_when_its_last_dependency_is_done(driven: Driven) -> None:
    """That is when somebody is woken, and not before."""
    driven.add_task("D", worker="a")
    driven.add_task("T", worker="b", deps=["D"])
    driven.sleepers("b")
    assert driven.get_work(worker="a")["task_id"] == "D"
    assert driven.woken() == []
    driven.add_task("D", worker="a", status="DONE")
    assert driven.woken() == ["b"]


def test_nobody_is_woken_for_a_task_whose_resources_are_taken(driven: Driven) -> None:
    """But when they are free again."""
    driven.add_task("T", worker="a", resources={"gpu": 1})
    driven.get_work(worker="a")
    driven.sleepers("b")
    driven.add_task("U", worker="b", resources={"gpu": 1})
    assert driven.woken() == []
    driven.add_task("T", worker="a", status="DONE", resources={"gpu": 1})
    assert driven.woken() == ["b"]


@pytest.mark.parametrize("how", ["decrease", "more"])
def test_resources_come_free_in_other_ways(how: str, driven: Driven) -> None:
    """A run gives some back early, or a person adds some."""
    driven.add_task("T", worker="a", resources={"gpu": 1})
    driven.get_work(worker="a")
    driven.sleepers("b")
    driven.add_task("U", worker="b", resources={"gpu": 1})
    if how == "decrease":
        driven.decrease_running_task_resources("T", {"gpu": 1})
    else:
        driven.update_resource("gpu", 2)
    assert driven.woken() == ["b"]


def test_nobody_is_woken_during_a_pause(driven: Driven) -> None:
    """But after it, for what came before and in it."""
    driven.sleepers("a", "b")
    driven.pause()
    driven.add_task("T", worker="a")
    assert driven.woken() == []
    driven.add_task("U", worker="b")
    driven.unpause()
    assert sorted(driven.woken()) == ["a", "b"]


def test_a_failed_task_wakes_when_it_is_due_again(driven: Driven) -> None:
    """Nobody calls then; time alone passes."""
    driven.add_task("T", worker="a")
    driven.get_work(worker="a")
    driven.add_task("T", worker="a", status="FAILED")
    driven.sleepers("a")
    driven.time += 901.0
    driven.machine.renew_all(Instant(driven.time, driven.time))
    driven.prune()
    assert driven.woken() == ["a"]


@pytest.mark.parametrize("ask", ["get_work", "count_pending"])
def test_who_waits_for_others_is_woken_when_all_is_over(ask: str, driven: Driven) -> None:
    """So that it can end, and does not have to look again and again."""
    driven.add_task("T", worker="runner")
    driven.add_task("T", worker="waiter")
    driven.add_task("U", worker="waiter", deps=["T"], runnable=False)
    assert driven.get_work(worker="runner")["task_id"] == "T"
    getattr(driven, ask)(worker="waiter")
    driven.add_task("T", worker="runner", status="FAILED")
    assert driven.woken() == ["waiter"]
    getattr(driven, ask)(worker="waiter")
    driven.add_task("T", worker="runner", status="DONE")
    assert driven.woken() == []


def test_a_worker_that_is_gone_or_out_of_service_is_not_woken(driven: Driven) -> None:
    """The hint would be wasted on it."""
    driven.sleepers("gone", "disabled", "here", assistant=True)
    driven.disable_worker("disabled")
    driven.time += 50.0
    driven.ping("disabled")
    driven.ping("here")
    driven.time += 30.0
    driven.prune()
    assert "gone" not in driven.machine.workers
    driven.add_task("T", worker="owner")
    driven.add_task("U", worker="owner")
    assert driven.woken() == ["here"]


def test_who_has_messages_is_told_so(driven: Driven) -> None:
    """They come with its next ping."""
    driven.add_worker("a", {})
    driven.set_worker_processes("a", 3)
    driven.send_scheduler_message("b", "T", "hello")
    assert take_hints(driven.machine) == ([], ["a", "b"])
    assert take_hints(driven.machine) == ([], [])
