"""The scheduler: a thin shell around the core machine.

Accepts
    Call            ask: the method's result, or its error raised
    CallBatch       ask: a list with the result or the exception of each call; one with an identity is
                    carried out once, and its copies get the same answer
    Exchange        tell: answered by one ExchangeEnded
    KeepAlive       tell: this actor pings for the worker from now on, while the listener lives
    StopKeepAlive   tell
    Bind            ask: the address, with its real port; or AddressError, AddressInUseError raised
    Unbind          ask: None, when the addresses of that server are free
    HostEvent       from its own inbox, and from the thread that checks passwords
    Subscribe       tell: its listener is told Hints, whenever somebody should be woken
    Take            ask: None once this scheduler has its place in the store; else who has it
    any RPC method  through a proxy
On stop
    what waits in the inbox is answered with ActorDeadError; the place in the store is given back.
On crash
    the error of one call is that call's answer and nobody else's. When the store fails, whatever was
    asked ends with UnavailableError, and nothing of it has happened.

A message is committed before it is answered, alone or with others that wait (keeping.py, host.py). Without
a store the state ends with the actor.

Everything that is decided is decided in the machine. This actor reads the clock for it, and looks at
the time once in `TICK_S` seconds, so that a dead worker is noticed when nobody asks. When it was itself
away for longer, every worker gets a full lease before anything else. It does not look
when the clock was given by the caller: whoever holds the clock says when time passes (`prune`).
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.history_writer import Backlog, RunsEnded
from actorsched.actors.host import Bind, Host, HostEvent, Unbind
from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.keeping import RETRY_S, Keeper
from actorsched.actors.messages import (
    Call,
    CallBatch,
    Exchange,
    ExchangeEnded,
    Hints,
    KeepAlive,
    StopKeepAlive,
    Subscribe,
)
from actorsched.actors.runtime import Runtime
from actorsched.config import ClientSettings, SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.rows import RunRow
from actorsched.core.waking import take_hints
from actorsched.errors import ActorschedError, StoreError, UnavailableError, UnknownMethodError
from actorsched.rpc.answers import is_answer_to, read_answers, write_answers
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.errors import ReusedNumberError, StaleRequestError
from actorsched.rpc.methods import METHODS
from actorsched.rpc.replies import Stale
from actorsched.store.base import Store
from actorsched.store.url import LEASE_S

#: seconds between two looks at the time
TICK_S = 0.5
#: a look that comes so much later than the one before means that this process stood still (a suspended
#: machine, SIGSTOP): what workers sent meanwhile waits unread, so their silence says nothing about them
AWAY_S = 5.0
#: … or by this part of a lease, where that is shorter: more than one heartbeat may have been missed
AWAY_SHARE = 3
#: methods that renew the lease of the worker that calls them
SIGNS_OF_LIFE = frozenset({"add_task", "add_worker", "get_work", "ping"})
#: seconds that a worker of this process waits for a store that is away, as long as a remote one would
PATIENCE_S = ClientSettings().patience


@dataclass(frozen=True, slots=True)
class Take:
    """Open the store and take the place in it; `ask` again for as long as the answer is not None.

    Raises:
        StoreError: the store cannot be used.
        StoreUnavailableError: it cannot be reached.
    """


@dataclass(frozen=True, slots=True)
class _Again:
    """The store was away when a worker of this process asked."""

    exchange: Exchange
    patience_s: float


@dataclass(frozen=True, slots=True)
class _Tick:
    pass


class SchedulerActor(Actor, SchedulerApi):
    """Owns the machine.

    Args:
        settings: what it decides by.
        resources: name → amount that can be used at the same time.
        runtime: clock and chance.
        store: where the state is kept, not opened; None: nowhere.
        lease_s: how long the place in the store may go without a sign of life.
        history: hears of runs that have ended; the backlog is shared with it.
    """

    #: needed as soon as it is served; nothing of it is loaded before
    owns_sockets = True
    #: tells a server that it need not
    remembers_replies = True

    def __init__(
        self,
        settings: SchedulerSettings | None = None,
        resources: Mapping[str, int] | None = None,
        runtime: Runtime | None = None,
        store: Store | None = None,
        lease_s: float = LEASE_S,
        history: tuple[ActorRef[Any], Backlog] | None = None,
    ) -> None:
        super().__init__(runtime)
        settings = settings or SchedulerSettings()
        self._keep_alive = KeepAliveTable()
        lease_of_workers = settings.worker_disconnect_delay
        self._keep_alive.limit(lease_of_workers, self._runtime.clock.monotonic())
        self._listeners: list[ActorRef[Any]] = []
        self._hosts: dict[str, Host] = {}
        self._looked_at = self._runtime.clock.monotonic()
        self._away_s = max(2 * TICK_S, min(AWAY_S, lease_of_workers / AWAY_SHARE))
        self._history = history
        self._keeper = Keeper(
            settings,
            resources,
            self._runtime,
            store,
            lease_s,
            None if history is None else self._note_runs,
        )

    def on_start(self) -> None:
        if self._runtime.ticking:
            self.actor_inbox.after(TICK_S, _Tick())

    def on_stop(self) -> None:
        for host in self._hosts.values():
            host.close()
        self._keeper.close()

    def handle(self, message: object) -> Any:
        match message:
            case HostEvent():  # first, because it is what comes most often
                message.host.handle(message)
            case Call(method=method, params=params):
                return self._call(method, params)
            case Exchange():
                self._exchange(message)
            case _Again(exchange=exchange, patience_s=patience_s):
                self._exchange(exchange, patience_s)
            case CallBatch(calls=calls, client=None):
                return self._carry_out(calls)
            case CallBatch(calls=calls, client=str(client), seq=seq, mark=mark):
                return self._carry_out_once(calls, client, seq, mark)
            case _Tick():
                self.actor_inbox.after(TICK_S, message)
                self._tick()
            case KeepAlive():
                self._keep_alive.add(message, self._runtime.clock.monotonic())
            case Subscribe(listener=listener):
                self._listeners.append(listener)
            case StopKeepAlive(worker=worker):
                self._keep_alive.remove(worker)
            case Bind():
                return self._bind(message)
            case Unbind(server=server):
                if server in self._hosts:
                    self._hosts.pop(server).close()
            case Take():
                self._keeper.recover()
                return None if self._keeper.serving else self._keeper.trouble
            case _:
                self.refuse(message)
        return None

    def _give_hints(self) -> None:
        """Wake whom there is something for: workers of this process, and those behind servers."""
        machine = self._keeper.peek()
        if machine is None or self._keeper.holds_back:
            return
        work, messages = take_hints(machine)
        if not work and not messages:
            return
        for worker in work:
            self._keep_alive.wake(worker)
        now = self._runtime.clock.monotonic()
        for worker in messages:
            self._keep_alive.hasten(worker, now)
        if messages:
            with contextlib.suppress(UnavailableError):  # what was asked is done; the pings are not
                self._ping_for_workers()
        for host in self._hosts.values():
            host.publish(work, messages)
        hints = Hints(work=tuple(work), messages=tuple(messages))
        for listener in list(self._listeners):
            try:
                listener.tell(hints)
            except ActorDeadError:
                self._listeners.remove(listener)

    def _note_runs(self, runs: tuple[RunRow, ...]) -> None:
        assert self._history is not None
        writer, backlog = self._history
        if backlog.offer(len(runs)):
            with contextlib.suppress(ActorDeadError):  # the history is closed before the scheduler
                writer.tell(RunsEnded(runs))

    # -- the network

    def _bind(self, wanted: Bind) -> str:
        host = self._hosts.get(wanted.server)
        if host is not None:
            return host.bind(wanted)
        together = self._together if self._keeper.stores else None
        host = Host(self, self._runtime, self._carry_out, self._carry_out_once, wanted.guard, together)
        try:
            address = host.bind(wanted)
        except BaseException:
            host.close()
            raise
        self._hosts[wanted.server] = host
        return address

    @property
    def machine(self) -> SchedulerMachine | None:
        """The machine, for who looks at it from outside; None while there is none."""
        return self._keeper.peek()

    # -- calls

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        result = self._carry_out((Call(method=method, params=params),))[0]
        if isinstance(result, Exception):
            raise result
        return result

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """What is carried out inside is committed when it is left, and nobody hears of it before."""
        with self._keeper.together():
            yield
        self._give_hints()

    def _carry_out(self, calls: Sequence[Call]) -> list[Any]:
        results = self._attempt(calls)
        self._keeper.commit(only_if_due=True)
        self._give_hints()
        return results

    def _carry_out_once(self, calls: Sequence[Call], client: str, seq: int, mark: bytes) -> list[Any]:
        self._keeper.machine()  # the memory is that of the machine
        known = self._keeper.replies.recall(client, seq)
        if isinstance(known, Stale):
            raise StaleRequestError(client, seq, known.last)
        if known is not None:
            if not is_answer_to(known, mark):
                raise ReusedNumberError(client, seq)
            self._renew_copies(calls)
        else:
            known = write_answers(self._attempt(calls), self._report, mark)
            self._keeper.remember(client, seq, known)
            self._keeper.commit()
            self._give_hints()
        return read_answers(known)

    def _renew_copies(self, calls: Sequence[Call]) -> None:
        """Whoever sends again, because no answer arrives, is alive; a lease is about hearing and not about
        being heard. A copy that a network made may so renew the lease of a dead worker, once."""
        for call in calls:
            if call.method in SIGNS_OF_LIFE:
                params = call.params
                worker, incarnation = str(params.get("worker")), params.get("incarnation")
                self._keeper.machine().renew_copy(worker, incarnation, self._keeper.now())

    def _exchange(self, message: Exchange, patience_s: float = PATIENCE_S) -> None:
        try:
            self._keep_alive.check(message.reply_to)
            ended = ExchangeEnded(tag=message.tag, results=tuple(self._carry_out(message.calls)))
        except UnavailableError as error:
            if patience_s > 0:  # a worker of this process has no client that would ask again for it
                self.actor_inbox.after(RETRY_S, _Again(message, patience_s - RETRY_S))
                return
            ended = ExchangeEnded(tag=message.tag, error=error)
        except Exception as error:
            if not isinstance(error, ActorschedError):
                self._report(error)
            ended = ExchangeEnded(tag=message.tag, error=error)
        with contextlib.suppress(ActorDeadError):  # a worker that ended still told how its runs did
            message.reply_to.tell(ended)

    def _attempt(self, calls: Sequence[Call]) -> list[Any]:
        machine = self._keeper.machine()
        self._notice_absence()
        return [self._make(machine, call.method, call.params) for call in calls]

    def _make(self, machine: SchedulerMachine, method: str, params: Mapping[str, Any]) -> Any:
        try:
            if method not in METHODS:
                raise UnknownMethodError(f"no method {method!r}")
            return getattr(machine, method)(self._keeper.now(), **params)
        except Exception as error:
            return error

    @staticmethod
    def _report(error: BaseException) -> None:
        # as text: a renderer that shows local variables would show private parameters
        log.error("a call ended with a bug", trace="".join(traceback.format_exception(error)))

    # -- time

    def _tick(self) -> None:
        try:
            machine = self._keeper.machine()
            self._notice_absence()
            self._ping_for_workers()
            machine.prune(self._keeper.now())
            self._keeper.commit(only_if_due=True)
        except (UnavailableError, StoreError):  # noted by the keeper; the next tick tries again
            return
        while machine.given_up:
            worker, silent_s, runs = machine.given_up.popleft()
            log.warning("a worker was given up", worker=worker, silent_s=round(silent_s, 1), runs_lost=runs)
        while machine.unloadable:
            module, family, tasks, why = machine.unloadable.popleft()
            log.warning("tasks have failed", module=module, family=family, tasks=tasks, cause=why)
        self._give_hints()

    def _ping_for_workers(self) -> None:
        due = self._keep_alive.due(self._runtime.clock.monotonic())
        machine = self._keeper.machine()
        pongs = [(entry, machine.ping(self._keeper.now(), **entry.ping_params)) for entry in due]
        self._keeper.commit(only_if_due=True)
        for entry, pong in pongs:
            self._keep_alive.deliver(entry, pong)

    def _notice_absence(self) -> None:
        now = self._runtime.clock.monotonic()
        if self._runtime.ticking and now - max(self._looked_at, self._keeper.taken_at) > self._away_s:
            log.warning("the scheduler stood still", away_s=round(now - self._looked_at, 1))
            self._keeper.machine().renew_all(self._keeper.now())
        self._looked_at = now
