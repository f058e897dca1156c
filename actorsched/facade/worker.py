"""A worker in this process, called like an ordinary object."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, cast

import pykka
from pykka import ActorDeadError, ActorRef, Future

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.deadlines import GOODBYE_S, TELLING_S
from actorsched.actors.inline_slot import Desk, InlineSlotActor
from actorsched.actors.keep_alive import refuse_interval
from actorsched.actors.ledger import Fate, Ledger
from actorsched.actors.log import log
from actorsched.actors.messages import Call, CallBatch, ReadLedger, StartRun, StopWork
from actorsched.actors.runtime import Runtime
from actorsched.actors.slot import SlotActor
from actorsched.actors.worker import WorkerActor
from actorsched.config import WorkerSettings, settings_from
from actorsched.errors import ConfigError, SchedulerUnreachableError, TaskDefinitionError
from actorsched.facade.elsewhere import look_elsewhere
from actorsched.facade.equipment import Equipment
from actorsched.facade.errands import Errands
from actorsched.facade.events import Event
from actorsched.facade.finder import Finder
from actorsched.facade.notifying import Notifier, SmtpNotifier, notify_with
from actorsched.facade.observing import observe_with
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.result import RunResult, result_of
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.signals import Signals, are_free
from actorsched.tasks.completeness import is_complete, may_be_believed

#: seconds that closing waits for runs to end and for the scheduler to hear of it
QUIET_TIMEOUT_S = 10.0
#: tasks that were found are registered and shown after so long, however few they are
CHUNK_S_MAX = 0.5
#: threads that ask tasks in parallel; they wait for others, so there may be more than processors
DISCOVERY_THREADS = 16

_HELD_FOR_DONE = (
    "the scheduler holds it for done, but its complete() says no: its output is gone, or not seen from here"
)


class Worker:
    """Registers tasks, runs them, and says what came of it.

    Args:
        scheduler: None for one in this process that lives as long as this worker; else a `Scheduler`,
            a `RemoteScheduler`, or any object with the RPC methods.
        worker_id: shown to people; made up of host, user and process when None.
        worker_processes: number of slots; 0 registers and waits, and leaves the work to others.
        assistant: also run tasks that others registered.
        notifier: called with each `Failure` (`notifying.py`), in the worker's thread; must be quick. None
            sends mail, if the setting `smtp` names a server.
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
        notifier: Notifier | None = None,
        **options: Any,
    ) -> None:
        self._settings = settings_from(WorkerSettings, options)
        mailer = _mailer_of(self._settings) if notifier is None else None
        if self._settings.execution not in ("process", "inline"):
            raise ConfigError(f"execution={self._settings.execution!r}: expected 'process' or 'inline'")
        if worker_processes < 0:
            raise ConfigError(f"worker_processes={worker_processes}: expected 0 or more")
        self._observer = observer
        self._runtime = runtime = runtime or Runtime()
        self._owned: list[ActorRef[Any]] = []
        if isinstance(scheduler, Scheduler):
            refuse_interval(self._settings.ping_interval, scheduler.lease_s)
        self._scheduler = Scheduler(runtime=runtime) if scheduler is None else scheduler
        self._scheduler_ref = self._ref_of(self._scheduler, owned=scheduler is None)
        info = worker_info(worker_processes, runtime)
        self.worker_id = worker_id or f"Worker({', '.join(f'{key}={value}' for key, value in info.items())})"
        self._desk = Desk(self._settings) if self._settings.execution == "inline" else None
        self._equipment = Equipment(self._settings, runtime)
        if self._desk is None and worker_processes > 0:
            if runtime.is_here:
                from actorsched.children.descriptors import check_slots  # not on every system

                check_slots(worker_processes)
            self._equipment.nursery()  # it starts while tasks are being discovered
        self._ref: ActorRef[WorkerActor] = runtime.start(
            WorkerActor,
            self._scheduler_ref,
            self.worker_id,
            info,
            self._settings,
            self._make_slot_maker(),
            slots=worker_processes,
            assistant=assistant,
            forever=forever,
            runtime=runtime,
            observe=self._observe(observer, notifier or mailer),
        )
        self._finalizer = weakref.finalize(
            self, _close, self._ref, self._equipment, list(self._owned), runtime, mailer
        )
        self._asked_for: dict[str, Any] = {}
        self._finder = Finder(self._ref, self._settings, runtime, observer)
        self._started = runtime.clock.monotonic()
        self._result: RunResult | None = None
        self._stopped = False  # whether somebody wants an end of the present run
        self._mailer = mailer

    @property
    def actor_ref(self) -> ActorRef[WorkerActor]:
        """The actor behind this object."""
        return self._ref

    # -- adding ---------------------------------------------------------------------------------

    def add(self, task: Any, multiprocess: bool = False, processes: int = 0) -> bool:
        """Discover what a task needs and register all of it.

        Args:
            task: a native task or a `luigi.Task`.
            multiprocess: put the questions `complete()` and `requires()` to several tasks at a time. They
                are put by threads, so both must be safe there; for slow file systems, stores and databases.
                The setting `parallel_scheduling` turns it on as well.
            processes: number of these threads; 0 for what `parallel_scheduling_processes` says.

        Returns:
            True when everything could be scheduled or was complete.

        Raises:
            TaskDefinitionError: `task` is no task.
            SchedulerUnreachableError: nobody answered within the patience of the client.
        """
        return self.add_all([task], multiprocess, processes)

    def add_all(self, tasks: Iterable[Any], multiprocess: bool = False, processes: int = 0) -> bool:
        """Discover what several tasks need and register all of it; as `add`, with one answer for all.

        It takes less time than adding them one by one, because the scheduler is told of many at once.
        """
        wanted = list(tasks)
        for task in wanted:
            if not hasattr(task, "task_id") or not callable(getattr(task, "complete", None)):
                raise TaskDefinitionError(f"{task!r} is no task: expected an instance of a Task class")
        self._asked_for.update((task.task_id, task) for task in wanted)
        return self._finder.add(wanted, self._finder.threads(multiprocess, processes))

    # -- running --------------------------------------------------------------------------------

    def run(self) -> bool:
        """Run until there is nothing left to wait for.

        Returns:
            True if and only if everything that was added is complete.

        In the main thread of a program that does nothing of its own about SIGINT and SIGTERM, these stop
        the worker as `signals.py` says, and then do what they always do. `no_install_shutdown_handler=True`
        leaves signals alone.

        Raises:
            SchedulerUnreachableError: the scheduler was away for longer than the patience allows.
            WorkerReplacedError: another worker of the same id has begun.
            KeyboardInterrupt: after what runs was ended.
        """
        if self._settings.no_install_shutdown_handler or not self._runtime.is_here or not are_free():
            return self._run()
        with Signals(self) as signals:
            succeeded = self._run()
        if signals.received is not None:  # it may end this process before anybody closes the worker
            quieten(self._ref, self._runtime, leaving=True, timeout_s=GOODBYE_S)
        signals.deliver()
        return succeeded

    def _run(self) -> bool:
        try:
            if self._desk is not None:
                self._ref.tell(StartRun(ended=self._desk))
                self._desk.work()
            elif self._runtime.is_here:
                errands = Errands()
                self._ref.tell(StartRun(ended=errands, lost=errands.lost))
                errands.work()
            else:
                ended: Future[None] = self._runtime.make_future()
                self._ref.tell(StartRun(ended=ended))
                ended.get()
        except KeyboardInterrupt:
            quieten(self._ref, self._runtime)
            raise
        self._finder.forget()
        self._result = self._conclude()
        self._stopped = False
        return self._result.succeeded

    def stop(self, drain_s: float | None = None, *, at_once: bool = False) -> None:
        """Take no more work and let `run()` return; any thread. (In a signal handler use `Signals`.)

        What has to be ended is given back to the scheduler, which can hand it out again at once.

        Args:
            drain_s: what runs may go on for so long before it is ended; None for the setting.
            at_once: end it without the grace that is usual.
        """
        self._stopped = True
        drain_s = self._settings.drain_timeout if drain_s is None else drain_s
        self._tell(StopWork(drain_s=drain_s, at_once=at_once))

    def phase_out(self) -> None:
        """Take no more work; `run()` returns when all that runs has ended by itself; any thread."""
        self._tell(StopWork(drain_s=None))

    def _tell(self, message: StopWork) -> None:
        with contextlib.suppress(ActorDeadError):
            self._ref.tell(message)

    @property
    def result(self) -> RunResult:
        """What came of the last `run()`; before it, what is known so far."""
        # a result that is no success is false, and is a result nevertheless
        return self._conclude() if self._result is None else self._result

    def _conclude(self) -> RunResult:
        ledger: Ledger = self._ref.ask(ReadLedger(), block=True)
        if ledger.abandoned:
            log.error("ended without the scheduler, which may not have heard of all", worker=self.worker_id)
        else:
            look_elsewhere(ledger, self._ask_scheduler, self.worker_id)
        complete = all(self._is_done(ledger, task_id, task) for task_id, task in self._asked_for.items())
        elapsed_s = self._runtime.clock.monotonic() - self._started
        return result_of(ledger.entries, complete=complete, elapsed_s=elapsed_s)

    def _ask_scheduler(self, calls: tuple[Call, ...]) -> Sequence[Any]:
        # else no timeout of its own: who speaks with a scheduler elsewhere answers within the patience
        timeout_s = TELLING_S if self._stopped else None
        try:
            results: Any = self._scheduler_ref.ask(CallBatch(calls=calls), timeout=timeout_s)
        except pykka.Timeout:
            raise SchedulerUnreachableError(f"the scheduler did not answer within {timeout_s} s") from None
        return cast(Sequence[Any], results)

    def _is_done(self, ledger: Ledger, task_id: str, task: Any) -> bool:
        entry = ledger.entries.get(task_id)
        if entry is not None and entry.fate in (Fate.RAN, Fate.ALREADY_COMPLETE):
            return True
        try:
            if entry is not None and entry.fate is Fate.RUN_BY_OTHERS:
                # it may have been done before it was asked for, and its output be gone since
                if may_be_believed(task):
                    return True
                ledger.settle(task_id, Fate.NOT_RUN, cause=_HELD_FOR_DONE)
                return False
            return is_complete(task)
        except Exception:  # discovery has already told what is wrong with it
            return False

    # -- life -----------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the actors and their children and wait for them; a second call does nothing."""
        if self._finalizer.detach() is not None:
            _close(self._ref, self._equipment, self._owned, self._runtime, self._mailer)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _observe(
        self, observer: Callable[[Event], None] | None, notifier: Notifier | None
    ) -> Callable[[str, Mapping[str, Any]], None] | None:
        """What the actor tells of its runs: to the observer, and to the notifier what went wrong."""
        watch = observe_with(observer, self.worker_id) if observer else None
        notify = notify_with(notifier, self.worker_id) if notifier else None
        if notify is None:
            return watch

        def observe(kind: str, fields: Mapping[str, Any]) -> None:
            if watch is not None:
                watch(kind, fields)
            notify(kind, fields)

        return observe

    def _make_slot_maker(self) -> Callable[[int, ActorRef[Any]], ActorRef[Any]]:
        desk, equipment, settings, runtime = self._desk, self._equipment, self._settings, self._runtime
        if desk is not None:
            return lambda number, worker: runtime.start(InlineSlotActor, number, worker, desk)
        return lambda number, worker: runtime.start(
            SlotActor, number, worker, equipment.nursery(), settings, runtime, equipment.logs
        )

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


