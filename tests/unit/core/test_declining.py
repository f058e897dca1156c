"""A worker that cannot load a task gives it back: others get it, and it fails when nobody is left."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.core.machine import SchedulerMachine
from actorsched.core.origin import AGAIN_S, DECLINED_S
from actorsched.core.waking import take_hints
from actorsched.tasks.reports import cause_of
from tests.machines import Driven

WHY = "no module 'm': neither installed nor in the current folder"


class Cluster(Driven):
    """Tasks that somebody has submitted, and nodes that take them."""

    def submit(self, *names: str, family: str = "F", **more: Any) -> None:
        self.add_worker("submitter", {"submission": True, "workers": 1})
        for name in names:
            self.add_task(worker="submitter", task_id=name, module="m", family=family, **more)

    def ask(self, node: str, most: int = 1) -> list[dict[str, Any]]:
        self.add_worker(node, {"assistant": True, "workers": most}, incarnation=node)
        work = self.get_work(worker=node, assistant=True, max_tasks=most, current_tasks=[])
        return list(work["tasks"])

    def names(self, node: str, most: int = 1) -> list[str]:
        return [grant["task_id"] for grant in self.ask(node, most)]

    def decline(self, node: str, grant: dict[str, Any], why: str = WHY) -> Any:
        return self.add_task(
            worker=node,
            incarnation=node,
            task_id=grant["task_id"],
            status="PENDING",
            runnable=None,
            run_id=grant["run_id"],
            declined=why,
        )

    def decline_one(self, node: str, why: str = WHY) -> str:
        [grant] = self.ask(node)
        assert self.decline(node, grant, why) is None
        return str(grant["task_id"])

    def error(self, name: str) -> str:
        return str(self.fetch_error(name)["error"])


@pytest.fixture
def cluster() -> Cluster:
    """With two nodes that are there and have nothing to do."""
    made = Cluster(resources={"gpu": 1})
    for node in ("bare", "able"):
        assert made.ask(node) == []
    return made


def test_what_a_node_cannot_load_is_for_another_one(cluster: Cluster) -> None:
    """It was not the task's fault, so no failure is counted."""
    cluster.submit("a", "b")
    assert cluster.decline_one("bare") == "a"
    assert cluster.status("a") == "PENDING"
    assert cluster.ask("bare", 9) == []
    assert cluster.names("able", 9) == ["a", "b"]
    assert cluster.machine.tasks["a"].trouble is None


def test_other_tasks_are_not_meant(cluster: Cluster) -> None:
    """An old version of a module may lack one family and have the others."""
    cluster.submit("a")
    cluster.submit("b", family="G")
    cluster.add_task(worker="submitter", task_id="c", module="n", family="F")
    cluster.decline_one("bare")
    assert cluster.names("bare", 9) == ["b", "c"]


def test_what_comes_later_is_not_offered_either(cluster: Cluster) -> None:
    """Whether it is registered later, or becomes ready later."""
    cluster.submit("a")
    cluster.add_task(worker="submitter", task_id="first", module="n", family="N")
    cluster.submit("behind", deps=["first"])
    cluster.decline_one("bare")
    cluster.submit("c", resources={"gpu": 1}, priority=7)
    [grant] = cluster.ask("bare", 9)
    assert grant["task_id"] == "first"
    cluster.add_task(
        worker="bare", incarnation="bare", task_id="first", status="DONE", run_id=grant["run_id"]
    )
    assert cluster.ask("bare", 9) == []
    assert cluster.names("able", 9) == ["c", "a", "behind"]


def test_nor_in_advance(cluster: Cluster) -> None:
    cluster.submit("a")
    cluster.decline_one("bare")
    cluster.add_task(worker="submitter", task_id="first", module="n", family="N")
    cluster.submit("behind", deps=["first"])
    ask = {"assistant": True, "max_tasks": 9, "current_tasks": [], "ahead": {"": 3}}
    assert [grant["task_id"] for grant in cluster.get_work(worker="bare", **ask)["tasks"]] == ["first"]


def test_a_resource_is_not_kept_for_a_node_that_cannot_load_what_needs_it(cluster: Cluster) -> None:
    """Neither by greedy reservation nor by handing it out."""
    cluster.submit("a", resources={"gpu": 1}, priority=9)
    cluster.decline_one("bare")
    cluster.add_task(worker="submitter", task_id="other", family="N", resources={"gpu": 1})
    assert cluster.names("able", 9) == ["a"]
    cluster.add_task(worker="able", incarnation="able", task_id="a", status="DONE")
    cluster.submit("a2", resources={"gpu": 1}, priority=9)
    cluster.disable_worker("able")
    cluster.remove_worker("able", incarnation="able")
    assert cluster.names("bare", 9) == ["other"]


