"""Put a scheduler of this process on the network."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from pykka import ActorRef

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.rep_server import Bind, RepServerActor
from actorsched.actors.runtime import Runtime


class Server:
    """A scheduler that is being served.

    Attributes:
        address: where, with the real port.
    """

    def __init__(self, address: str, actors: list[ActorRef[Any]]) -> None:
        self.address = address
        self._actors = actors

    def stop(self) -> None:
        """Stop serving and wait for it; the scheduler itself goes on. A second call does nothing.

        When this returns, the address is free.
        """
        for ref in self._actors:
            if ref.is_alive():
                ref.stop(block=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Server at {self.address}>"


def serve(
    scheduler: Any,
    bind: str = "tcp://127.0.0.1:0",
    allow_remote: bool = False,
    runtime: Runtime | None = None,
) -> Server:
    """Serve a scheduler until `stop()`.

    Args:
        scheduler: a `Scheduler`, a `RemoteScheduler`, the reference of a scheduler's actor, or any object
            with the RPC methods.
        bind: `tcp://host:port` (port 0: any free one), `ipc:///path`, or `inproc://name`.
        allow_remote: whether other machines may reach it. There are no keys yet: whoever reaches a
            scheduler can make its workers run things.
        runtime: where the server lives; None for this machine.

    Raises:
        AddressError: `bind` cannot be understood or used, or other machines could reach it.
        AddressInUseError: somebody else listens there.
    """
    runtime = runtime or Runtime()
    actors: list[ActorRef[Any]] = []
    ref: Any = scheduler if isinstance(scheduler, ActorRef) else getattr(scheduler, "actor_ref", None)
    if not isinstance(ref, ActorRef):
        ref = runtime.start(AdapterActor, scheduler, runtime)
        actors.append(ref)
    actors.insert(0, runtime.start(RepServerActor, ref, runtime=runtime))
    server = Server(bind, actors)
    try:
        address: Any = actors[0].ask(Bind(address=bind, allow_remote=allow_remote))
    except BaseException:
        server.stop()
        raise
    server.address = address
    return server
