"""A whole system on simulated nodes, a hostile world around it, and checkers that watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from actorsched.actors.scheduler import SchedulerActor
from actorsched.core.invariants import check_invariants
from actorsched.errors import ActorschedError
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.facade.worker import Worker
from actorsched.simulation.checkers import CHECKERS, Checker, Finding
from actorsched.simulation.faults import Fault, draw_faults
from actorsched.simulation.hub import Hub, sleep
from actorsched.simulation.network import Network, Weather
from actorsched.simulation.node import Node
from actorsched.simulation.options import Options
from actorsched.simulation.runtime import SimulatedRuntime
from actorsched.simulation.trace import Trace
from actorsched.simulation.work import HANG_TIMEOUT_S, Plan, work
from actorsched.simulation.workload import RESOURCES, draw_plans, draw_submissions
from actorsched.simulation.world import World

C = TypeVar("C", bound=Checker)

ADDRESS = "tcp://127.0.0.1:8081"
#: the machine is checked after so many steps of the hub; a check costs about a millisecond
INVARIANTS_EVERY = 500
#: a program whose tasks did not all end begins again after so long, as a cron job would
AGAIN_S = 15.0


@dataclass
class Report:
    """What came of a simulation.

    Attributes:
        options: what was simulated.
        faults: what went wrong.
        findings: of the checkers; none is good.
        now_s: virtual time at the end.
        steps: of strands and of the clock.
        counts: events of the trace by kind.
        digest: of the trace.
    """

    options: Options
    faults: list[Fault]
    findings: list[Finding]
    now_s: float
    steps: int
    counts: dict[str, int]
    digest: str
    exits: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings


class Simulation:
    """See the top of the module.

    Args:
        options: all knobs.
        plans: the tasks; drawn from the options when None.
        submissions: worker → names of the tasks that it asks for; drawn when None.
        faults: what goes wrong; drawn when None.
        checkers: more of them, beside the standard ones.
        keep: lines of the trace that are kept.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        plans: Sequence[Plan] | None = None,
        submissions: dict[str, tuple[str, ...]] | None = None,
        faults: Sequence[Fault] | None = None,
        checkers: Iterable[type[Checker]] = (),
        keep: int | None = 20_000,
    ) -> None:
        self.options = options = options or Options()
        self.hub = Hub(f"hub {options.seed}")
        self.hub.activate()
        self.trace = Trace(self.hub, keep)
        self.world = self.hub.world = World(self.hub, self.trace)
        self.resources = dict(RESOURCES)
        self.durable = False
        self.findings: list[Finding] = []
        self.exits: list[tuple[str, bool]] = []
        #: node → since when its program is under way
        self.working: dict[str, float] = {}
        self.network = Network(self.hub, self.trace, self._weather())
        self.nodes: dict[str, Node] = {}
        self._add_node("scheduler")
        plans = draw_plans(options) if plans is None else list(plans)
        self.world.plans = {plan.name: plan for plan in plans}
        self.submissions = draw_submissions(options, plans) if submissions is None else submissions
        for name in (*self.submissions, *(f"a{number}" for number in range(1, options.assistants + 1))):
            self._add_node(name)
        self.faults = draw_faults(options, list(self.nodes)) if faults is None else list(faults)
        self._checkers = [kind(self) for kind in (*CHECKERS, *checkers)]
        self.world.watchers += self._checkers
        self.network.watchers += self._checkers
        self._trouble: dict[str, float] = {}
        self._quiet: list[tuple[float, float]] = []  # when the scheduler could hear nobody
        self._troubled: dict[str, int] = {}
        self._healed = False
        self._open: set[str] = set(self.submissions)
        self._next_invariants = 0
        self.scheduler: Scheduler | None = None
        self.hub.after_step = self._after_step
        self.trace.add("options", options.describe())

    # -- what a test drives -----------------------------------------------------------------------

    def run(self) -> Report:
        """Start everything, let it be hostile, heal it, and wait for the end.

        Returns:
            what came of it, with the first violation if there was one.
        """
        try:
            self.start()
            for fault in self.faults:
                self.hub.after(fault.at_s, lambda fault=fault: self.inflict(fault))  # type: ignore[misc]
            self._advance(self.options.hostile_s)
            if not self.findings:
                self.heal()
                self._advance(self.bound_s(), until_ended=True)
                # what was given up at the last moment may be held for a lease
                self._advance(2 * self.options.lease_s + 5.0)
            if not self.findings:
                for checker in self._checkers:
                    checker.at_end()
        finally:
            report = self._report()
            self.close()
        return report

    def start(self) -> None:
        """Start all nodes."""
        for node in self.nodes.values():
            self._start_programs(node)
        self.hub.after(1.0, self._each_second)

    def close(self) -> None:
        """End everything that is still there."""
        self.hub.after_step = None
        for node in self.nodes.values():
            node.crash()

    def heal(self) -> None:
        """From now on everything works."""
        self._healed = True
        self.trace.add("healed")
        self.network.weather = Weather()
        for node in self.nodes.values():
            node.sluggish_s = 0.0
            node.no_children = 0.0
            if node.paused:
                node.unpause()
            if not node.up:
                self._boot(node)
            self.note_trouble(node.name)
        self.network.mend_all()

    def inflict(self, fault: Fault) -> None:
        """Let something go wrong, and be well again after its time."""
        if self._healed:
            return
        node = self.nodes.get(fault.node)
        if node is None:
            return
        self.trace.add("fault", fault.kind, fault.node, fault.for_s)
        undo = getattr(self, f"_{fault.kind}")(node, fault.for_s)
        if undo is None:
            self.note_trouble(node.name)
            return
        self._begin_trouble(node.name)

        def over() -> None:
            if not self._healed:
                self.trace.add("over", fault.kind, fault.node)
                undo()
            self._end_trouble(node.name)

        self.hub.after(fault.for_s, over)

    def ask_scheduler(self, method: str, **params: Any) -> Any:
        """Call a method of the scheduler, from outside and past the network."""
        assert self.scheduler is not None
        return getattr(self.scheduler, method)(**params)

    # -- what checkers ask ------------------------------------------------------------------------

    def checker(self, kind: type[C]) -> C:
        return next(checker for checker in self._checkers if isinstance(checker, kind))

    def wanted_plans(self) -> list[Plan]:
        """All plans that somebody wants, directly or not, and that can end."""
        plans = self.world.plans
        stack = [name for names in self.submissions.values() for name in names]
        wanted: dict[str, None] = {}
        while stack:
            name = stack.pop()
            if name not in wanted:
                wanted[name] = None
                stack += (*plans[name].deps, *plans[name].more)
        return [plan for plan in plans.values() if plan.name in wanted and self._can_end(plan.name)]

    def bound_s(self) -> float:
        """How long everything may take after it was healed, if one thing had to be done after the other."""
        total_s = self.options.bound_s
        for plan in self.world.plans.values():
            once_s = plan.duration_s + self.options.retry_delay_s + 2 * AGAIN_S
            total_s += once_s * (len(plan.endings) + 1) + HANG_TIMEOUT_S * plan.endings.count("hang")
        return total_s

    def _can_end(self, name: str) -> bool:
        plan: Plan = self.world.plans[name]
        return plan.can_end and all(map(self._can_end, (*plan.deps, *plan.more)))

    def trouble_at(self, name: str) -> float:
        """When something last disturbed the node, the scheduler, or what is between them."""
        if self._troubled.get(name) or self._troubled.get("scheduler") or not self._clear():
            return self.hub.now
        return max(self._trouble.get(name, 0.0), self._trouble.get("scheduler", 0.0))

    def quiet_for(self, since: float) -> float:
        """Seconds since then in which the scheduler could listen."""
        deaf = sum(max(0.0, end - max(start, since)) for start, end in self._quiet)
        return self.hub.now - since - deaf

    def note_trouble(self, name: str) -> None:
        self._trouble[name] = self.hub.now

    def _clear(self) -> bool:
        weather = self.network.weather
        return not (weather.drop or weather.late or weather.queue < 10)

    # -- what goes wrong --------------------------------------------------------------------------

    def _begin_trouble(self, name: str) -> None:
        self._troubled[name] = self._troubled.get(name, 0) + 1

    def _end_trouble(self, name: str) -> None:
        self._troubled[name] -= 1
        self.note_trouble(name)

    def _partition(self, node: Node, for_s: float) -> Any:
        return self._cut([(node.name, other) for other in self.nodes], both=True)

    def _mute(self, node: Node, for_s: float) -> Any:
        return self._cut([(node.name, other) for other in self.nodes])

    def _deaf(self, node: Node, for_s: float) -> Any:
        return self._cut([(other, node.name) for other in self.nodes])

    def _cut(self, pairs: list[tuple[str, str]], *, both: bool = False) -> Any:
        pairs = [(a, b) for a, b in pairs if a != b]
        if both:
            pairs += [(b, a) for a, b in pairs]
        self.network.sever(pairs)
        return lambda: self.network.mend(pairs)

    def _pause(self, node: Node, for_s: float) -> Any:
        if not node.up or node.paused:
            return None
        node.pause()
        started, life = self.hub.now, node.lives

        def undo() -> None:
            if node.name == "scheduler":
                self._quiet.append((started, self.hub.now))
            if node.lives == life and node.paused:
                node.unpause()

        return undo

    def _crash(self, node: Node, for_s: float) -> Any:
        if not node.up:
            return None
        self.working.pop(node.name, None)
        node.crash()
        started = self.hub.now

        def undo() -> None:
            if node.name == "scheduler":
                self._quiet.append((started, self.hub.now))
            if not node.up:
                self._boot(node)

        return undo

    _restart = _crash

    def _boot(self, node: Node) -> None:
        node.boot()
        for checker in self._checkers:
            checker.restarted(node.name)
        self._start_programs(node)

    def _kill(self, node: Node, for_s: float) -> Any:
        live = [attempt for attempt in self.world.all_live() if attempt.node is node]
        if live:
            self.hub.random.choice(live).child.end(-9)

    def _slow(self, node: Node, for_s: float) -> Any:
        node.sluggish_s = 0.5

        def undo() -> None:
            node.sluggish_s = 0.0

        return undo

    def _step(self, node: Node, for_s: float) -> Any:
        node.clock.step_s += for_s * self.hub.random.choice((-1, 1))

    # -- programs ---------------------------------------------------------------------------------

    def _start_programs(self, node: Node) -> None:
        node.no_children = 0.0 if self._healed else self.options.no_children
        if node.name == "scheduler":
            node.spawn(lambda: self._serve(node), "serve")
        elif node.name in self._open:
            node.spawn(lambda: self._submit(node), "submit")
        elif node.name not in self.submissions:
            node.spawn(lambda: self._assist(node), "assist")

    def _serve(self, node: Node) -> None:
        runtime = SimulatedRuntime(node)
        scheduler = Scheduler(
            resources=self.resources,
            runtime=runtime,
            worker_disconnect_delay=self.options.lease_s,
            retry_delay=self.options.retry_delay_s,
        )
        scheduler._finalizer.detach()
        self.scheduler = scheduler
        server = serve(scheduler, ADDRESS, runtime=runtime)
        self.trace.add("serving", server.address)

    def _submit(self, node: Node) -> None:
        """What somebody runs again and again until all is complete."""
        wanted = self.submissions[node.name]
        while not all(self.world.has(name) for name in wanted if self._can_end(name)):
            self._run_once(node, wanted)
            sleep(AGAIN_S)
        self._open.discard(node.name)

    def _run_once(self, node: Node, wanted: tuple[str, ...]) -> None:
        remote, worker = self._make_worker(node, assistant=False)
        try:
            self.working[node.name] = self.hub.now
            for name in wanted:
                worker.add(work(name))
            succeeded = worker.run()
            self.working.pop(node.name, None)
            self.trace.add("exit", node.name, succeeded, worker.result.status.name)
            self.exits.append((node.name, succeeded))
            for checker in self._checkers:
                checker.program_ended(node.name, succeeded, wanted)
        except ActorschedError as error:
            self.trace.add("error", node.name, type(error).__name__)
        self.working.pop(node.name, None)
        _close(worker, remote)

    def _assist(self, node: Node) -> None:
        """Comes, serves for a while, and goes."""
        while self._open:
            remote, worker = self._make_worker(node, assistant=True)
            stay_s = self.hub.random.uniform(10, 600)

            def leave(worker: Worker = worker, stay_s: float = stay_s) -> None:
                deadline = self.hub.now + stay_s
                while self._open and self.hub.now < deadline:
                    sleep(1.0)
                worker.stop(drain_s=10.0)

            node.spawn(leave, "leave")
            try:
                self.working[node.name] = self.hub.now
                worker.run()
                self.trace.add("left", node.name)
            except ActorschedError as error:
                self.trace.add("error", node.name, type(error).__name__)
            self.working.pop(node.name, None)
            _close(worker, remote)
            sleep(self.hub.random.uniform(1, 60))

    def _make_worker(self, node: Node, *, assistant: bool) -> tuple[RemoteScheduler, Worker]:
        runtime = SimulatedRuntime(node)
        remote = RemoteScheduler(ADDRESS, runtime=runtime)
        remote._finalizer.detach()
        worker = Worker(
            remote,
            node.name,
            self.options.slots,
            assistant,
            forever=assistant,
            runtime=runtime,
            ping_interval=min(1.0, self.options.lease_s / 3),
        )
        worker._finalizer.detach()
        return remote, worker

    # -- the run ----------------------------------------------------------------------------------

    def _add_node(self, name: str) -> None:
        skew = self.options.skew
        rate = 1.0 + (self.hub.random.uniform(-skew, skew) if skew else 0.0)
        self.nodes[name] = Node(self.hub, self.network, name, rate)

    def _weather(self) -> Weather:
        options = self.options
        delay_s = options.delay_ms / 1000
        return Weather(
            delay_s=(delay_s / 10, delay_s),
            drop=options.drop,
            duplicate=options.duplicate,
            late=options.late,
            queue=options.queue,
        )

    def _advance(self, for_s: float, *, until_ended: bool = False) -> None:
        def over() -> bool:
            return bool(self.findings) or (until_ended and not self._open and not self.working)

        self.hub.run(over, for_s)

    def _each_second(self) -> None:
        self.hub.after(1.0, self._each_second)
        for checker in self._checkers:
            checker.each_second()

    def _after_step(self) -> None:
        if self.hub.steps >= self._next_invariants:
            self._next_invariants = self.hub.steps + INVARIANTS_EVERY
            self.check_invariants()

    def check_invariants(self) -> None:
        """Look inside the scheduler: its own invariants hold."""
        for strand in self.nodes["scheduler"].strands:
            if isinstance(strand.owner, SchedulerActor) and strand.owner.machine is not None:
                try:
                    check_invariants(strand.owner.machine)
                except AssertionError as error:
                    self.findings.append(Finding("invariants", self.hub.now, str(error)))

    def _report(self) -> Report:
        return Report(
            options=self.options,
            faults=self.faults,
            findings=list(self.findings),
            now_s=self.hub.now,
            steps=self.hub.steps,
            counts=dict(self.trace.counts),
            digest=self.trace.digest,
            exits=self.exits,
        )


def _close(worker: Worker, remote: RemoteScheduler) -> None:
    """What the facades' `close` does; their finalizers were taken away, because a crash calls none."""
    worker.actor_ref.stop(block=True)
    remote.close()