def test_the_last_one_who_declines_fails_it_and_all_say_why(cluster: Cluster) -> None:
    """Whoever waits for it is to hear who was asked, and what can be done."""
    cluster.submit("a", "b", "c")
    cluster.submit("behind", deps=["a"])
    assert cluster.decline_one("bare") == "a"
    assert cluster.decline_one("able", "module 'm' is not allowed; say --allow-module m") == "a"
    assert [cluster.status(name) for name in "abc"] == ["FAILED"] * 3
    assert cluster.status("behind") == "PENDING"
    assert cluster.error("c") == (
        f"no worker can load it: bare: {WHY}; able: module 'm' is not allowed; say --allow-module m"
    )
    assert cluster.machine.tasks["a"].trouble.streak == 1
    assert cluster.count_pending("submitter")["n_can_run"] == 0


def test_the_end_of_a_traceback_is_shown_too() -> None:
    """In lists there is the line that says who cannot, and why."""
    alone = Cluster()
    alone.submit("a")
    alone.decline_one(
        "n", "'m' cannot be imported: KeyError: 'HOME'\nTraceback\n  File \"m.py\", line 1\nKeyError: 'HOME'"
    )
    line = "no worker can load it: n: 'm' cannot be imported: KeyError: 'HOME'"
    assert alone.error("a").splitlines() == [
        "    'm' cannot be imported: KeyError: 'HOME'",
        "    Traceback",
        '      File "m.py", line 1',
        "    KeyError: 'HOME'",
        "",
        line,
    ]
    assert cause_of(alone.error("a")) == line
    assert list(alone.machine.unloadable) == [("m", "F", 1, line)]


def test_a_retry_asks_everybody_anew(cluster: Cluster) -> None:
    """What was missing may be there by then."""
    cluster.submit("a")
    for _ in range(2):
        assert cluster.decline_one("bare") == "a"
        assert cluster.decline_one("able") == "a"
        assert cluster.status("a") == "FAILED"
        cluster.after(901.0)
        assert cluster.status("a") == "PENDING"
    assert cluster.names("bare") == ["a"]


def test_what_is_under_way_when_nobody_is_left_fails_as_well(cluster: Cluster) -> None:
    """Else each of them would go round all nodes again, and the more slots, the more of them."""
    cluster.submit("a", "b", "c", "d", "e")
    first, second = cluster.ask("bare", 2), cluster.ask("able", 2)
    for node, grants in (("bare", first), ("able", second)):
        for grant in grants:
            cluster.decline(node, grant)
    assert [cluster.status(name) for name in "abcde"] == ["FAILED"] * 5
    assert all(cluster.machine.tasks[name].trouble.streak == 1 for name in "abcde")


def test_what_comes_just_after_is_asked_about_soon(cluster: Cluster) -> None:
    """Whoever submits it once more hears the same at once, and not after ten minutes."""
    cluster.submit("a")
    cluster.decline_one("bare")
    cluster.decline_one("able")
    cluster.submit("b")
    assert cluster.ask("bare") == []
    cluster.after(AGAIN_S)
    assert cluster.decline_one("bare") == "b"
    assert cluster.decline_one("able") == "b"
    assert cluster.status("b") == "FAILED"


def test_who_can_after_all_is_woken_again(cluster: Cluster) -> None:
    """What it lacked was installed meanwhile."""
    cluster.submit("a", "b")
    cluster.decline_one("bare")
    cluster.after(DECLINED_S)
    assert cluster.names("bare", 9) == ["a", "b"]
    for node in ("bare", "able"):
        assert cluster.get_work(worker=node, assistant=True)["task_id"] is None
    take_hints(cluster.machine)
    cluster.submit("c", "d")
    assert set(take_hints(cluster.machine)[0]) == {"bare", "able"}


def submitted_to_bare_nodes() -> Cluster:
    cluster = Cluster()
    cluster.submit("a", "b")
    cluster.submit("never", family="G", retry_policy_dict={"retry_delay": -1})
    for _ in range(2):
        cluster.decline_one("bare")
    assert [cluster.status(name) for name in ("a", "b", "never")] == ["FAILED"] * 3
    return cluster


