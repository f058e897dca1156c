"""A worker in this process, called like an ordinary object."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from pykka import ActorDeadError, ActorRef, Future

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.inline_slot import Desk, InlineSlotActor
from actorsched.actors.ledger import Fate, Ledger
from actorsched.actors.messages import ReadLedger, Register, StartRun, StopWork
from actorsched.actors.runtime import Runtime
from actorsched.actors.slot import SlotActor
from actorsched.actors.worker import WorkerActor
from actorsched.children.launcher import Launcher
from actorsched.config import WorkerSettings, settings_from
from actorsched.errors import ConfigError, TaskDefinitionError
from actorsched.facade.events import Counts, Discovery, Event, RunEnded, RunsElsewhere, RunStarted
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.result import RunResult, result_of
from actorsched.facade.scheduler import Scheduler
from actorsched.tasks.discovery import Discovered, discover
from actorsched.tasks.running import Outcome

#: tasks that are registered in one message
CHUNK = 500


class Worker:
    """Registers tasks, runs them, and says what came of it.

    Args:
        scheduler: None for one in this process that lives as long as this worker; else a `Scheduler`,
            a `RemoteScheduler`, or any object with the RPC methods.
        worker_id: shown to people; made up of host, user and process when None.
        worker_processes: number of slots; 0 registers and waits, and leaves the work to others.
        assistant: also run tasks that others registered.
        observer: called with an `Event` on progress, in the worker's thread; must be quick.
        forever: serve until `stop()`.
        runtime: where the actors live; None for this machine.
        options: fields of `WorkerSettings`, by keyword.

    Raises:
        ConfigError: an unknown option, or a bad value.
    """

    def __init__(
        self,
        scheduler: Any = None,
        worker_id: str | None = None,
        worker_processes: int = 1,
        assistant: bool = False,
        observer: Callable[[Event], None] | None = None,
        forever: bool = False,
        runtime: Runtime | None = None,
        **options: Any,
    ) -> None:
        self._settings = settings_from(WorkerSettings, options)
        if self._settings.execution not in ("process", "inline"):
            raise ConfigError(f"execution={self._settings.execution!r}: expected 'process' or 'inline'")
        if worker_processes < 0:
            raise ConfigError(f"worker_processes={worker_processes}: expected 0 or more")
        self._observer = observer
        self._runtime = runtime = runtime or Runtime()
        self._owned: list[ActorRef[Any]] = []
        self._scheduler = Scheduler(runtime=runtime) if scheduler is None else scheduler
        scheduler_ref = self._ref_of(self._scheduler, owned=scheduler is None)
        info = worker_info(worker_processes, runtime)
        self.worker_id = worker_id or f"Worker({', '.join(f'{key}={value}' for key, value in info.items())})"
        self._launcher: Launcher | None = None
        self._desk: Desk | None = None
        if self._settings.execution == "inline":
            self._desk = Desk(self._settings)
        elif worker_processes > 0:
            self._launcher = runtime.make_launcher(self._settings.start_method)
        self._ref: ActorRef[WorkerActor] = runtime.start(
            WorkerActor,
            scheduler_ref,
            self.worker_id,
            info,
            self._settings,
            self._make_slot_maker(),
            slots=worker_processes,
            assistant=assistant,
            forever=forever,
            runtime=runtime,
            observe=_observe_with(observer, self.worker_id) if observer else None,
        )
        self._finalizer = weakref.finalize(self, _close, self._ref, self._launcher, list(self._owned))
        self._asked_for: dict[str, Any] = {}
        self._seen: set[str] = set()
        self._started = runtime.clock.monotonic()
        self._complete_found = 0
        self._result: RunResult | None = None

    @property
    def actor_ref(self) -> ActorRef[WorkerActor]:
        """The actor behind this object."""
        return self._ref

    # -- adding ---------------------------------------------------------------------------------

    def add(self, task: Any, multiprocess: bool = False, processes: int = 0) -> bool:
        """Discover what a task needs and register all of it.

        Args:
            task: a native task or a `luigi.Task`.
            multiprocess: accepted for Luigi's sake; discovery happens in the calling thread.
            processes: as above.

        Returns:
            True when everything could be scheduled or was complete.

        Raises:
            TaskDefinitionError: `task` is no task.
            SchedulerUnreachableError: nobody answered within the patience of the client.
        """
        if not hasattr(task, "task_id") or not callable(getattr(task, "complete", None)):
            raise TaskDefinitionError(f"{task!r} is no task: expected an instance of a Task class")
        self._asked_for[task.task_id] = task
        scheduled = True
        chunk: list[Discovered] = []
        pending: Future[None] | None = None
        for found in discover([task], settings=self._settings, seen=self._seen):
            scheduled &= found.kind != "failed"
            self._complete_found += found.kind == "complete"
            chunk.append(found)
            if len(chunk) == CHUNK:
                pending = self._register(chunk, pending)
                chunk = []
        pending = self._register(chunk, pending)
        pending.get()
        self._notify_discovery(done=True)
        return scheduled

    def _register(self, chunk: list[Discovered], before: Future[None] | None) -> Future[None]:
        """Send one chunk; at most one other is under way, so that memory stays bounded."""
        if before is not None:
            before.get()
        self._notify_discovery(done=False)
        acknowledged: Future[None] = self._runtime.make_future()
        self._ref.tell(Register(found=tuple(chunk), acknowledged=acknowledged))
        return acknowledged

    def _notify_discovery(self, *, done: bool) -> None:
        if self._observer is not None:
            self._observer(Discovery(found=len(self._seen), complete=self._complete_found, done=done))

    # -- running --------------------------------------------------------------------------------

    def run(self) -> bool:
        """Run until there is nothing left to wait for.

        Returns:
            True if and only if everything that was added is complete.

        Raises:
            SchedulerUnreachableError: the scheduler was away for longer than the patience allows.
            KeyboardInterrupt: after what runs was ended.
        """
        try:
            if self._desk is not None:
                self._ref.tell(StartRun(ended=self._desk))
                self._desk.work()
            else:
                ended: Future[None] = self._runtime.make_future()
                self._ref.tell(StartRun(ended=ended))
                ended.get()
        except KeyboardInterrupt:
            self.stop(drain_s=0)
            raise
        self._result = self._conclude()
        return self._result.succeeded

    def stop(self, drain_s: float | None = None) -> None:
        """Take no more work and let `run()` return; any thread, also a signal handler.

        Args:
            drain_s: what runs may go on for so long before it is ended; None for the setting.
        """
        try:
            self._ref.tell(StopWork(drain_s=self._settings.drain_timeout if drain_s is None else drain_s))
        except ActorDeadError:
            return

    @property
    def result(self) -> RunResult:
        """What came of the last `run()`; before it, what is known so far."""
        return self._result or self._conclude()

    def _conclude(self) -> RunResult:
        ledger: Ledger = self._ref.ask(ReadLedger(), block=True)
        self._credit_others(ledger)
        complete = all(self._is_done(ledger, task_id, task) for task_id, task in self._asked_for.items())
        elapsed_s = self._runtime.clock.monotonic() - self._started
        return result_of(ledger.entries, complete=complete, elapsed_s=elapsed_s)

    def _credit_others(self, ledger: Ledger) -> None:
        """Ask the scheduler about tasks that nobody here ran: others may have."""
        open_fates = (Fate.NOT_RUN, Fate.FAILED)
        if not any(entry.fate in open_fates for entry in ledger.entries.values()):
            return
        for root in self._asked_for:
            for task_id, view in self._scheduler.dep_graph(task_id=root).items():
                entry = ledger.entries.get(task_id)
                if entry is not None and entry.fate in open_fates and view.get("status") == "DONE":
                    ledger.settle(task_id, Fate.RUN_BY_OTHERS)

    def _is_done(self, ledger: Ledger, task_id: str, task: Any) -> bool:
        entry = ledger.entries.get(task_id)
        if entry is not None and entry.fate in (Fate.RAN, Fate.ALREADY_COMPLETE, Fate.RUN_BY_OTHERS):
            return True
        try:
            return bool(task.complete())
        except Exception:  # discovery has already told what is wrong with it
            return False

    # -- life -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the actors and their children and wait for them; a second call does nothing."""
        if self._finalizer.detach() is not None:
            _close(self._ref, self._launcher, self._owned)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _make_slot_maker(self) -> Callable[[int, ActorRef[Any]], ActorRef[Any]]:
        desk, launcher, settings, runtime = self._desk, self._launcher, self._settings, self._runtime
        if desk is not None:
            return lambda number, worker: runtime.start(InlineSlotActor, number, worker, desk)

        def make(number: int, worker: ActorRef[Any]) -> ActorRef[Any]:
            assert launcher is not None
            return runtime.start(SlotActor, number, worker, launcher, settings, runtime)

        return make

    def _ref_of(self, scheduler: Any, *, owned: bool) -> ActorRef[Any]:
        """The actor to talk to. A subclass may have overridden a method, so only our own classes
        themselves are bypassed; everything else is called method by method."""
        if type(scheduler) in (Scheduler, RemoteScheduler):
            ref: ActorRef[Any] = scheduler.actor_ref
            if owned:
                self._owned.append(ref)
            return ref
        ref = self._runtime.start(AdapterActor, scheduler, self._runtime)
        self._owned.append(ref)
        return ref


