"""A world that does not move any more is not watched to its last second."""

from __future__ import annotations

from actorsched.actors.worker import WorkerActor
from actorsched.simulation import Options, Plan, Report, Simulation


class Idler(WorkerActor):
    """Asks for nothing."""

    def _may_ask(self) -> bool:
        return False


def play(worker_class: type[WorkerActor], *plans: Plan) -> Report:
    options = Options(seed=3, workers=1, assistants=0, hostile_s=10.0, bound_s=100.0, disable_s=10.0)
    submissions = {"w1": tuple(plan.name for plan in plans)}
    return Simulation(
        options, plans=plans, submissions=submissions, faults=(), worker_class=worker_class
    ).run()


def test_it_ends_soon_after_nothing_can_happen_any_more() -> None:
    """Ten tasks are given ten times as long as one, when something happens."""
    plans = [Plan(name=f"t{n}", duration_s=60.0) for n in range(10)]
    report = play(Idler, *plans)
    assert {finding.checker for finding in report.findings} == {"EverythingEnds"}
    assert "nothing happened for" in report.findings[0].text
    assert report.now_s < 800.0
    assert report.digest == play(Idler, *plans).digest


def test_it_goes_on_while_something_happens() -> None:
    """However long that takes together."""
    plans = [Plan(name=f"t{n}", duration_s=200.0, deps=(f"t{n - 1}",) if n else ()) for n in range(10)]
    report = play(WorkerActor, *plans)
    assert report.ok, report.describe()
    assert report.now_s > 2_000.0


def test_what_will_appear_is_waited_for() -> None:
    report = play(WorkerActor, Plan(name="late", appears_s=5_000.0), Plan(name="top", deps=("late",)))
    assert report.ok, report.describe()
    assert report.complete == 2
