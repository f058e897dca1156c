"""The scheduler: a thin shell around the core machine.

Accepts
    Call            ask: the method's result, or its error raised
    CallBatch       ask: a list with the result or the exception of each call
    Exchange        tell: answered by one ExchangeEnded
    KeepAlive       tell: this actor pings for the worker from now on, while the listener lives
    StopKeepAlive   tell
    Subscribe       tell: its listener is told Hints, whenever somebody should be woken
    any RPC method  through a proxy
On stop
    what waits in the inbox is answered with ActorDeadError; the state is gone with its store.
On crash
    the error of one call is that call's answer and nobody else's.

Everything that is decided is decided in the machine. This actor reads the clock for it, and looks at
the time once in `TICK_S` seconds, so that a dead worker is noticed when nobody asks. When it was itself
away for longer, every worker gets a full lease before anything else. It does not look
when the clock was given by the caller: whoever holds the clock says when time passes (`prune`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.keep_alive import KeepAliveTable
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
from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.waking import take_hints
from actorsched.errors import UnknownMethodError
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.methods import METHODS

#: seconds between two looks at the time
TICK_S = 0.5
#: a look that comes so much later than the one before means that this process stood still (a suspended
#: machine, SIGSTOP): what workers sent meanwhile waits unread, so their silence says nothing about them
AWAY_S = 5.0


@dataclass(frozen=True, slots=True)
class _Tick:
    pass


class SchedulerActor(Actor, SchedulerApi):
    """Owns the machine.

    Args:
        settings: what it decides by.
        resources: name → amount that can be used at the same time.
        runtime: clock and chance.
    """

    def __init__(
        self,
        settings: SchedulerSettings | None = None,
        resources: Mapping[str, int] | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        super().__init__(runtime)
        self._keep_alive = KeepAliveTable()
        self._listeners: list[ActorRef[Any]] = []
        self._looked_at = self._runtime.clock.monotonic()
        self._machine = SchedulerMachine(
            settings or SchedulerSettings(), resources=resources, epoch=self._runtime.make_id()
        )

    def on_start(self) -> None:
        if self._runtime.ticking:
            self.actor_inbox.after(TICK_S, _Tick())

    def handle(self, message: object) -> Any:
        match message:
            case Call(method=method, params=params):
                return self._call(method, params)
            case Exchange():
                results = tuple(map(self._attempt, message.calls))
                with contextlib.suppress(ActorDeadError):  # a worker that ended still told how its runs did
                    message.reply_to.tell(ExchangeEnded(tag=message.tag, results=results))
                self._give_hints()
            case CallBatch(calls=calls):
                answers = [self._attempt(call) for call in calls]
                self._give_hints()
                return answers
            case _Tick():
                self._notice_absence()
                self.actor_inbox.after(TICK_S, message)
                self._ping_for_workers()
                self._machine.prune(self._runtime.now())
                self._give_hints()
            case KeepAlive():
                self._keep_alive.add(message, self._runtime.clock.monotonic())
            case Subscribe(listener=listener):
                self._listeners.append(listener)
            case StopKeepAlive(worker=worker):
                self._keep_alive.remove(worker)
            case _:
                self.refuse(message)
        return None

    def _give_hints(self) -> None:
        """Wake whom there is something for: workers of this process, and those behind servers."""
        work, messages = take_hints(self._machine)
        if not work and not messages:
            return
        for worker in work:
            self._keep_alive.wake(worker)
        now = self._runtime.clock.monotonic()
        for worker in messages:
            self._keep_alive.hasten(worker, now)
        if messages:
            self._ping_for_workers()
        hints = Hints(work=tuple(work), messages=tuple(messages))
        for listener in list(self._listeners):
            try:
                listener.tell(hints)
            except ActorDeadError:
                self._listeners.remove(listener)

    def _notice_absence(self) -> None:
        now = self._runtime.now()
        if self._runtime.ticking and now.monotonic - self._looked_at > AWAY_S:
            log.warning("the scheduler stood still", away_s=round(now.monotonic - self._looked_at, 1))
            self._machine.renew_all(now)
        self._looked_at = now.monotonic

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        result = self._make(method, params)
        self._give_hints()
        return result

    def _make(self, method: str, params: Mapping[str, Any]) -> Any:
        if method not in METHODS:
            raise UnknownMethodError(f"no method {method!r}")
        self._notice_absence()
        return getattr(self._machine, method)(self._runtime.now(), **params)

    def _attempt(self, call: Call) -> Any:
        try:
            return self._make(call.method, call.params)
        except Exception as error:
            return error

    def _ping_for_workers(self) -> None:
        for entry in self._keep_alive.due(self._runtime.clock.monotonic()):
            self._keep_alive.deliver(entry, self._machine.ping(self._runtime.now(), **entry.ping_params))
