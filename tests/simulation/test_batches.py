"""What simulations have found about batches, and is no matter of one seed."""

from __future__ import annotations

from actorsched.simulation.script import reporting
from actorsched.simulation.work import Plan
from tests.simulation.scenarios.scene import Scene


def test_a_batch_takes_its_resources_from_its_grant_on() -> None:
    """Who asks for work before the child has made the combined task gets nothing that the batch will use.

    Found by seed 1000553, when what is drawn for batches had resources, too.
    """
    licence = {"licence": 1}
    plans = [
        Plan(name=name, duration_s=20, resources=licence, batched=name != "other")
        for name in ("a", "b", "other")
    ]
    with Scene(*plans, submissions={"w1": ("a", "b"), "w2": ("other",)}) as scene:
        combined = scene.script.hold("request", "add_task", node="w1", where=reporting("RUNNING"))
        scene.start("scheduler", "w1")
        scene.reach(lambda: combined.happened)
        assert scene.status("a") == scene.status("b") == "BATCH_RUNNING"
        scene.start("w2")
        scene.advance(10.0)
        assert not scene.runs("other")
        combined.release()
        scene.finish()