def worker_info(worker_processes: int, runtime: Runtime) -> dict[str, Any]:
    """What a worker tells of itself: salt, slots, host, user, process."""
    return {
        "salt": f"{runtime.random.randrange(10**10):010d}",
        "workers": worker_processes,
        **runtime.whoami(),
    }


def _close(ref: ActorRef[Any], launcher: Launcher | None, owned: Iterable[ActorRef[Any]]) -> None:
    for each in (ref, *owned):
        try:
            each.stop(block=True)
        except ActorDeadError:
            continue
    if launcher is not None:
        launcher.close()


def _observe_with(
    observer: Callable[[Event], None], worker_id: str
) -> Callable[[str, Mapping[str, Any]], None]:
    """Translate what the actor tells into the records of `events.py`."""
    done_elsewhere = running_elsewhere = 0

    def observe(kind: str, fields: Mapping[str, Any]) -> None:
        nonlocal done_elsewhere, running_elsewhere
        counts, running = fields["counts"], fields["running"]
        if kind == "heard":
            others = tuple(run for run in fields["runs"] if run[2] != worker_id)
            running_elsewhere = len(others)
            # what is open here, and neither pending nor running for the scheduler, others have done
            left = fields["pending"] + running_elsewhere + running
            done_elsewhere = max(0, counts[Fate.NOT_RUN] + counts[Fate.FAILED] - left)
            observer(RunsElsewhere(runs=others))
        else:
            observer(_event_of(fields, fields["outcome"]))
        done = counts[Fate.RAN] + counts[Fate.ALREADY_COMPLETE] + counts[Fate.RUN_BY_OTHERS]
        running += running_elsewhere
        observer(
            Counts(
                pending=max(0, counts[Fate.NOT_RUN] - done_elsewhere - running),
                running=running,
                done=done + done_elsewhere,
                failed=counts[Fate.FAILED] + counts[Fate.SCHEDULING_FAILED],
            )
        )

    return observe


def _event_of(fields: Mapping[str, Any], outcome: Outcome | None) -> Event:
    task_id, name, slot = fields["task_id"], fields["name"], fields["slot"]
    if outcome is None:
        return RunStarted(task_id=task_id, name=name, slot=slot)
    return RunEnded(
        task_id=task_id,
        name=name,
        slot=slot,
        status=outcome.status,
        cause=outcome.cause,
        elapsed_s=outcome.elapsed_s,
    )