def test_a_node_that_comes_later_does_it_at_once_and_it_has_not_failed() -> None:
    """Somebody has read the error and started one with the module; nobody wants to wait for the retry."""
    cluster = submitted_to_bare_nodes()
    cluster.after(1.0)
    assert cluster.status("a") == "FAILED"
    cluster.ask("able")
    cluster.after(1.0)
    assert cluster.names("able", 9) == ["a", "b"]
    trouble = cluster.machine.tasks["a"].trouble
    assert (trouble.failures, trouble.streak, trouble.first_failure) == ([], 0, None)
    assert cluster.status("never") == "FAILED"


def test_nodes_that_come_and_cannot_either_do_not_disable_it() -> None:
    """They may come and go as often as they like; what counts is how long nobody could."""
    cluster = Cluster()
    cluster.submit("a", retry_policy_dict={"retry_count": 2})
    for number in range(5):
        assert cluster.decline_one(f"n{number}") == "a"
        assert cluster.status("a") == "FAILED"
        cluster.remove_worker(f"n{number}", incarnation=f"n{number}")
        cluster.add_worker(f"n{number + 1}", {"assistant": True}, incarnation=f"n{number + 1}")
        cluster.after(1.0)
        assert cluster.status("a") == "PENDING"


def test_what_has_failed_for_another_reason_since_waits_for_its_retry() -> None:
    """The newcomer is no news for it."""
    cluster = submitted_to_bare_nodes()
    cluster.forgive_failures("a")
    cluster.after(AGAIN_S)
    [grant] = cluster.ask("bare")
    cluster.add_task(worker="bare", incarnation="bare", task_id="a", status="FAILED", run_id=grant["run_id"])
    cluster.ask("able")
    cluster.after(1.0)
    assert (cluster.status("a"), cluster.status("b")) == ("FAILED", "PENDING")


def test_the_policy_of_the_task_counts() -> None:
    """As after any failure."""
    alone = Cluster()
    alone.submit("a", retry_policy_dict={"retry_count": 1})
    alone.decline_one("n")
    assert alone.status("a") == "DISABLED"


def test_it_waits_for_a_node_that_begins_anew(cluster: Cluster) -> None:
    """What only one node can load does not fail because that one is restarted; nor does it wait for ever."""
    cluster.submit("a")
    cluster.decline_one("bare")
    cluster.remove_worker("able", incarnation="able")
    cluster.submit("b")
    cluster.after(60.0)
    assert cluster.ask("bare", 9) == []
    assert [cluster.status(name) for name in "ab"] == ["PENDING", "PENDING"]
    assert cluster.names("able") == ["a"]
    cluster.remove_worker("able", incarnation="able")
    cluster.after(DECLINED_S)
    assert cluster.decline_one("bare") == "a"
    assert [cluster.status(name) for name in "ab"] == ["FAILED", "FAILED"]


def test_while_it_waits_it_says_for_what(cluster: Cluster) -> None:
    """Else it would look as if nobody cared."""
    cluster.submit("a")
    cluster.decline_one("bare")
    assert cluster.dep_graph("a")["a"]["blocked_reason"] is None
    cluster.remove_worker("able", incarnation="able")
    assert cluster.dep_graph("a")["a"]["blocked_reason"] == f"no worker can load it: bare: {WHY}"


def test_a_node_is_asked_again_after_a_while(cluster: Cluster) -> None:
    """It may have been a disk that was away for a moment."""
    cluster.submit("a", "b")
    cluster.decline_one("bare")
    cluster.after(DECLINED_S - 1)
    assert cluster.ask("bare") == []
    cluster.after(1)
    assert cluster.names("bare") == ["a"]


@pytest.mark.parametrize("how", ["another life", "goodbye", "silence"])
def test_another_life_of_a_node_is_asked_again(how: str, cluster: Cluster) -> None:
    """It was started with another path, as a rule."""
    cluster.submit("a")
    cluster.decline_one("bare")
    if how == "goodbye":
        cluster.remove_worker("bare", incarnation="bare")
    elif how == "silence":
        cluster.time += 100.0
        for node in ("able", "submitter"):
            cluster.ping(node)
        cluster.prune()
    else:
        cluster.add_worker("bare", {"assistant": True}, incarnation="bare 2", replaces="bare")
        work = cluster.get_work(worker="bare", assistant=True, incarnation="bare 2")
        assert work["task_id"] == "a"
        return
    assert cluster.names("bare") == ["a"]
    assert cluster.machine.ready.origins == {}


