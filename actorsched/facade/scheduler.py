"""A scheduler in this process, called like an ordinary object."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.messages import Call
from actorsched.actors.runtime import Clock, Runtime, SystemClock, clock_from
from actorsched.actors.scheduler import SchedulerActor
from actorsched.config import SchedulerSettings, settings_from
from actorsched.errors import ConfigError
from actorsched.rpc.api import SchedulerApi


class Scheduler(SchedulerApi):
    """Every RPC method, synchronously, from any thread; results are plain JSON-shaped data.

    Args:
        clock: an object with `monotonic()` and `wall()`, or a callable that serves as both. With a clock
            of your own, time is looked at only when a method is called.
        resources: name → amount that can be used at the same time; a name without an amount has 1.
        store: where the state is kept; "memory://" for as long as this object lives.
        runtime: where the actor lives; None for this machine. It has a clock of its own.
        settings: fields of `SchedulerSettings`, by keyword.

    Raises:
        ConfigError: an unknown setting, a bad value, an unknown store.
    """

    def __init__(
        self,
        clock: Clock | Callable[[], float] | None = None,
        resources: Mapping[str, int] | None = None,
        store: str = "memory://",
        runtime: Runtime | None = None,
        **settings: Any,
    ) -> None:
        if store != "memory://":
            raise ConfigError(f"store={store!r}: this release keeps state in memory only; use 'memory://'")
        if runtime is None:
            ticking = clock is None or isinstance(clock, SystemClock)
            runtime = Runtime(clock=clock_from(clock), ticking=ticking)
        self._ref: ActorRef[SchedulerActor] = runtime.start(
            SchedulerActor, settings_from(SchedulerSettings, settings), resources, runtime
        )
        self._finalizer = weakref.finalize(self, _stop, self._ref)

    @property
    def actor_ref(self) -> ActorRef[SchedulerActor]:
        """The actor behind this object."""
        return self._ref

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        return self._ref.ask(Call(method=method, params=params))

    def close(self) -> None:
        """Stop the actor and wait for it; a second call does nothing."""
        self._finalizer.detach()
        if self._ref.is_alive():
            self._ref.stop(block=True)

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _stop(ref: ActorRef[Any]) -> None:
    try:
        ref.stop(block=False)
    except ActorDeadError:
        return
