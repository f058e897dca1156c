"""A scheduler that keeps its state, and what can happen to it and to its disk."""

from __future__ import annotations

from actorsched.simulation.node import Node
from actorsched.simulation.script import granting, reporting
from actorsched.simulation.work import Plan
from tests.simulation.scenarios import protections as without
from tests.simulation.scenarios.scenario import scenario
from tests.simulation.scenarios.scene import Scene


@scenario(
    "restart of the scheduler with tasks granted but not started",
    "apache/airflow#1514",
    without.second_handing_out,
)
def the_scheduler_restarts_between_a_grant_and_its_run() -> None:
    """The worker gets that very run when it asks again; nobody waits for a lease, or for a person."""
    plan = Plan(name="a", duration_s=10)
    with Scene(plan, submissions={"w1": ("a",)}, store="full", lease_s=60.0) as scene:
        grant = scene.script.hold("answer", "get_work", node="w1", where=granting, times=1)
        scene.start()
        scene.reach(lambda: grant.happened)
        run_id = scene.record("a").run_id
        scene.inflict("crash", "scheduler", 2.0)
        scene.expect(lambda: bool(scene.live("a")), within_s=20.0)
        assert scene.record("a").run_id == run_id
        grant.release()
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("scheduler crashes right after it acknowledged", "spotify/luigi#96", without.commits_in_time)
def the_scheduler_crashes_when_a_report_is_acknowledged() -> None:
    """What the worker knows to be told is remembered by the next life of the scheduler."""
    with Scene(Plan(name="a", duration_s=5), submissions={"w1": ("a",)}, store="full") as scene:
        scene.script.notice(
            "answer",
            "add_task",
            node="w1",
            where=reporting("DONE"),
            then=lambda: scene.inflict("crash", "scheduler", 3.0),
        )
        scene.start()
        scene.reach(lambda: scene.has("a"))
        scene.advance(2.0)
        scene.expect(lambda: bool(scene.simulation.machines()), within_s=15.0)
        assert scene.status("a") == "DONE"
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("full disk", "rancher/rancher#2285", without.refusing_what_cannot_be_stored)
def nothing_can_be_stored_for_a_while() -> None:
    """Nothing is acknowledged that is not stored, nobody gives up, and with room all goes on."""
    plans = Plan(name="a", duration_s=5), Plan(name="b", duration_s=5, deps=("a",))
    with Scene(*plans, submissions={"w1": ("b",)}, store="full", lease_s=60.0) as scene:
        report = scene.script.notice("answer", "add_task", node="w1", where=reporting("DONE"), times=None)
        scene.start()
        scene.reach(lambda: bool(scene.live("a")))
        scene.inflict("full", "scheduler", 30.0)
        scene.reach(lambda: scene.has("a"))
        scene.advance(20.0)
        assert all(call.error is not None for call in report.calls)
        scene.expect(lambda: scene.has("b"), within_s=40.0)
        scene.finish()
        assert (len(scene.runs("a")), len(scene.runs("b"))) == (1, 1)


@scenario(
    "paused leader wakes up after its lease", "kubernetes/kubernetes#125761", without.fences_of_the_store
)
def a_standby_takes_over_from_a_scheduler_that_stands_still() -> None:
    """When the first one wakes up, it has no say any more; workers find the second one, no run is lost."""
    plans = [Plan(name=f"t{n}", duration_s=8, deps=(f"t{n - 1}",) if n else ()) for n in range(6)]
    submissions = {"w1": ("t5",), "w2": ("t5",)}
    with Scene(*plans, submissions=submissions, store="full", standby=True, lease_s=60.0) as scene:
        serving = scene.simulation.serving
        scene.start()
        scene.reach(lambda: bool(scene.live("t1")))
        first = serving()
        assert first is not None
        other = "standby" if first.name == "scheduler" else "scheduler"
        scene.inflict("pause", first.name, 40.0)
        scene.expect(lambda: _name(serving()) == other, within_s=15.0)
        scene.expect(lambda: bool(scene.runs("t2")), within_s=25.0)
        scene.reach(lambda: not first.paused)
        scene.advance(10.0)
        assert _name(serving()) == other
        assert not scene.simulation.programs.schedulers[first.name].serving
        scene.finish()
        assert all(len(scene.runs(plan.name)) == 1 for plan in plans)


def _name(node: Node | None) -> str:
    return "" if node is None else node.name
