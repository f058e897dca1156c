"""What users build their tests from: strategies, a state machine, a simulation that is driven by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import actorsched.simulation as public
from actorsched.actors.messages import SlotEnded
from actorsched.actors.worker import WorkerActor
from actorsched.errors import ConfigError
from actorsched.simulation import (
    Case,
    Fault,
    Options,
    Plan,
    Simulation,
    SimulationMachine,
    cases,
    fault_plans,
    hostile_options,
    shrink,
    task_graphs,
)
from actorsched.simulation.strategies import SMALL

BOUNDED = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_what_is_public_is_there() -> None:
    """And nothing is named that is not."""
    assert all(getattr(public, name) is not None for name in public.__all__)
    assert set(public._HOMES) == set(public.__all__)
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = public.no_such_thing


@settings(BOUNDED, max_examples=200)
@given(task_graphs(max_tasks=6))
def test_a_graph_needs_only_what_is_before_it(graph: tuple[Plan, ...]) -> None:
    """So that it has no cycle, and can be submitted in its order."""
    known: set[str] = set()
    for plan in graph:
        assert {*plan.deps, *plan.more} <= known
        assert plan.can_end
        known.add(plan.name)
    assert 1 <= len(graph) == len(known) <= 6


@settings(BOUNDED, max_examples=100)
@given(fault_plans(["w1"], within_s=10, longest_s=3, kinds=["crash", "pause"]))
def test_a_plan_of_faults_is_in_order_and_in_bounds(faults: tuple[Fault, ...]) -> None:
    assert list(faults) == sorted(faults, key=lambda fault: fault.at_s)
    assert all(fault.at_s <= 10 and fault.for_s <= 3 and fault.node == "w1" for fault in faults)
    assert {fault.kind for fault in faults} <= {"crash", "pause"}


def test_an_option_that_is_unknown_is_refused() -> None:
    with pytest.raises(ConfigError, match="dorp"):
        hostile_options(dorp=0.1)
    with pytest.raises(ConfigError, match="min_tasks=3"):
        task_graphs(min_tasks=3, max_tasks=2)


@BOUNDED
@given(cases())
def test_the_worker_that_ships_holds(case: Case) -> None:
    """Whatever the strategies draw."""
    report = Simulation.of(case).run()
    assert report.ok, report.describe()


def test_the_machine_finds_nothing_in_the_worker_that_ships() -> None:
    class Hostile(SimulationMachine):
        options = Options(**{name: getattr(SMALL, name) for name in SMALL.__struct_fields__} | {"drop": 0.05})

    run_state_machine_as_test(Hostile, settings=BOUNDED)  # type: ignore[no-untyped-call]


def test_a_simulation_is_driven_step_by_step() -> None:
    """A scenario: the worker that has the task is gone for longer than its lease, and another one does it."""
    with Simulation(SMALL, plans=[], submissions={"w1": (), "w2": ()}, faults=[]) as simulation:
        simulation.submit("w1", [Plan(name="a", duration_s=30.0), Plan(name="b", deps=("a",))])
        simulation.advance(10.0)
        assert simulation.held_runs() == [("w1", "Work_a_" + simulation.held_runs()[0][1].rpartition("_")[2])]
        simulation.inflict("crash", "w1", 60.0)
        simulation.submit("w2", names=["b"])
        simulation.advance(100.0)
        assert simulation.world.has("b")
        simulation.cancel("b")
        simulation.finish()
        assert simulation.report().ok


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda simulation: simulation.submit("w9", [Plan(name="x")]), "nobody submits on 'w9'; workers: w1"),
        (lambda simulation: simulation.submit("w1", [Plan(name="a")]), "a plan 'a' already"),
        (lambda simulation: simulation.submit("w1", [Plan(name="x", deps=("y",))]), "no plan is called 'y'"),
        (lambda simulation: simulation.submit("w1", names=["y"]), "no plan is called 'y'"),
        (lambda simulation: simulation.cancel("y"), "no plan is called 'y'"),
        (lambda simulation: simulation.inflict("crash", "w9"), "no node 'w9'; nodes: scheduler, w1"),
    ],
)
def test_names_that_mean_nothing_are_refused(act: Any, said: str) -> None:
    simulation = Simulation(SMALL, plans=[Plan(name="a")], submissions={"w1": ("a",)}, faults=[])
    with simulation, pytest.raises(ConfigError, match=said):
        act(simulation)


def test_a_case_is_made_smaller_without_a_run_of_it() -> None:
    """Faults, tasks, needs and troubles that are not needed go."""
    plans = tuple(
        Plan(name=f"t{n}", deps=(f"t{n - 1}",) if n else (), endings=("fail", "ok"), priority=n)
        for n in range(9)
    )
    faults = tuple(Fault(at_s=float(n), kind="crash", node="w1", for_s=1.0) for n in range(20))
    case = Case(
        options=Options(drop=0.1), plans=plans, submissions={"w1": ("t8",), "w2": ("t3",)}, faults=faults
    )

    def fails(tried: Case) -> bool:
        names = [plan.name for plan in tried.plans or ()]
        wanted = [name for names in (tried.submissions or {}).values() for name in names]
        return "t3" in names and "t3" in wanted and faults[7] in (tried.faults or ())

    found = shrink(case, fails)
    assert found.faults == (faults[7],)
    assert found.plans == (Plan(name="t3"),)
    assert found.submissions == {"w2": ("t3",)}
    assert found.options.drop == 0


@settings(BOUNDED, max_examples=10)
@given(st.data())
def test_cases_take_strategies_of_the_user(data: st.DataObject) -> None:
    graph = (Plan(name="mine"),)
    case = data.draw(cases(graphs=st.just(graph), faults=st.just(()), options=hostile_options(workers=1)))
    assert case.plans == graph
    assert case.submissions == {"w1": ("mine",)}


class Clumsy(WorkerActor):
    """Makes a mistake of its own with each run that ends."""

    def handle(self, message: object) -> Any:
        if isinstance(message, SlotEnded):
            raise LookupError("my own mistake")
        return super().handle(message)


def test_a_mistake_in_an_actor_of_the_user_is_found_where_it_is_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And not by what comes of it minutes later; nor has anybody to look for it in a log."""
    report = Simulation(
        SMALL, plans=[Plan(name="a")], submissions={"w1": ("a",)}, faults=[], worker_class=Clumsy
    ).run()
    (found,) = report.findings
    assert found.checker == "NothingBreaks"
    assert "Clumsy" in found.text
    assert "LookupError('my own mistake') (test_users.py, line" in found.text
    assert report.now_s < 5
    assert any("a message could not be handled" in line for line in report.last_lines)
    assert not caplog.records


def test_what_actors_log_is_shown_to_who_asks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    case = Case(options=SMALL, plans=(Plan(name="a"),), submissions={"w1": ("a",)}, faults=())
    Simulation.of(case, worker_class=Clumsy, logs=True).run()
    assert "a message could not be handled" in caplog.text


def test_a_machine_is_shrunk_without_a_trace_of_each_line() -> None:
    """Hypothesis would explain what it found, and take minutes for it."""

    class Mine(SimulationMachine):
        """With settings that nobody has chosen."""

    assert Phase.explain not in Mine.TestCase.settings.phases
    assert Phase.shrink in Mine.TestCase.settings.phases


def test_a_plan_that_cannot_be_carried_out_is_refused() -> None:
    with pytest.raises(ConfigError, match="demands 3 of 'disk', and there is 2"):
        Simulation(SMALL, plans=[Plan(name="a", resources={"disk": 3})], submissions={"w1": ("a",)})
    with (
        Simulation(SMALL, plans=[], submissions={"w1": ()}, faults=[]) as simulation,
        pytest.raises(ConfigError, match="say how its runs end"),
    ):
        simulation.submit("w1", [Plan(name="a", endings=())])
