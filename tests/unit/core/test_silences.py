"""A task that kills its workers is disabled; a worker that is only cut off was not killed."""

from __future__ import annotations

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.invariants import check_invariants

LEASE_S = SchedulerSettings().worker_disconnect_delay


class World:
    """A task that each worker gets, one after the other, and is silent."""

    def __init__(self, machine: SchedulerMachine | None = None) -> None:
        self.machine = machine or SchedulerMachine(SchedulerSettings(), epoch="e")
        self.at = 0.0

    @property
    def now(self) -> Instant:
        return Instant(self.at, self.at)

    def run_and_be_silent(self, worker: str, incarnation: str | None) -> None:
        self.machine.add_worker(self.now, worker=worker, info={}, incarnation=incarnation)
        self.machine.add_task(self.now, worker=worker, task_id="t", incarnation=incarnation)
        reply = self.machine.get_work(self.now, worker=worker, incarnation=incarnation)
        assert reply["task_id"] == "t"
        self.at += LEASE_S + 1
        self.machine.prune(self.now)
        self.machine.prune(self.now)
        check_invariants(self.machine)

    def come_back(self, worker: str, incarnation: str | None) -> None:
        self.machine.ping(self.now, worker=worker, incarnation=incarnation)
        check_invariants(self.machine)

    def deaths(self) -> int:
        trouble = self.machine.tasks["t"].trouble
        return 0 if trouble is None else trouble.deaths

    def status(self) -> str:
        return self.machine.tasks["t"].status


def test_a_task_that_kills_worker_after_worker_is_disabled() -> None:
    world = World()
    for worker in "abc":
        world.run_and_be_silent(worker, "1")
    assert (world.status(), world.deaths()) == ("DISABLED", 3)


def test_workers_that_were_only_cut_off_do_not_count_when_they_are_back() -> None:
    """Three partitions in a row say nothing about the task."""
    world = World()
    for worker in "abc":
        world.run_and_be_silent(worker, "1")
        world.come_back(worker, "1")
        assert world.deaths() == 0
    assert world.status() != "DISABLED"


def test_a_task_that_was_disabled_for_silences_is_due_again_when_one_of_them_ends() -> None:
    """Nobody waits a day for a task that did no harm."""
    world = World()
    for worker in "abc":
        world.run_and_be_silent(worker, "1")
    assert world.status() == "DISABLED"
    world.come_back("b", "1")
    assert (world.status(), world.deaths()) == ("FAILED", 2)
    assert world.machine.tasks["t"].expl is None
    world.machine.add_task(world.now, worker="b", task_id="t", incarnation="1")
    assert world.machine.get_work(world.now, worker="b", incarnation="1")["task_id"] == "t"


def test_another_life_is_not_the_one_that_died() -> None:
    world = World()
    world.run_and_be_silent("a", "1")
    world.come_back("a", "2")
    assert world.deaths() == 1
    world.come_back("a", "1")
    assert world.deaths() == 1, "by now it is known to be gone"


def test_who_does_not_name_its_life_cannot_show_that_it_is_the_same() -> None:
    """A stock client may have been started again under its id."""
    world = World()
    world.run_and_be_silent("a", None)
    world.come_back("a", None)
    assert world.deaths() == 1


def test_a_life_that_was_replaced_is_dead_for_good() -> None:
    world = World()
    world.machine.add_worker(world.now, worker="a", info={}, incarnation="1")
    world.machine.add_task(world.now, worker="a", task_id="t", incarnation="1")
    world.machine.get_work(world.now, worker="a", incarnation="1")
    world.machine.add_worker(world.now, worker="a", info={}, incarnation="2", replaces="1")
    assert world.deaths() == 1
    assert world.machine.silent == {}


def test_an_end_begins_the_count_anew_and_what_was_silent_is_forgotten() -> None:
    """A worker that is back later must not take back the deaths of others."""
    world = World()
    world.run_and_be_silent("a", "1")
    world.machine.add_task(world.now, worker="b", task_id="t", incarnation="1")
    run_id = world.machine.get_work(world.now, worker="b", incarnation="1")["run_id"]
    world.machine.add_task(
        world.now, worker="b", task_id="t", status="FAILED", run_id=run_id, incarnation="1"
    )
    assert (world.deaths(), world.machine.silent) == (0, {})
    world.machine.forgive_failures(world.now, "t")
    world.run_and_be_silent("b", "1")
    world.come_back("a", "1")
    assert world.deaths() == 1


def test_a_cancelled_task_stays_disabled() -> None:
    world = World()
    world.machine.add_task(world.now, worker="a", task_id="t", incarnation="1")
    world.machine.get_work(world.now, worker="a", incarnation="1")
    world.machine.cancel_task(world.now, "t")
    world.at += LEASE_S + 1
    world.machine.prune(world.now)
    assert world.status() == "DISABLED"
    world.come_back("a", "1")
    assert world.status() == "DISABLED"


def test_silences_are_remembered_by_a_store() -> None:
    """A scheduler that was restarted meanwhile knows the worker that is back."""
    world = World()
    for worker in "abc":
        world.run_and_be_silent(worker, "1")
    restored = SchedulerMachine(SchedulerSettings(), epoch="f")
    restored.load(world.machine.export(), world.now)
    check_invariants(restored)
    world.machine = restored
    world.come_back("c", "1")
    assert (world.status(), world.deaths()) == ("FAILED", 2)
