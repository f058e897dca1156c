"""Workers and schedulers that begin again."""

from __future__ import annotations

from actorsched.simulation.script import granting
from actorsched.simulation.work import Plan
from tests.simulation.scenarios import protections as without
from tests.simulation.scenarios.scenario import scenario
from tests.simulation.scenarios.scene import Scene


@scenario(
    "same worker id in a new incarnation while a grant is in flight",
    "dask/distributed#6356",
    without.proofs_of_life,
)
def a_worker_begins_anew_while_a_grant_is_under_way() -> None:
    """The new life gets the task at once, and the first words of a life between the two change nothing."""
    with Scene(Plan(name="a", duration_s=20), submissions={"w1": ("a",)}, lease_s=60.0) as scene:
        grant = scene.script.hold("answer", "get_work", node="w1", where=granting, times=1)
        scene.start()
        scene.reach(lambda: grant.happened)
        first = scene.record("a").run_id
        unborn = scene.script.hold("request", "add_worker", node="w1", times=1)
        scene.inflict("crash", "w1")
        scene.reach(lambda: unborn.happened)
        scene.inflict("crash", "w1")
        scene.expect(lambda: len(scene.live("a")) == 1, within_s=15.0)
        second = scene.record("a").run_id
        assert second != first
        unborn.release()
        grant.release()
        scene.advance(5.0)
        assert (scene.status("a"), scene.record("a").run_id) == ("RUNNING", second)
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("poison task that kills its workers", "dask/distributed#334", without.counting_of_deaths)
def a_task_kills_each_worker_that_runs_it() -> None:
    """It is disabled after three, with the reason, and what else there is to do is done."""
    plans = Plan(name="poison", duration_s=30, priority=5), Plan(name="fine", duration_s=5)
    submissions = {"w1": ("poison", "fine")}
    with Scene(*plans, submissions=submissions, disable_s=1e6) as scene:
        scene.when_run("poison", lambda attempt: scene.inflict("crash", attempt.node.name, 2.0))
        scene.start()
        scene.expect(lambda: scene.status("poison") == "DISABLED", within_s=200.0)
        assert len(scene.runs("poison")) == 3
        assert "3 workers in a row died" in scene.record("poison").expl
        scene.expect(lambda: scene.has("fine"), within_s=60.0)
        scene.check()


@scenario("forgotten worker that still owes work", "dask/distributed#5103", without.registering_again)
def a_worker_is_forgotten_while_it_runs_and_waits() -> None:
    """It tells again what runs and what waits, before somebody else gets it."""
    plans = Plan(name="a", duration_s=20), Plan(name="b", duration_s=5, deps=("a",))
    with Scene(*plans, submissions={"w1": ("b",), "w2": ("a",)}) as scene:
        scene.start("scheduler", "w1")
        scene.reach(lambda: bool(scene.live("a")))
        scene.inflict("crash", "scheduler")
        scene.advance(7.0)
        scene.start("w2")
        scene.expect(lambda: scene.has("b"), within_s=40.0)
        scene.finish()
        assert (len(scene.runs("a")), len(scene.runs("b"))) == (1, 1)
