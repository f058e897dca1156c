"""Any object that has the RPC methods, as an actor: a scheduler of the user's own, or Luigi's.

Accepts
    Call            ask: what the method returned, or its error raised
    CallBatch       ask: a list with the result or the exception of each call; or, when the scheduler is away,
                    SchedulerUnreachableError, raised: the calls after it were not made
    Exchange        tell: answered by one ExchangeEnded
    KeepAlive       tell: this actor pings for the worker from now on, while the listener lives
    StopKeepAlive   tell
    Subscribe       tell: ignored, there are no hints to give
    any RPC method  through a proxy
On stop
    the object is left as it is: it belongs to who made it.
On crash
    the error of one call is that call's answer and nobody else's.

The methods are called from this actor's thread only, one at a time. An object that does not take one of
our additional arguments is not given it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pykka import ActorDeadError

from actorsched._version import __version__
from actorsched.actors.base import Actor, log
from actorsched.actors.inbox import Timer
from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.messages import (
    Call,
    CallBatch,
    Exchange,
    ExchangeEnded,
    KeepAlive,
    StopKeepAlive,
    Subscribe,
)
from actorsched.actors.runtime import Runtime
from actorsched.core.messaging import check_version
from actorsched.errors import SchedulerUnreachableError, UnknownMethodError
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.envelope import PROTOCOL_VERSION
from actorsched.rpc.methods import METHODS


class _PingTime:
    """From the own inbox: it may be time for a ping."""


_PING_TIME = _PingTime()


class AdapterActor(Actor, SchedulerApi):
    """Calls the methods of an object.

    Args:
        target: the object; methods that it lacks do not exist.
        runtime: the clock of the pings.
    """

    def __init__(self, target: Any, runtime: Runtime | None = None) -> None:
        super().__init__(runtime)
        self._target = target
        self._keep_alive = KeepAliveTable()
        self._ping_timer: Timer | None = None
        self._pings_fail = False
        self._methods: dict[str, tuple[Callable[..., Any], frozenset[str] | None]] = {}

    def handle(self, message: object) -> Any:
        match message:
            case Call(method=method, params=params):
                return self._call(method, params)
            case CallBatch(calls=calls):
                return self._call_many(calls)
            case Exchange():
                self._exchange(message)
            case KeepAlive():
                self._keep_alive.add(message, self._runtime.clock.monotonic())
                self._ping()
            case StopKeepAlive(worker=worker):
                self._keep_alive.remove(worker)
            case Subscribe():
                pass  # such an object tells nobody when there is work
            case _PingTime():
                self._ping()
            case _:
                self.refuse(message)
        return None

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        function, taken = self._find(method)
        if taken is None or taken.issuperset(params):
            return function(**params)
        return function(**{name: value for name, value in params.items() if name in taken})

    def _call_many(self, calls: Sequence[Call]) -> list[Any]:
        results = []
        for call in calls:
            results.append(result := self._attempt(call))
            if isinstance(result, SchedulerUnreachableError):  # each would be waited for as long
                raise result
        return results

    def _attempt(self, call: Call) -> Any:
        try:
            return self._call(call.method, call.params)
        except Exception as error:
            return error

    def _exchange(self, message: Exchange) -> None:
        try:
            ended = ExchangeEnded(tag=message.tag, results=tuple(self._call_many(message.calls)))
        except SchedulerUnreachableError as error:  # nothing of it was refused: all of it is still to be said
            ended = ExchangeEnded(tag=message.tag, error=error)
        try:
            message.reply_to.tell(ended)
        except ActorDeadError:
            log.debug("nobody waits for the end of an exchange any more", tag=message.tag)

    def _find(self, method: str) -> tuple[Callable[..., Any], frozenset[str] | None]:
        """The method and the names of its arguments; None instead of names: it takes all."""
        found = self._methods.get(method)
        if found is None:
            function = getattr(self._target, method, None) if method in METHODS else None
            if function is None and method == "hello":
                function = _hello
            if not callable(function):
                raise UnknownMethodError(f"Method not found: {method!r}")
            found = self._methods[method] = (function, _names(function))
        return found

    def _ping(self) -> None:
        """Make the pings that are due, and come back when the next one is."""
        for keep_alive in self._keep_alive.due(self._runtime.clock.monotonic()):
            try:
                reply = self._call("ping", keep_alive.ping_params)
            except SchedulerUnreachableError:
                pass  # told of where it was noticed
            except Exception as error:
                if not self._pings_fail:  # once, and not at every ping
                    log.warning("pings fail", worker=keep_alive.worker, error=repr(error))
                self._pings_fail = True
            else:
                if self._pings_fail:
                    log.info("pings succeed again", worker=keep_alive.worker)
                self._pings_fail = False
                self._keep_alive.deliver(keep_alive, reply if isinstance(reply, Mapping) else {})
        if self._ping_timer is not None:
            self._ping_timer.cancel()
            self._ping_timer = None
        wait = self._keep_alive.next_due(self._runtime.clock.monotonic())
        if wait is not None:
            self._ping_timer = self.actor_inbox.after(wait, _PING_TIME)


def _hello(protocol_version: int = PROTOCOL_VERSION, client: str | None = None) -> dict[str, Any]:
    """Answer the handshake for an object that knows none."""
    check_version(protocol_version)
    return {"protocol_version": PROTOCOL_VERSION, "server_version": __version__, "epoch": ""}


def _names(function: Callable[..., Any]) -> frozenset[str] | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
