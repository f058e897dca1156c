"""Work that was handed out and does not begin."""

from __future__ import annotations

from actorsched.simulation.script import granting
from actorsched.simulation.wire import Served
from actorsched.simulation.work import Plan
from tests.simulation.scenarios import protections as without
from tests.simulation.scenarios.scenario import scenario
from tests.simulation.scenarios.scene import Scene


@scenario("grant and drain crossing", "taskcluster/docker-worker#506", without.giving_back_while_draining)
def work_is_handed_to_a_worker_that_was_told_to_stop() -> None:
    """It gives the run back unbegun, and somebody else has it within moments."""
    plans = Plan(name="long", duration_s=60, priority=5), Plan(name="a", duration_s=5)
    with Scene(*plans, submissions={"w1": ("long", "a")}, assistants=2) as scene:
        scene.start("scheduler", "w1")
        scene.reach(lambda: bool(scene.live("long")))
        grant = scene.script.hold("answer", "get_work", node="a1", where=granting)
        leaving = scene.serve("a1")
        scene.reach(lambda: grant.happened)
        scene.on("a1", lambda: leaving().stop(drain_s=10.0))
        scene.advance(0.5)
        grant.release()
        scene.start("a2")
        scene.expect(lambda: bool(scene.runs("a")), within_s=20.0)
        assert scene.runs("a")[0].node.name == "a2"
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("prefetched work behind a long task", "celery/celery#3765", without.returning_the_queue)
def short_runs_wait_in_the_slot_of_a_long_one() -> None:
    """They go back to the scheduler, and a worker that has nothing to do gets them."""
    short = [Plan(name=f"s{number:02}", duration_s=0.0005, priority=9) for number in range(40)]
    behind = [Plan(name=f"x{number}", duration_s=0.0005, priority=1) for number in range(3)]
    plans = [*short, Plan(name="long", duration_s=120, priority=5), *behind]
    submissions = {"w1": tuple(plan.name for plan in plans)}
    with Scene(*plans, submissions=submissions, assistants=1, delay_ms=0.1) as scene:
        scene.start("scheduler", "w1")
        scene.reach(lambda: bool(scene.live("long")))
        scene.reach(lambda: scene.status("x0") == "RUNNING", within_s=0.1)
        assert not scene.runs("x0")
        scene.start("a1")
        scene.expect(lambda: scene.has("x0", "x1", "x2"), within_s=20.0)
        assert scene.live("long")
        scene.finish()


def ending(call: Served) -> bool:
    """Of an `add_task`: it is about a run."""
    return bool(call.params.get("run_id"))


@scenario("assistants without the module", "spotify/luigi#1859", without.declining)
def somebody_registers_what_only_some_workers_can_import() -> None:
    """Who cannot gives it back; it is no failure, and who can has it within moments."""
    plans = Plan(name="long", duration_s=300, priority=5), Plan(name="a", duration_s=5)
    with Scene(*plans, submissions={"w1": ("long", "a")}, assistants=2) as scene:
        scene.start("scheduler", "w1")
        scene.reach(lambda: bool(scene.live("long")))
        told = scene.script.hold("request", "add_task", node="a1", where=ending)
        scene.serve("a1", bare=True)
        scene.reach(lambda: told.happened)
        scene.serve("a2")
        scene.advance(5.0)
        told.release()
        scene.expect(lambda: scene.has("a"), within_s=20.0)
        assert [run.node.name for run in scene.runs("a")] == ["a2"]
        assert scene.record("a").trouble is None
        scene.finish()
