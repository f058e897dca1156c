"""Put a scheduler of this process on the network."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.host import Bind, Unbind
from actorsched.actors.log import log
from actorsched.actors.rep_server import RepServerActor
from actorsched.actors.runtime import Runtime
from actorsched.actors.scheduler import SchedulerActor
from actorsched.errors import ConfigError
from actorsched.transport.guard import CurveGuard, PlainGuard


class Server:
    """A scheduler that is being served.

    Attributes:
        addresses: where, with the real ports.
    """

    def __init__(self, addresses: Sequence[str], close: Callable[[], None]) -> None:
        self.addresses = tuple(addresses)
        self._close = close

    @property
    def address(self) -> str:
        """The first of the addresses."""
        return self.addresses[0]

    def stop(self) -> None:
        """Stop serving and wait for it; the scheduler itself goes on. A second call does nothing.

        When this returns, the address is free.
        """
        self._close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server at {', '.join(self.addresses)}>"


def serve(
    scheduler: Any,
    bind: str | Sequence[str] = "tcp://127.0.0.1:0",
    allow_remote: bool = False,
    runtime: Runtime | None = None,
    *,
    keys: str | os.PathLike[str] | None = None,
    users: str | os.PathLike[str] | None = None,
    events_port: int = 0,
) -> Server:
    """Serve a scheduler until `stop()`.

    Args:
        scheduler: a `Scheduler`, a `RemoteScheduler`, the reference of a scheduler's actor, or any object
            with the RPC methods.
        bind: `tcp://host:port` (port 0: any free one), `ipc:///path`, or `inproc://name`; or several.
        allow_remote: whether other machines may reach it without keys: whoever reaches a scheduler can make
            its workers run things.
        runtime: where the server lives; None for this machine.
        keys: the folder that `actorsched keygen server` made; only the holders of keys in it are let in.
        users: the file that `actorsched keygen user` made; a name and a password are asked for. They are not
            encrypted on their way, so other machines are let in only with `allow_remote`.
        events_port: where hints for workers are given, on tcp; 0 is any free port. A firewall that lets
            nothing through to it costs workers some seconds of waiting, and nothing else.

    Raises:
        AddressError: `bind` cannot be understood or used, or strangers could reach it.
        AddressInUseError: somebody else listens there.
        ConfigError: `keys` or `users` cannot be used.
    """
    binds = (bind,) if isinstance(bind, str) else tuple(bind)
    if not binds:
        raise ConfigError("bind=[]: say at least one address")
    runtime = runtime or Runtime()
    guard = make_guard(keys, users)
    ref: Any = scheduler if isinstance(scheduler, ActorRef) else getattr(scheduler, "actor_ref", None)
    name = runtime.make_id()
    if isinstance(ref, ActorRef) and issubclass(ref.actor_class, SchedulerActor):
        answering, close = ref, partial(_unbind, ref, name)  # it has its sockets itself
    else:
        own = [] if isinstance(ref, ActorRef) else [runtime.start(AdapterActor, scheduler, runtime)]
        answering = runtime.start(RepServerActor, own[0] if own else ref, runtime=runtime, guard=guard)
        close = partial(_stop, (answering, *own))
    wanted = Bind(address="", server=name, guard=guard, allow_remote=allow_remote, events_port=events_port)
    try:
        addresses: list[Any] = [answering.ask(replace(wanted, address=each)) for each in binds]
    except BaseException:
        close()
        raise
    return Server(addresses, close)


def _unbind(ref: ActorRef[Any], server: str) -> None:
    with contextlib.suppress(ActorDeadError):
        ref.ask(Unbind(server=server))


def _stop(refs: Iterable[ActorRef[Any]]) -> None:
    for ref in refs:
        if ref.is_alive():
            ref.stop(block=True)


def make_guard(
    keys: str | os.PathLike[str] | None, users: str | os.PathLike[str] | None
) -> CurveGuard | PlainGuard | None:
    """The guard for a folder of keys or a file of users; None for neither.

    Raises:
        ConfigError: both, or one that cannot be used.
    """
    if keys and users:
        raise ConfigError(
            f"keys={os.fspath(keys)!r} and users={os.fspath(users)!r}: a server asks either for keys or for"
            " passwords; choose keys where other machines are involved"
        )
    if keys:
        return CurveGuard(Path(keys), _complain)
    if users:
        return PlainGuard(Path(users), _complain)
    return None


def _complain(text: str) -> None:
    log.warning("a key or user cannot be used", cause=text)
