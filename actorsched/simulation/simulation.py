"""A whole system on simulated nodes, a hostile world around it, and checkers that watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from actorsched.actors.scheduler import SchedulerActor
from actorsched.actors.worker import WorkerActor
from actorsched.core.invariants import check_invariants
from actorsched.core.machine import SchedulerMachine
from actorsched.errors import ActorschedError, ConfigError, UnavailableError
from actorsched.simulation import prospects
from actorsched.simulation.case import Case, check_case, check_plan
from actorsched.simulation.checker import Checker, Finding
from actorsched.simulation.disk import Habits, SimulatedDisk, SimulatedStore
from actorsched.simulation.faults import SCHEDULERS, Fault, FaultKind, draw_faults
from actorsched.simulation.hub import Hub
from actorsched.simulation.logs import keep_logs
from actorsched.simulation.network import Network, Weather
from actorsched.simulation.node import Node
from actorsched.simulation.options import Options
from actorsched.simulation.programs import Programs
from actorsched.simulation.report import LAST_LINES, Report
from actorsched.simulation.standard import CHECKERS
from actorsched.simulation.strangers import STRANGER
from actorsched.simulation.trace import Trace
from actorsched.simulation.troubles import Troubles
from actorsched.simulation.work import Plan, work
from actorsched.simulation.workload import RESOURCES, draw_plans, draw_submissions
from actorsched.simulation.world import World

C = TypeVar("C", bound=Checker)

#: the machine is checked after so many steps of the hub, and as many more as it has tasks: a check of few
#: takes about a millisecond, and of many the longer
INVARIANTS_EVERY = 500


class Simulation:
    """A scheduler, workers that submit a graph of tasks, and assistants, in a hostile world.

    Args:
        options: all knobs.
        plans: the tasks; drawn from the options when None.
        submissions: worker → names of the tasks that it asks for; drawn when None.
        faults: what goes wrong; drawn when None.
        checkers: more of them, beside the standard ones.
        resources: of the scheduler, name → amount; see `workload.py` for those that drawn tasks need.
        worker_class: what stands in for `WorkerActor`: a subclass of it.
        stand_ins: the same for the actors of the scheduler's node: class → subclass.
        keep: lines of the trace that are kept; None for all.
        logs: what actors log goes where the program logs to, too; warnings and errors are in the trace.

    Attributes:
        hub, network, nodes, world, trace: the parts, for checkers and scenarios.
        findings: what the checkers found so far.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        plans: Sequence[Plan] | None = None,
        submissions: dict[str, tuple[str, ...]] | None = None,
        faults: Sequence[Fault] | None = None,
        resources: Mapping[str, int] | None = None,
        checkers: Iterable[type[Checker]] = (),
        worker_class: type[WorkerActor] = WorkerActor,
        stand_ins: Mapping[type[Any], type[Any]] | None = None,
        keep: int | None = 20_000,
        logs: bool = False,
    ) -> None:
        self.options = options = options or Options()
        self.hub = Hub(f"hub {options.seed}")
        self.hub.activate()
        self.trace = Trace(self.hub, keep)
        keep_logs(self.trace, shown=logs)
        self.trace.add("options", options.describe())
        self.world = self.hub.world = World(self.hub, self.trace)
        self.resources = dict(RESOURCES if resources is None else resources)
        #: whether the scheduler remembers over a restart what it has acknowledged
        self.durable = options.store != "none"
        self.disk = SimulatedDisk(self.hub, self.trace, habits_of(options)) if self.durable else None
        self.findings: list[Finding] = []
        if plans is not None or submissions is not None or faults is not None:
            check_case(plans, submissions, faults, self.resources)
        plans = draw_plans(options) if plans is None else list(plans)
        self.world.plans = {plan.name: plan for plan in plans}
        self.submissions = draw_submissions(options, plans) if submissions is None else submissions
        self.network = Network(self.hub, self.trace, weather_of(options))
        self.nodes: dict[str, Node] = {}
        assistants = [f"a{number}" for number in range(1, options.assistants + 1)]
        people = ["person"] if options.cancels and plans else []
        schedulers = SCHEDULERS if options.standby and self.disk is not None else SCHEDULERS[:1]
        strangers = [f"{STRANGER}{number}" for number in range(1, options.strangers + 1)]
        for name in (*schedulers, *self.submissions, *assistants, *people, *strangers):
            self._add_node(name)
        for name in schedulers:
            self.nodes[name].disk = self.disk
        self.faults = draw_faults(options, list(self.nodes)) if faults is None else list(faults)
        self.troubles = Troubles(self)
        self.world.ruin = self.troubles.ruin
        self.programs = Programs(self, worker_class, stand_ins or {})
        self.checkers = [kind(self) for kind in (*CHECKERS, *checkers)]
        self.world.watchers += self.checkers
        self.network.watchers += self.checkers
        self._next_invariants = 0
        self.hub.after_step = self._after_step

    @classmethod
    def of(cls, case: Case, **more: Any) -> Simulation:
        """The simulation that was written down."""
        return cls(case.options, plans=case.plans, submissions=case.submissions, faults=case.faults, **more)

    # -- what a test drives -----------------------------------------------------------------------

    def run(self) -> Report:
        """Start everything, let it be hostile, heal it, and wait for the end.

        Returns:
            what came of it, up to the first violation if there was one.
        """
        try:
            self.start()
            for fault in self.faults:
                self.hub.after(fault.at_s, lambda fault=fault: self.troubles.inflict(fault))  # type: ignore[misc]
            self.advance(self.options.hostile_s)
            self.finish()
        finally:
            report = self.report()
            self.close()
        return report

    def start(self) -> None:
        """Start all nodes."""
        for node in self.nodes.values():
            self.programs.start(node)
        self.hub.after(1.0, self._each_second)

    def submit(self, node: str, plans: Iterable[Plan] = (), names: Iterable[str] = ()) -> None:
        """Have a worker ask for tasks, as a pipeline that is started again until all of them are done.

        Args:
            plans: new tasks, each after what it needs.
            names: of tasks that are there already.

        Raises:
            ConfigError: nobody submits on this node, or a name is unknown or taken.
        """
        if node not in self.submissions:
            raise ConfigError(f"nobody submits on {node!r}; workers: {', '.join(self.submissions)}")
        wanted = dict.fromkeys(self.submissions[node])
        for plan in plans:
            if plan.name in self.world.plans:
                raise ConfigError(f"there is a plan {plan.name!r} already")
            check_plan(plan, self.resources)
            self._check_names((*plan.deps, *plan.more))
            self.world.plans[plan.name] = plan
            wanted[plan.name] = None
        self._check_names(names)
        self.submissions[node] = tuple(wanted | dict.fromkeys(names))
        self.programs.submit(self.nodes[node])

    def cancel(self, name: str) -> bool:
        """Cancel a task; whoever wants it submits it again.

        Returns:
            whether the scheduler could be asked.
        """
        self._check_names([name])
        if not self.machines():
            return False
        try:
            self.ask_scheduler("cancel_task", task_id=work(name).task_id)
        except ActorschedError as error:
            self.trace.add("error", "person", type(error).__name__)
            return False
        return True

    def inflict(self, kind: FaultKind, node: str, for_s: float = 1.0) -> None:
        """Let something go wrong now, for so long."""
        if node not in self.nodes:
            raise ConfigError(f"no node {node!r}; nodes: {', '.join(self.nodes)}")
        self.troubles.inflict(Fault(at_s=self.hub.now, kind=kind, node=node, for_s=for_s))

    def mend(self) -> None:
        """End all faults that last: nodes are up, partitions are gone. The network stays as it is."""
        self.troubles.mend()

    def advance(self, for_s: float) -> None:
        """Let so much time pass, or less if a checker finds something."""
        self.hub.run(lambda: bool(self.findings), for_s)

    def finish(self) -> None:
        """Heal everything, wait until all programs have ended, and have the checkers look at the end."""
        if self.findings:
            return
        self.troubles.heal()
        self.world.moved_at = self.hub.now
        still_s = prospects.still_s(self.options, self.world.plans, self.hub.now)

        def is_over() -> bool:
            still = self.hub.now - self.world.moved_at > still_s
            return bool(self.findings) or self.programs.have_ended or still

        self.hub.run(is_over, self.bound_s())
        # what was given up at the last moment may be held for a lease
        self.advance(2 * self.options.lease_s + 5.0)
        self.check_invariants()
        if not self.findings:
            for checker in self.checkers:
                checker.at_end()

    def __enter__(self) -> Self:
        """Start all nodes; what is there at the end of the block is ended."""
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything that is still there."""
        self.hub.after_step = None
        for node in self.nodes.values():
            node.crash()

    def boot(self, node: Node) -> None:
        """Begin a new life of a node that has crashed."""
        node.boot()
        for checker in self.checkers:
            checker.restarted(node.name)
        self.programs.start(node)

    def ask_scheduler(self, method: str, **params: Any) -> Any:
        """Call a method of the scheduler, from outside and past the network."""
        node = self.serving()
        if node is None:
            raise UnavailableError("no scheduler has the place in the store now")
        return getattr(self.programs.schedulers[node.name], method)(**params)

    def serving(self) -> Node | None:
        """The node whose scheduler has the place; None while nobody has it."""
        if self.disk is None:
            return self.nodes["scheduler"]
        holder = self.disk.written.holder
        return holder.node if isinstance(holder, SimulatedStore) and holder.is_held else None

    def report(self) -> Report:
        """What came of it so far."""
        found = self.findings[0] if self.findings else None
        case = Case(
            options=self.options,
            plans=tuple(self.world.plans.values()),
            submissions=self.submissions,
            faults=tuple(self.faults),
            found=f"{found.checker} at {found.at_s:.3f} s: {found.text}" if found else "",
        )
        return Report(
            case=case,
            findings=list(self.findings),
            now_s=self.hub.now,
            steps=self.hub.steps,
            counts=dict(self.trace.counts),
            exits=self.programs.exits,
            digest=self.trace.digest,
            states=dict(Counter(str(record.status) for m in self.machines() for record in m.tasks.values())),
            complete=sum(self.world.has(name) for name in self.world.plans),
            last_lines=self.trace.last(LAST_LINES),
        )

    # -- the store --------------------------------------------------------------------------------

    def store_of(self, node: Node) -> SimulatedStore | None:
        """A store for the scheduler that begins on a node; None where nothing is kept."""
        if self.disk is None:
            return None
        store = SimulatedStore(
            self.disk,
            node,
            self.troubles.state_read,
            lambda: self._committed(store),
            lambda former, silent_s: self._taken(store, former, silent_s),
        )
        return store

    def _taken(self, store: SimulatedStore, former: SimulatedStore | None, silent_s: float) -> None:
        for checker in self.checkers:
            checker.place_taken(store, former, silent_s)

    def _committed(self, store: SimulatedStore) -> None:
        for machine in self._machines_on(store.node):
            for checker in self.checkers:
                checker.committed(machine, store)

    def forget(self) -> None:
        """Some of what was acknowledged is lost, and may be."""
        durable, self.durable = self.durable, False
        for checker in self.checkers:
            checker.restarted("scheduler")
        self.durable = durable

    def calm_disk(self) -> None:
        """The disk has no troubles any more."""
        if self.disk is not None:
            self.disk.full = False
            self.disk.habits = Habits(durability=self.disk.habits.durability)

    # -- what checkers ask ------------------------------------------------------------------------

    def checker(self, kind: type[C]) -> C:
        return next(checker for checker in self.checkers if isinstance(checker, kind))

    def held_runs(self) -> list[tuple[str, str]]:
        """(worker, task id) of each run of which the scheduler believes that it goes on."""
        return [
            (worker.worker_id, record.task_id)
            for machine in self.machines()
            for worker in machine.workers.values()
            for record in worker.runs
        ]

    def wanted_plans(self) -> list[Plan]:
        """All plans that somebody wants, directly or not, and that can end."""
        return prospects.wanted_plans(self.world.plans, self.submissions)

    def can_end(self, name: str) -> bool:
        """Whether the task can become complete, if it is tried often enough."""
        return prospects.can_end(self.world.plans, name)

    def bound_s(self) -> float:
        """How long everything may take from now on, if one thing had to be done after the other."""
        return prospects.bound_s(self.options, self.world.plans, self.hub.now)

    # -- inside -----------------------------------------------------------------------------------

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.world.plans:
                raise ConfigError(f"no plan is called {name!r}; plans: {', '.join(self.world.plans)}")

    def _add_node(self, name: str) -> None:
        skew = self.options.skew
        rate = 1.0 + (self.hub.random.uniform(-skew, skew) if skew else 0.0)
        self.nodes[name] = Node(self.hub, self.network, name, rate)

    def _each_second(self) -> None:
        self.hub.after(1.0, self._each_second)
        for checker in self.checkers:
            checker.each_second()

    def _after_step(self) -> None:
        if self.hub.steps >= self._next_invariants:
            self._next_invariants = self.hub.steps + INVARIANTS_EVERY + len(self.world.plans)
            self.check_invariants()

    def check_invariants(self) -> None:
        """Look inside the scheduler: its own invariants hold."""
        for machine in self.machines():
            try:
                check_invariants(machine)
            except AssertionError as error:
                self.findings.append(Finding("invariants", self.hub.now, str(error)))

    def machines(self) -> list[SchedulerMachine]:
        """Of the scheduler that serves; none while it starts."""
        node = self.serving()
        return [] if node is None else self._machines_on(node)

    @staticmethod
    def _machines_on(node: Node) -> list[SchedulerMachine]:
        owners = [strand.owner for strand in node.strands]
        found = [owner.machine for owner in owners if isinstance(owner, SchedulerActor)]
        return [machine for machine in found if machine is not None]


def weather_of(options: Options) -> Weather:
    """What the options say of the network."""
    longest_s = options.delay_ms / 1000
    return Weather(
        delay_s=(longest_s / 10, longest_s),
        drop=options.drop,
        duplicate=options.duplicate,
        late=options.late,
        late_s=options.late_s,
        queue=options.queue,
        uneven=options.uneven,
    )


def habits_of(options: Options) -> Habits:
    """What the options say of the disk."""
    return Habits(
        durability="full" if options.store == "full" else "normal",
        commit_s=options.commit_ms / 1000,
        failing=options.failing_commits,
    )
