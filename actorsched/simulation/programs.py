"""What runs on the nodes: a scheduler, people's pipelines, assistants, somebody who cancels, and strangers.

These programs use the facades as any user would; each is a strand, so they may block.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actorsched.actors.history_writer import HistoryWriter
from actorsched.actors.worker import WorkerActor
from actorsched.errors import ActorschedError
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.facade.worker import Worker, quieten
from actorsched.simulation.faults import SCHEDULERS
from actorsched.simulation.history import SimulatedHistoryWriter
from actorsched.simulation.hub import sleep
from actorsched.simulation.node import Node
from actorsched.simulation.prospects import AGAIN_S
from actorsched.simulation.runtime import SimulatedRuntime
from actorsched.simulation.strangers import STRANGE_S, STRANGER, disturb
from actorsched.simulation.work import work
from actorsched.transport.address import parse_address

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: where the scheduler of a node listens
ADDRESSES = {"scheduler": "tcp://127.0.0.1:8081", "standby": "tcp://127.0.0.1:8082"}


class Programs:
    """Starts and remembers them.

    Attributes:
        working: node → since when its program has been under way.
        open: names of the nodes whose pipelines have not ended.
        exits: (node, success) of each program that ended.
    """

    def __init__(
        self,
        simulation: Simulation,
        worker_class: type[WorkerActor],
        stand_ins: Mapping[type[Any], type[Any]],
    ) -> None:
        self._simulation = simulation
        self._hub = simulation.hub
        self._worker_class = worker_class
        self._stand_ins = stand_ins
        #: node → its life in which its pipeline is under way
        self._submitting: dict[str, int] = {}
        self.working: dict[str, float] = {}
        self.open = set(simulation.submissions)
        self.exits: list[tuple[str, bool]] = []
        #: by node
        self.schedulers: dict[str, Scheduler] = {}
        self._url = ",".join(ADDRESSES[name] for name in SCHEDULERS if name in simulation.nodes)

    def start(self, node: Node) -> None:
        """Start what belongs on a node."""
        if node.name in SCHEDULERS:
            node.spawn(lambda: self._serve(node), "serve")
        elif node.name == "person":
            node.spawn(lambda: self._cancel(node), "cancel")
        elif node.name.startswith(STRANGER):
            node.spawn(lambda: self._disturb(node), "disturb")
        elif node.name in self.open:
            self._submitting[node.name] = node.lives
            node.spawn(lambda: self._submit(node), "submit")
        elif node.name not in self._simulation.submissions:
            node.spawn(lambda: self._assist(node), "assist")

    def submit(self, node: Node) -> None:
        """There is more to be submitted from a node; one that is down does it when it is up again."""
        self.open.add(node.name)
        if node.up and self._submitting.get(node.name) != node.lives:
            self.start(node)

    def forget(self, node: Node) -> None:
        """The node crashes."""
        self.working.pop(node.name, None)

    @property
    def have_ended(self) -> bool:
        return not self.open and not self.working

    # -- the programs -----------------------------------------------------------------------------

    def _serve(self, node: Node) -> None:
        runtime = SimulatedRuntime(node, {HistoryWriter: SimulatedHistoryWriter, **self._stand_ins})
        options = self._simulation.options
        scheduler = Scheduler(
            resources=self._simulation.resources,
            store=self._simulation.store_of(node) or "memory://",
            record_task_history=options.history,
            standby=True,
            runtime=runtime,
            worker_disconnect_delay=options.lease_s,
            retry_delay=options.retry_delay_s,
            disable_persist=options.disable_s,
        )
        scheduler._finalizer.detach()
        self.schedulers[node.name] = scheduler
        server = serve(scheduler, ADDRESSES[node.name], runtime=runtime)
        self._simulation.trace.add("serving", server.address)

    def _submit(self, node: Node) -> None:
        """What somebody runs again and again until all is complete."""
        simulation = self._simulation
        while True:
            wanted = simulation.submissions[node.name]
            if all(simulation.world.has(name) for name in wanted if simulation.can_end(name)):
                break
            self._run_once(node, wanted)
            sleep(AGAIN_S)
        del self._submitting[node.name]
        self.open.discard(node.name)

    def _run_once(self, node: Node, wanted: tuple[str, ...]) -> None:
        remote, worker = self._make_worker(node, assistant=False)
        try:
            self.working[node.name] = self._hub.now
            for name in wanted:
                worker.add(work(name))
            succeeded = worker.run()
            self.working.pop(node.name, None)
            self._simulation.trace.add("exit", node.name, succeeded, worker.result.status.name)
            self.exits.append((node.name, succeeded))
            for checker in self._simulation.checkers:
                checker.program_ended(node.name, succeeded, wanted)
        except ActorschedError as error:
            self._simulation.trace.add("error", node.name, type(error).__name__)
        self.working.pop(node.name, None)
        self._close(worker, remote)

    def _assist(self, node: Node) -> None:
        """Comes, serves for a while, and goes."""
        while self.open:
            share = self._simulation.options.bare
            bare = bool(share) and self._hub.random.random() < share
            remote, worker = self._make_worker(node, assistant=True, bare=bare)
            stay_s = self._hub.random.uniform(10, 600)

            def leave(worker: Worker = worker, stay_s: float = stay_s) -> None:
                deadline = self._hub.now + stay_s
                while self.open and self._hub.now < deadline:
                    sleep(1.0)
                worker.stop(drain_s=10.0)

            node.spawn(leave, "leave")
            try:
                self.working[node.name] = self._hub.now
                worker.run()
                self._simulation.trace.add("left", node.name)
            except ActorschedError as error:
                self._simulation.trace.add("error", node.name, type(error).__name__)
            self.working.pop(node.name, None)
            self._close(worker, remote)
            sleep(self._hub.random.uniform(1, 60))

    def _cancel(self, node: Node) -> None:
        """Cancels a task now and then; who wants it submits it again."""
        options, plans = self._simulation.options, list(self._simulation.world.plans.values())
        remote = RemoteScheduler(self._url, runtime=SimulatedRuntime(node))
        remote._finalizer.detach()
        for _ in range(options.cancels):
            sleep(self._hub.random.uniform(0, options.hostile_s / options.cancels))
            task_id = work(self._hub.random.choice(plans).name).task_id
            try:
                reply = remote.cancel_task(task_id)
                self._simulation.trace.add("cancelled", task_id, reply["status"])
            except ActorschedError as error:
                self._simulation.trace.add("error", node.name, type(error).__name__)
        remote.close()

    def _disturb(self, node: Node) -> None:
        """Sends what honest clients do not, for as long as the world is hostile."""
        addresses = [ADDRESSES[name] for name in SCHEDULERS if name in self._simulation.nodes]
        while not self._simulation.troubles.healed:
            sleep(self._hub.random.expovariate(1 / STRANGE_S))
            disturb(node, parse_address(self._hub.random.choice(addresses)))

    def _make_worker(
        self, node: Node, *, assistant: bool, bare: bool = False
    ) -> tuple[RemoteScheduler, Worker]:
        """Make one; a `bare` one may import nothing of what others have registered."""
        runtime = SimulatedRuntime(node, {WorkerActor: self._worker_class})
        options = self._simulation.options
        node.no_children = 0.0 if self._simulation.troubles.healed else options.no_children
        remote = RemoteScheduler(self._url, runtime=runtime, patience=options.patience_s)
        remote._finalizer.detach()
        worker = Worker(
            remote,
            node.name,
            options.slots,
            assistant,
            forever=assistant,
            # what appears somewhere else is noticed only by a program that begins anew
            keep_alive=options.keep_alive and not options.external,
            runtime=runtime,
            ping_interval=min(1.0, options.lease_s / 3),
            module_folders=() if bare else None,
        )
        worker._finalizer.detach()
        return remote, worker

    def _close(self, worker: Any, remote: RemoteScheduler) -> None:
        """What the facades' `close` does; their finalizers were taken away, because a crash calls none."""
        if self._simulation.options.goodbyes:
            quieten(worker.actor_ref, worker._runtime, leaving=True)
        worker.actor_ref.stop(block=True)
        remote.close()
