"""Messages that come when they are true no more."""

from __future__ import annotations

from actorsched.simulation.script import reporting
from actorsched.simulation.work import Plan
from tests.simulation.scenarios import protections as without
from tests.simulation.scenarios.scenario import scenario
from tests.simulation.scenarios.scene import Scene, task_id


@scenario("result of an old run after cancel and resubmit", "dask/distributed#7356", without.fences)
def an_old_run_reports_after_its_task_was_cancelled_and_submitted_again() -> None:
    """The report of the first run must not end the second one."""
    plan = Plan(name="a", duration_s=10, endings=("fail", "ok"))
    with Scene(plan, submissions={"w1": ("a",), "w2": ("a",)}) as scene:
        report = scene.script.hold("request", "add_task", node="w1", where=reporting("FAILED"))
        scene.start("scheduler", "w1")
        scene.reach(lambda: report.happened)
        pings = scene.script.hold("request", "ping", node="w1")
        scene.ask("cancel_task", task_id=task_id("a"))
        scene.reach(lambda: scene.status("a") == "DISABLED")  # its worker is silent for too long
        scene.start("w2")
        scene.reach(lambda: len(scene.runs("a")) == 2)
        report.release()
        pings.release()
        scene.advance(5.0)
        assert scene.status("a") == "RUNNING"
        assert scene.record("a").worker_running == "w2"
        scene.finish()
        assert len(scene.runs("a")) == 2


@scenario("stale PENDING after DONE", "spotify/luigi#2644", without.cooldown)
def somebody_who_looked_before_the_end_registers_after_it() -> None:
    """The task was not complete when it was looked at, and is when that arrives: it must not run again."""
    with Scene(Plan(name="a", duration_s=5), submissions={"w1": ("a",), "w2": ("a",)}) as scene:
        scene.start("scheduler", "w1")
        scene.reach(lambda: bool(scene.live("a")))
        stale = scene.script.hold("request", "add_task", node="w2")
        scene.start("w2")
        scene.reach(lambda: stale.happened)
        assert stale.calls[0].params["status"] == "PENDING"
        scene.reach(lambda: scene.status("a") == "DONE")
        scene.advance(3.0)
        stale.release()
        scene.advance(3.0)
        assert scene.status("a") == "DONE"
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("late RUNNING after DONE", "cylc/cylc-flow#6315", without.absorbing_ends)
def a_claim_of_a_run_comes_after_its_end() -> None:
    """A run that has ended does not go on again, whoever repeats that it goes on."""
    with Scene(Plan(name="a", duration_s=20), submissions={"w1": ("a",)}) as scene:
        claim = scene.script.double("add_task", node="w1", where=reporting("RUNNING"), later_s=25.0)
        scene.start()
        scene.reach(lambda: bool(scene.live("a")))
        scene.inflict("crash", "scheduler", 0.1)  # it remembers nothing, so the run is claimed
        scene.reach(lambda: claim.happened)
        scene.reach(lambda: scene.status("a") == "DONE")
        scene.ask("add_task", **claim.calls[0].params)  # from a client that is not remembered any more
        assert scene.status("a") == "DONE"
        scene.advance(30.0)  # and as a copy of the frame
        assert scene.status("a") == "DONE"
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("heartbeat late just after completion", "apache/airflow#12396", without.signs_of_life)
def heartbeats_come_only_after_the_report_of_the_end() -> None:
    """The report is a sign of life as good as a ping, so nothing is taken from its worker."""
    plans = Plan(name="a", duration_s=25), Plan(name="b", duration_s=20, deps=("a",))
    with Scene(*plans, submissions={"w1": ("b",)}, lease_s=30.0) as scene:
        pings = scene.script.hold("request", "ping", node="w1")
        introductions = scene.script.notice("request", "add_worker", node="w1", times=None)
        scene.start()
        scene.reach(lambda: scene.status("a") == "DONE")
        scene.reach(lambda: scene.status("b") == "RUNNING")
        run_id = scene.record("b").run_id
        scene.advance(36.0 - scene.now_s)  # more than a lease since the last ping that was heard
        assert scene.record("b").run_id == run_id
        pings.release()
        scene.advance(2.0)
        assert (scene.status("a"), scene.record("b").run_id) == ("DONE", run_id)
        assert len(introductions.calls) == 1
        scene.finish()
        assert (len(scene.runs("a")), len(scene.runs("b"))) == (1, 1)