@pytest.mark.parametrize("who", ["out of service", "without slots", "submission"])
def test_nobody_counts_who_will_not_take_it(who: str) -> None:
    """What waits for such a one would wait for ever."""
    cluster = Cluster()
    cluster.submit("a")
    if who == "out of service":
        cluster.ask("other")
        [run] = cluster.machine.workers["other"].runs
        cluster.add_task(worker="other", task_id=run.task_id, status="PENDING", run_id=run.run_id)
        cluster.disable_worker("other")
    elif who == "without slots":
        cluster.add_worker("other", {"workers": 0})
        cluster.add_task(worker="other", task_id="a")
    cluster.decline_one("n")
    assert cluster.status("a") == "FAILED"


def test_who_has_registered_it_itself_is_left(cluster: Cluster) -> None:
    """It has the task, and runs it when it has a free slot."""
    cluster.add_worker("program", {"workers": 1})
    cluster.add_task(worker="program", task_id="own", module="m", family="F")
    cluster.submit("other")
    cluster.decline_one("bare")
    cluster.decline_one("able")
    assert (cluster.status("own"), cluster.status("other")) == ("PENDING", "FAILED")
    assert cluster.names("bare") == []
    assert cluster.get_work(worker="program")["task_id"] == "own"


def test_members_of_a_batch_are_given_back_one_by_one(cluster: Cluster) -> None:
    """The combined task was never made."""
    cluster.add_task_batcher("bare", "F", ["n"])
    for n in "123":
        cluster.submit(f"f{n}", params={"n": n}, batchable=True)
    [batch] = cluster.ask("bare")
    assert batch["batch_task_ids"] == ["f1", "f2", "f3"]
    for name in batch["batch_task_ids"]:
        cluster.decline("bare", {"task_id": name, "run_id": batch["run_id"]})
    assert cluster.ask("bare", 9) == []
    assert cluster.names("able", 9) == ["f1", "f2", "f3"]


@pytest.mark.parametrize(
    "lie", [{"run_id": None}, {"run_id": "e-999"}, {"worker": "able", "incarnation": None}]
)
def test_only_who_holds_the_run_can_decline_it(lie: dict[str, Any], cluster: Cluster) -> None:
    """Others know nothing of it."""
    cluster.submit("a", "b")
    [grant] = cluster.ask("bare")
    said = {"worker": "bare", "incarnation": "bare", "run_id": grant["run_id"]} | lie
    cluster.add_task(task_id="a", status="PENDING", runnable=None, declined=WHY, **said)
    assert cluster.machine.ready.origins == {}


def test_the_ready_are_woken_for_and_not_who_has_declined(cluster: Cluster) -> None:
    """The hint would be wasted, and the other node would sleep on."""
    cluster.submit("a")
    take_hints(cluster.machine)
    cluster.decline_one("bare")
    assert cluster.ask("bare") == []
    assert take_hints(cluster.machine)[0] == ["able"]


def test_a_schedulers_new_memory_has_none_of_it(cluster: Cluster) -> None:
    """It is asked once more, and says it once more."""
    cluster.submit("a")
    cluster.decline_one("bare")
    again = Cluster()
    again.machine = SchedulerMachine(again.machine.settings, resources={"gpu": 1}, epoch="f")
    again.machine.load(cluster.machine.export(), again.now)
    assert again.names("bare") == ["a"]


def test_it_costs_nothing_where_nobody_declines(cluster: Cluster) -> None:
    """As many classes as ever: one for all that the submitter has registered."""
    for n in range(100):
        cluster.submit(f"t{n}", family=f"F{n}")
    assert len(cluster.machine.ready.classes) == 1
    cluster.decline_one("bare")
    assert len(cluster.machine.ready.classes) == 2


def test_a_task_that_was_cancelled_meanwhile_is_not_asked_about_again(cluster: Cluster) -> None:
    """Nobody is left out for the rest of its life because of it."""
    cluster.submit("a", "b")
    [grant] = cluster.ask("bare")
    cluster.cancel_task("a")
    cluster.decline("bare", grant)
    assert cluster.status("a") == "DISABLED"
    assert cluster.ask("bare") == []
    assert cluster.names("able") == ["b"]
