"""Shipped actors on a hub: the inbox, the future and the loop are others, everything else stays.

`simulated(WorkerActor)` is a subclass of the class that ships, with a mix-in before it that makes its
inbox wait on the hub, its asks wait on the hub, and its loop run as a strand. No method of the actor
itself is replaced, so its handlers may block, as they do in a thread.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import pykka
from pykka import Timeout
from pykka._envelope import Envelope

from actorsched.actors.inbox import Inbox
from actorsched.actors.runtime import Runtime
from actorsched.errors import InternalError
from actorsched.simulation.hub import Hub, Killed, Signal, active_hub, is_silenced
from actorsched.simulation.node import Node


class Source:
    """Something that an inbox can listen to: a socket, the end of a pipe."""

    __slots__ = ("_readable", "listeners", "signal")

    def __init__(self, hub: Hub) -> None:
        self.signal = Signal(hub)
        self.listeners: list[SimulatedInbox] = []
        self._readable = False

    @property
    def readable(self) -> bool:
        return self._readable

    @readable.setter
    def readable(self, readable: bool) -> None:
        self._readable = readable
        if readable:
            self.signal.give()
            for inbox in self.listeners:
                inbox.signal.give()


class SimulatedEvent:
    """Like a `threading.Event`."""

    def __init__(self) -> None:
        self._signal = Signal(active_hub())
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        self._signal.give()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        return self._signal.wait_for(self.is_set, timeout)


class SimulatedFuture(pykka.Future[Any]):
    """Like a `pykka.ThreadingFuture`."""

    def __init__(self) -> None:
        super().__init__()
        self._signal = Signal(active_hub())
        self._result: tuple[Any, BaseException | None] | None = None

    def is_set(self) -> bool:
        return self._result is not None

    def get(self, *, timeout: float | None = None) -> Any:
        try:
            return super().get(timeout=timeout)
        except NotImplementedError:
            pass
        if not self._signal.wait_for(self.is_set, timeout):
            raise Timeout(f"{timeout} seconds")
        assert self._result is not None
        value, error = self._result
        if error is not None:
            raise error
        return value

    def set(self, value: Any | None = None) -> None:
        self._settle(value, None)

    def set_exception(self, exc_info: Any | None = None) -> None:
        kind, error, _ = exc_info or sys.exc_info()
        assert kind is not None
        self._settle(None, error if error is not None else kind())

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if is_silenced():
            return  # who was killed answers nobody
        if self._result is not None:
            raise InternalError(f"a future was set twice, to {self._result!r} and {value!r} {error!r}")
        self._result = value, error
        self._signal.give()


class SimulatedInbox(Inbox):
    """The inbox that ships, waiting on the hub instead of on the operating system."""

    def __init__(self, node: Node) -> None:
        super().__init__(monotonic=node.clock.monotonic)
        self.signal = Signal(node.hub)

    def put(self, envelope: Envelope[Any], /) -> None:
        if not is_silenced():
            self._queue.append(envelope)
            self.signal.give()

    def listen(self, source: Any, message: object) -> None:
        self._sources[source] = message
        source.listeners.append(self)

    def unlisten(self, source: Any) -> None:
        if self._sources.pop(source, None) is not None:
            source.listeners.remove(self)

    def close(self) -> None:
        for source in list(self._sources):
            self.unlisten(source)
        self._timers.clear()

    def _look(self, *, block: bool) -> None:
        if block:
            self.signal.wait_for(self._has_something, self._until_next_timer())
        for source, message in list(self._sources.items()):
            if source.readable:
                self._due.append(Envelope(message))
        self._take_timers()

    def _has_something(self) -> bool:
        return bool(self._queue) or any(source.readable for source in self._sources)


class SimulatedActor:
    """The mix-in; see the top of the module."""

    _runtime: Runtime
    _actor_ref: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        node = self._node
        self.actor_urn = self._actor_ref.actor_urn = node.urn(type(self).__name__)
        self.actor_stopped = self._actor_ref.actor_stopped = SimulatedEvent()

    @property
    def _node(self) -> Node:
        node: Node = self._runtime.node  # type: ignore[attr-defined]  # a SimulatedRuntime has one
        return node

    def _create_actor_inbox(self) -> SimulatedInbox:
        return SimulatedInbox(self._node)

    @staticmethod
    def _create_future() -> SimulatedFuture:
        return SimulatedFuture()

    def _start_actor_loop(self) -> None:
        name = self.actor_urn.rpartition(":simulation:")[2].partition(":")[2]
        self._strand = self._node.spawn(self._live, name, self)

    def _live(self) -> None:
        try:
            self._actor_loop()  # type: ignore[attr-defined]  # Pykka's
        except Killed:
            self._die()

    def _die(self) -> None:
        pykka.ActorRegistry.unregister(self._actor_ref)
        self.actor_stopped.set()

    def _handle_receive(self, message: Any) -> Any:
        """Pykka stops all actors of the process when something like `Killed` reaches it."""
        try:
            return super()._handle_receive(message)  # type: ignore[misc]
        except Killed:
            self._die()
            return None

    def _handle_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        """The guard of the actor has caught something: nobody has to look into a log for that."""
        super()._handle_failure(exception_type, exception_value, traceback)  # type: ignore[misc]
        if not is_silenced() and self._node.hub.world is not None:
            name = self.actor_urn.rpartition(":simulation:")[2].partition(":")[2]
            for watcher in self._node.hub.world.watchers:
                watcher.broke(f"{name} of {self._node.name}", exception_value)

    def _actor_loop_teardown(self) -> None:
        if not self._strand.killed:
            super()._actor_loop_teardown()  # type: ignore[misc]


@cache
def simulated(kind: type[Any]) -> type[Any]:
    """The class, to be started in a simulation."""
    if issubclass(kind, SimulatedActor):
        return kind
    return type(kind.__name__, (SimulatedActor, kind), {"__module__": kind.__module__})
