"""A scheduler somewhere else, called like an ordinary object."""

from __future__ import annotations

import os
import random
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

from pykka import ActorDeadError, ActorRef, Timeout

from actorsched.actors.lanes import Lanes
from actorsched.actors.messages import Call, KeepAlive, StopKeepAlive
from actorsched.actors.patience import closed_early
from actorsched.actors.remote_scheduler import RemoteSchedulerActor
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings, settings_from
from actorsched.errors import SchedulerUnreachableError
from actorsched.rpc.api import SchedulerApi
from actorsched.transport.address import is_http, redacted

#: the actor answers by itself when the time is over; this much later, it is busy with another call
GRACE_S = 0.5


class RemoteScheduler(SchedulerApi):
    """Every RPC method, synchronously, from any thread; results are plain JSON-shaped data.

    Nothing is connected before the first call. What the scheduler answers with an error is raised: the
    caller's errors as they are (`InvalidParamsError`, `UnknownMethodError`, …), others as `RemoteError`.

    A forked process may go on using the object: with its first call it gets connections and an identity of
    its own. It does not keep alive what this process keeps alive.

    Args:
        url: `tcp://host:port`, `tcp://user:password@host:port`, `ipc:///path`; or, for a stock luigid,
            `http://host:port`, `https://…`, `http+unix://%2Fpath`. Several with commas between are tried in
            turn.
        connect_timeout: a request without an answer for so many seconds is sent again (and gets more).
        runtime: where the actor lives; None for this machine.
        settings: fields of `ClientSettings`, by keyword.

    Attributes:
        url: where it asks, without passwords.

    Raises:
        AddressError: the url cannot be understood.
        ConfigError: an unknown setting, a bad value, keys that cannot be used, or no httpx for a luigid.
    """

    def __init__(
        self,
        url: str = "tcp://127.0.0.1:8081",
        connect_timeout: float | None = None,
        runtime: Runtime | None = None,
        **settings: Any,
    ) -> None:
        self.url = redacted(url)
        self._runtime = runtime or Runtime()
        self._now = self._runtime.clock.monotonic
        fields = settings_from(ClientSettings, {"connect_timeout": connect_timeout, **settings})

        def make(runtime: Runtime, closing: Event, lanes: Lanes) -> ActorRef[Any]:
            if is_http(url):
                from actorsched.actors.http_scheduler import HttpSchedulerActor  # seldom needed
                from actorsched.transport.http import require_httpx

                require_httpx(self.url)
                return runtime.start(HttpSchedulerActor, url, fields, runtime, closing=closing)
            return runtime.start(RemoteSchedulerActor, url, fields, runtime, closing=closing, lanes=lanes)

        self._make = make  # the address may hold a password, so it is kept where nobody looks
        self._renewing = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._closing = self._runtime.make_event()
        self._lanes = Lanes()
        self._live_ref: ActorRef[Any] = self._make(self._runtime, self._closing, self._lanes)
        self._pid = os.getpid()
        self._finalizer = weakref.finalize(self, _stop, self._live_ref, self._closing, self._pid)

    @property
    def _ref(self) -> ActorRef[Any]:
        if self._pid != os.getpid() and not self._closing.is_set():
            with self._renewing:
                if self._pid != os.getpid():
                    self._start_again()
        return self._live_ref

    def _start_again(self) -> None:
        """Leave alone what belongs to the process that this one was forked from, and start anew."""
        self._finalizer.detach()
        # else all processes that are forked from one would make up the same names
        self._runtime = replace(self._runtime, random=random.Random())
        self._start()

    @property
    def actor_ref(self) -> ActorRef[Any]:
        """The actor behind this object."""
        return self._ref

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        # no timeout of its own: the actor answers within the patience, also when it is stopped
        ref = self._ref  # first, because it knows of forks
        try:
            return self._lanes.call(ref, method, params)
        except ActorDeadError:
            raise closed_early(self.url) from None

    def within(self, seconds: float) -> SchedulerApi:
        """The same scheduler, for calls that must be answered in so many seconds.

        A call that is not is a `SchedulerUnreachableError`; whether it took effect is then unknown.
        """
        return _Within(self._ref, self.url, seconds, self._now)

    @contextmanager
    def keep_alive(self, worker: str, interval_s: float = 1.0) -> Iterator[None]:
        """Ping for a worker, in the background, for as long as the block lasts."""
        self._ref.tell(KeepAlive(worker=worker, interval_s=interval_s))
        try:
            yield
        finally:
            with suppress(ActorDeadError):  # closed meanwhile
                self._ref.tell(StopKeepAlive(worker=worker))

    def close(self) -> None:
        """Stop the actor and wait for it; a call under way ends with an error. Twice does nothing."""
        self._closing.set()
        self._finalizer.detach()
        if self._pid == os.getpid() and self._live_ref.is_alive():
            self._live_ref.stop(block=True)

    def __enter__(self) -> RemoteScheduler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Within(SchedulerApi):
    """See `RemoteScheduler.within`."""

    def __init__(self, ref: ActorRef[Any], url: str, seconds: float, now: Callable[[], float]) -> None:
        self._ref = ref
        self._url = url
        self._seconds = seconds
        self._now = now

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        call = Call(method=method, params=params, until=self._now() + self._seconds)
        try:
            return self._ref.ask(call, timeout=self._seconds + GRACE_S)
        except Timeout:  # it stands behind another call that takes long
            raise SchedulerUnreachableError(
                f"{method}: no answer from {self._url} within {self._seconds:g} s"
            ) from None
        except ActorDeadError:
            raise closed_early(self._url) from None


def _stop(ref: ActorRef[Any], closing: Event, pid: int) -> None:
    if pid != os.getpid():
        return
    closing.set()
    try:
        ref.stop(block=False)
    except ActorDeadError:
        return