def _mailer_of(settings: WorkerSettings) -> SmtpNotifier | None:
    if not settings.smtp:
        return None
    recipients = tuple(filter(None, map(str.strip, settings.email_to.split(","))))
    return SmtpNotifier(settings.smtp, settings.email_from, recipients)


def quieten(
    ref: ActorRef[Any], runtime: Runtime, *, leaving: bool = False, timeout_s: float = QUIET_TIMEOUT_S
) -> None:
    """End what runs, and wait until the scheduler knows, though not for a scheduler that is away.

    Args:
        leaving: the worker has nothing more to do, so the scheduler may forget it.
        timeout_s: nobody waits longer.
    """
    quiet: Future[None] = runtime.make_future()
    with contextlib.suppress(ActorDeadError, pykka.Timeout):
        ref.tell(StopWork(drain_s=0, quiet=quiet, leaving=leaving))
        quiet.get(timeout=timeout_s)


def _close(
    ref: ActorRef[Any],
    equipment: Equipment,
    owned: Iterable[ActorRef[Any]],
    runtime: Runtime,
    mailer: SmtpNotifier | None = None,
) -> None:
    quieten(ref, runtime, leaving=True)
    for each in (ref, *owned):
        with contextlib.suppress(ActorDeadError):
            each.stop(block=True)
    equipment.close()
    if mailer is not None:
        mailer.close()
