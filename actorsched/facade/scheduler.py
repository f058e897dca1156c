"""A scheduler in this process, called like an ordinary object."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, cast

from pykka import ActorDeadError, ActorRef

from actorsched.actors.history_writer import Backlog, HistoryWriter
from actorsched.actors.messages import Call
from actorsched.actors.runtime import Clock, Event, Runtime, SystemClock, clock_from
from actorsched.actors.scheduler import SchedulerActor, Take
from actorsched.config import SchedulerSettings, settings_from
from actorsched.errors import StoreHeldError, UnavailableError
from actorsched.rpc.api import SchedulerApi
from actorsched.store.base import Store
from actorsched.store.url import LEASE_S, make_store

#: seconds between two looks at a store that another scheduler has
LOOK_S = 0.1


class Scheduler(SchedulerApi):
    """Every RPC method, synchronously, from any thread; results are plain JSON-shaped data.

    Args:
        clock: an object with `monotonic()` and `wall()`, or a callable that serves as both. With a clock
            of your own, time is looked at only when a method is called.
        resources: name → amount that can be used at the same time; a name without an amount has 1.
        store: where the state is kept: "memory://" for as long as this object lives, "sqlite:///path",
            "postgresql+psycopg://user@host/database"; or a store of your own, not opened, that nobody
            else uses.
        standby: when another scheduler has the store, wait for it in the background and refuse calls
            until then, instead of giving up after a lease.
        lease_s: a scheduler that gives no sign of life for so long loses its place in the store.
        runtime: where the actor lives; None for this machine. It has a clock of its own.
        settings: fields of `SchedulerSettings`, by keyword.

    Raises:
        ConfigError: an unknown setting, a bad value, an unknown store.
        StoreError: the store is damaged, of a newer version, or another scheduler has it.
        StoreUnavailableError: the store cannot be reached.
    """

    def __init__(
        self,
        clock: Clock | Callable[[], float] | None = None,
        resources: Mapping[str, int] | None = None,
        store: str | Store = "memory://",
        runtime: Runtime | None = None,
        *,
        standby: bool = False,
        lease_s: float = LEASE_S,
        **settings: Any,
    ) -> None:
        if runtime is None:
            ticking = clock is None or isinstance(clock, SystemClock)
            runtime = Runtime(clock=clock_from(clock), ticking=ticking)
        wanted = settings_from(SchedulerSettings, settings)
        #: seconds without a sign of life after which a worker is given up
        self.lease_s = wanted.worker_disconnect_delay
        kept: Store | None
        if isinstance(store, str):
            kept = None if store == "memory://" else make_store(store, lease_s)
        else:
            kept, store = store, store.url
        self._writer: ActorRef[HistoryWriter] | None = None
        history = None
        if kept is not None and wanted.record_task_history:
            backlog = Backlog()
            self._writer = runtime.start(
                HistoryWriter, store, wanted.history_max_age, wanted.history_max_runs, backlog, runtime
            )
            history = self._writer, backlog
        self._ref: ActorRef[SchedulerActor] = runtime.start(
            SchedulerActor, wanted, resources, runtime, kept, lease_s, history
        )
        self._finalizer = weakref.finalize(self, _stop, self._ref, self._writer)
        if kept is not None:
            self._take(standby, lease_s, runtime.make_event())

    def _take(self, standby: bool, lease_s: float, pause: Event) -> None:
        """Wait until the store is ours; in vain, if whoever has it gives signs of life."""
        try:
            for _ in range(int(2 * lease_s / LOOK_S) + 1):
                trouble: Any = self._ref.ask(Take())
                if trouble is None or standby:
                    return
                if not isinstance(trouble, StoreHeldError):
                    break
                pause.wait(LOOK_S)
            raise trouble
        except BaseException:
            self.close()
            raise

    @property
    def serving(self) -> bool:
        """Whether it has its place in the store; a standby has not."""
        return self.trouble is None

    @property
    def trouble(self) -> UnavailableError | None:
        """Why it does not serve: `StoreHeldError` while it stands by, else what is wrong with its store."""
        found: Any = self._ref.ask(Take())
        return cast(UnavailableError | None, found)

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
        if self._writer is not None and self._writer.is_alive():
            self._writer.stop(block=True)

    def __enter__(self) -> Scheduler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _stop(*refs: ActorRef[Any] | None) -> None:
    for ref in refs:
        if ref is not None:
            with contextlib.suppress(ActorDeadError):
                ref.stop(block=False)
