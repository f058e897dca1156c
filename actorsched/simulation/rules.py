"""A state machine for Hypothesis: somebody submits, cancels, and breaks things, step by step.

Subclass it, choose the worker that is tested, and add rules, invariants and checkers of your own:

    class MyWorkerHolds(SimulationMachine):
        worker_class = MyWorker

    TestMyWorker = MyWorkerHolds.TestCase

Each step lets virtual time pass only where it says so. After each of them no checker may have found anything;
at the end everything is healed, and whatever can end has to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actorsched.actors.worker import WorkerActor
from actorsched.simulation.checker import Checker
from actorsched.simulation.faults import FaultKind
from actorsched.simulation.options import Options
from actorsched.simulation.simulation import Simulation
from actorsched.simulation.strategies import SMALL, task_graphs
from actorsched.simulation.work import Plan

#: all but `explain`, which traces each line and so makes each play several times as slow
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink)

#: of the machine that runs: its workers, its tasks
_workers: st.SearchStrategy[str] = st.runner().flatmap(lambda machine: st.sampled_from(machine.workers))
_tasks: st.SearchStrategy[str] = st.runner().flatmap(lambda machine: st.sampled_from(machine.task_names))
_lengths = st.integers(1, 40).map(float)


class SimulationMachine(RuleBasedStateMachine):
    """See the top of the module.

    Attributes:
        options: of the system and of its network; rates of faults have no meaning here, faults are steps.
        worker_class: what stands in for `WorkerActor`.
        more_checkers: beside the standard ones.
        TestCase: what pytest collects. Its settings leave out the phase `explain`; so should others.
        resources: of the scheduler; None for those that the graphs of `submit` demand.
        simulation: what is driven, for rules of your own.
    """

    options: ClassVar[Options] = SMALL
    worker_class: ClassVar[type[WorkerActor]] = WorkerActor
    more_checkers: ClassVar[tuple[type[Checker], ...]] = ()
    resources: ClassVar[Mapping[str, int] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.TestCase.settings = settings(cls.TestCase.settings, phases=PHASES)

    def __init__(self) -> None:
        super().__init__()
        self.workers = [f"w{number}" for number in range(1, self.options.workers + 1)]
        self.simulation = Simulation(
            self.options,
            plans=(),
            submissions=dict.fromkeys(self.workers, ()),
            faults=(),
            resources=self.resources,
            checkers=self.more_checkers,
            worker_class=self.worker_class,
        )
        self.simulation.start()

    @property
    def task_names(self) -> list[str]:
        """Of all tasks so far."""
        return list(self.simulation.world.plans)

    # -- what may happen --------------------------------------------------------------------------

    @rule(worker=_workers, graph=task_graphs(max_tasks=4))
    def submit(self, worker: str, graph: tuple[Plan, ...]) -> None:
        """Somebody wants new tasks, on a worker."""
        self.simulation.submit(worker, self._renamed(graph))

    @precondition(lambda self: self.task_names)
    @rule(worker=_workers, task=_tasks)
    def want(self, worker: str, task: str) -> None:
        """Somebody wants a task that is there already."""
        self.simulation.submit(worker, names=[task])

    @precondition(lambda self: self.task_names)
    @rule(task=_tasks)
    def cancel(self, task: str) -> None:
        """Somebody cancels a task; who wants it submits it again."""
        self.simulation.cancel(task)

    @rule(for_s=_lengths)
    def advance(self, for_s: float) -> None:
        """Time passes."""
        self.simulation.advance(for_s)

    @rule(worker=_workers, for_s=_lengths)
    def crash_worker(self, worker: str, for_s: float) -> None:
        """A machine with a worker is gone, and starts again after so long."""
        self.simulation.inflict("crash", worker, for_s)

    @rule(for_s=_lengths)
    def crash_scheduler(self, for_s: float) -> None:
        """The scheduler is gone, and starts again after so long."""
        self.simulation.inflict("crash", "scheduler", for_s)

    @rule(worker=_workers)
    def kill_child(self, worker: str) -> None:
        """A process that runs a task is killed."""
        self.simulation.inflict("kill", worker)

    @rule(worker=_workers, for_s=_lengths, way=st.sampled_from(("partition", "mute", "deafen")))
    def partition(self, worker: str, for_s: float, way: FaultKind) -> None:
        """Nothing gets from or to a worker, or one way only."""
        self.simulation.inflict(way, worker, for_s)

    @rule(worker=_workers, for_s=_lengths)
    def pause(self, worker: str, for_s: float) -> None:
        """A machine stands still."""
        self.simulation.inflict("pause", worker, for_s)

    @rule()
    def heal(self) -> None:
        """What is down starts, what was cut is joined."""
        self.simulation.mend()

    # -- what must hold ---------------------------------------------------------------------------

    @invariant()
    def nothing_was_found(self) -> None:
        """No checker has found anything so far."""
        report = self.simulation.findings and self.simulation.report()
        assert not report, report.describe()

    def teardown(self) -> None:
        """Heal everything; whatever can end has to end now."""
        try:
            if not self.simulation.findings:
                self.simulation.finish()
                self.nothing_was_found()
        finally:
            self.simulation.close()

    def _renamed(self, graph: tuple[Plan, ...]) -> tuple[Plan, ...]:
        """The graph with names that are not taken."""
        taken = len(self.task_names)
        names = {plan.name: f"t{taken + number}" for number, plan in enumerate(graph)}
        return tuple(_with(plan, names) for plan in graph)


def _with(plan: Plan, names: Mapping[str, str]) -> Plan:
    needs: dict[str, Any] = {
        "deps": tuple(names[need] for need in plan.deps),
        "more": tuple(names[need] for need in plan.more),
    }
    return msgspec.structs.replace(plan, name=names[plan.name], **needs)
