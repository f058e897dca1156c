"""A stage for scenarios: a small system without chance trouble, driven step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actorsched.facade.worker import Worker
from actorsched.simulation.checker import Checker
from actorsched.simulation.faults import Fault, FaultKind
from actorsched.simulation.options import Options
from actorsched.simulation.script import Script
from actorsched.simulation.simulation import Simulation
from actorsched.simulation.work import Plan, work
from actorsched.simulation.world import Attempt


class NotReachedError(Exception):
    """The story did not come to the point that it is about; no failure of the system, but of the test."""


class Recorder(Checker):
    """Remembers all runs."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.attempts: list[Attempt] = []

        self.when: dict[str, Callable[[Attempt], None]] = {}

    def run_started(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if attempt.name in self.when:
            self.hub.after(1.0, lambda: self.when[attempt.name](attempt))


class Scene:
    """See the top of the module.

    Args:
        plans: the tasks.
        submissions: worker → what it asks for.
        options: others than the defaults; there is no assistant where nothing is said.
    """

    def __init__(self, *plans: Plan, submissions: dict[str, tuple[str, ...]], **options: Any) -> None:
        chosen = Options(**({"seed": 1, "assistants": 0, "slots": 1} | options))
        self.simulation = Simulation(
            chosen, plans=plans, submissions=submissions, faults=(), checkers=(Recorder,)
        )
        self.script = Script(self.simulation)
        self._begun = False

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.simulation.close()

    # -- driving ----------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start these nodes, or all."""
        simulation = self.simulation
        for name in names or tuple(simulation.nodes):
            simulation.programs.start(simulation.nodes[name])
        if not self._begun:
            self._begun = True
            simulation.hub.after(1.0, simulation._each_second)

    def reach(self, is_so: Callable[[], bool], within_s: float = 60.0) -> None:
        """Go on to a point of the story.

        Raises:
            NotReachedError: it never comes.
        """
        if not self.simulation.hub.run(is_so, within_s):
            raise NotReachedError(f"not within {within_s:g} s:\n{self._end_of_trace()}")

    def expect(self, is_so: Callable[[], bool], within_s: float) -> None:
        """Go on until something is so that has to be so by then."""
        if not self.simulation.hub.run(is_so, within_s):
            raise AssertionError(f"it is not so within {within_s:g} s:\n{self._end_of_trace()}")

    def advance(self, for_s: float) -> None:
        self.simulation.hub.run(lambda: False, for_s)

    def on(self, node: str, program: Callable[[], object]) -> None:
        """Start a program on a node."""
        self.simulation.nodes[node].spawn(program, "program")

    def serve(self, name: str, *, bare: bool = False) -> Callable[[], Worker]:
        """Start an assistant that stays until it is told to stop; a `bare` one can import nothing.

        Returns:
            says which worker it is, when it has begun.
        """
        made: list[Worker] = []
        programs, node = self.simulation.programs, self.simulation.nodes[name]

        def program() -> None:
            remote, worker = programs._make_worker(node, assistant=True, bare=bare)
            made.append(worker)
            worker.run()
            worker.actor_ref.stop(block=True)
            remote.close()

        self.on(name, program)
        return lambda: made[0]

    def when_run(self, name: str, then: Callable[[Attempt], None]) -> None:
        """Do something one second after each beginning of a run of this task."""
        self.simulation.checker(Recorder).when[name] = then

    def inflict(self, kind: FaultKind, node: str, for_s: float = 1.0) -> None:
        now_s = self.simulation.hub.now
        self.simulation.troubles.inflict(Fault(at_s=now_s, kind=kind, node=node, for_s=for_s))

    def finish(self) -> None:
        """All has to end, and no checker may have found anything."""
        self.simulation.finish()
        self.check()

    def check(self) -> None:
        assert not self.simulation.findings, f"{self.simulation.findings}\n{self._end_of_trace()}"

    def _end_of_trace(self) -> str:
        return "\n".join([*self.simulation.trace.lines()][-40:])

    # -- looking ----------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        return self.simulation.hub.now

    def runs(self, name: str) -> list[Attempt]:
        """All runs of a task so far."""
        return [each for each in self.simulation.checker(Recorder).attempts if each.name == name]

    def live(self, name: str) -> list[Attempt]:
        return [attempt for attempt in self.runs(name) if attempt.ended_at is None]

    def has(self, *names: str) -> bool:
        """Whether these tasks are complete."""
        return all(self.simulation.world.has(name) for name in names)

    def record(self, name: str) -> Any:
        """What the scheduler has on a task; None: nothing."""
        machines = self.simulation.machines()
        return machines[0].tasks.get(work(name).task_id) if machines else None

    def status(self, name: str) -> str:
        record = self.record(name)
        return "" if record is None else str(record.status)

    def ask(self, method: str, **params: Any) -> Any:
        """Call a method of the scheduler, past the network and from nobody."""
        return self.simulation.ask_scheduler(method, **params)


def task_id(name: str) -> str:
    return work(name).task_id
