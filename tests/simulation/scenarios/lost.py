"""Frames that are lost, come twice, or find no room."""

from __future__ import annotations

from actorsched.simulation.script import granting, reporting
from actorsched.simulation.work import Plan
from tests.simulation.scenarios import protections as without
from tests.simulation.scenarios.scenario import scenario
from tests.simulation.scenarios.scene import Scene


@scenario("lost reply to get_work", "spotify/luigi#1341", without.second_handing_out)
def the_answer_with_the_work_is_lost() -> None:
    """The worker gets the same run when it asks again, long before its lease is over."""
    with Scene(Plan(name="a", duration_s=5), submissions={"w1": ("a",)}) as scene:
        lost = scene.script.lose("answer", "get_work", node="w1", where=granting)
        scene.start()
        scene.reach(lambda: lost.happened)
        run_id = scene.record("a").run_id
        scene.expect(lambda: bool(scene.live("a")), within_s=15.0)
        assert scene.record("a").run_id == run_id
        scene.finish()
        assert len(scene.runs("a")) == 1


@scenario("reconnect with buffered messages", "dask/distributed#5457", without.reply_memory)
def a_connection_breaks_while_reports_wait() -> None:
    """What was told before it broke is told again and counts once; what came up meanwhile is told then."""
    plans = [Plan(name=name, duration_s=5.0 + 2 * number) for number, name in enumerate("abcd")]
    with Scene(*plans, submissions={"w1": tuple("abcd")}, slots=4) as scene:
        answer = scene.script.lose("answer", "add_task", node="w1", where=reporting("DONE"), breaks=True)
        scene.start()
        scene.reach(lambda: answer.happened)
        scene.inflict("partition", "w1", 8.0)
        scene.reach(lambda: scene.has(*"abcd"))
        scene.expect(lambda: all(scene.status(name) == "DONE" for name in "abcd"), within_s=30.0)
        scene.finish()
        assert [len(scene.runs(name)) for name in "abcd"] == [1, 1, 1, 1]


@scenario("duplicate of a resource decrease", "spotify/luigi#2346", without.reply_memory)
def what_a_run_gives_back_arrives_twice() -> None:
    """The second time it gives back nothing: the other half is in use."""
    plans = (
        Plan(name="hog", duration_s=20, resources={"memory": 8}, gives_back=True),
        Plan(name="other", duration_s=5, resources={"memory": 8}),
    )
    with Scene(*plans, submissions={"w1": ("hog",), "w2": ("other",)}) as scene:
        copy = scene.script.double("decrease_running_task_resources", node="w1", later_s=2.0)
        scene.start("scheduler", "w1")
        scene.reach(lambda: bool(scene.live("hog")))
        scene.start("w2")
        scene.reach(lambda: copy.happened)
        scene.advance(4.0)
        assert scene.live("hog")
        assert not scene.runs("other")
        scene.expect(lambda: scene.has("other"), within_s=30.0)
        scene.finish()


@scenario("connected but not consuming", "celery/celery#8030", without.asking_unasked)
def a_worker_that_has_reconnected_hears_no_hints() -> None:
    """It asks by itself after a while, so what has become ready is taken all the same."""
    plans = Plan(name="a", duration_s=20), Plan(name="b", duration_s=5, deps=("a",))
    with Scene(*plans, submissions={"w1": ("b",), "w2": ("a",)}) as scene:
        scene.script.lose("hint", "hint", times=None)
        scene.start("scheduler", "w2")
        scene.reach(lambda: bool(scene.live("a")))
        broken = scene.script.lose("answer", "get_work", node="w1", breaks=True)
        scene.start("w1")
        scene.reach(lambda: broken.happened)
        scene.reach(lambda: scene.status("a") == "DONE")
        assert scene.status("b") == "PENDING"
        scene.expect(lambda: bool(scene.live("b")), within_s=8.0)
        scene.finish()


@scenario("full queue on every socket", "zeromq/libzmq#3462", without.patience)
def nobody_can_send_anything_for_a_while() -> None:
    """The scheduler stands still and takes one frame: everybody waits, and nothing is lost or done again."""
    plans = [Plan(name=f"t{number}", duration_s=3.0 if number < 3 else 22.0 + number) for number in range(12)]
    submissions = {f"w{n}": tuple(f"t{number}" for number in range(n - 1, 12, 3)) for n in (1, 2, 3)}
    with Scene(*plans, submissions=submissions, slots=2, queue=1, lease_s=60.0) as scene:
        scene.start()
        scene.reach(lambda: scene.has("t2"))
        scene.inflict("pause", "scheduler", 40.0)
        scene.advance(39.0)
        (serving,) = scene.simulation.network.listeners.values()
        assert serving.queue
        scene.expect(lambda: scene.has(*(plan.name for plan in plans)), within_s=150.0)
        scene.finish()
        assert all(len(scene.runs(plan.name)) == 1 for plan in plans)
