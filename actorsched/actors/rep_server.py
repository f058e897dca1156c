"""A server for a scheduler that is another actor: it passes on what it is asked.

Accepts
    Bind            ask: the address, with its real port; or AddressError, AddressInUseError raised
    Hints           tell: published to those who listen
    HostEvent       from its own inbox, and from the thread that checks passwords
On stop
    the sockets are closed and their addresses are free when `stop(block=True)` returns; a client that
    waits for an answer sends its request again, to whoever listens there next.
On crash
    a frame that cannot be answered otherwise is answered with an error; the server goes on.

A whole batch goes to the scheduler in one message. `SchedulerActor` needs none of this: it has its sockets
itself (`host.py`). This is for objects with the RPC methods, and for relays. A relay whose scheduler is away
asks its clients to send again what they have numbered, because that takes effect once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pykka import ActorDeadError, ActorRef, Timeout

from actorsched.actors.base import Actor
from actorsched.actors.host import Bind, Host, HostEvent
from actorsched.actors.messages import Call, CallBatch, Hints, Subscribe
from actorsched.actors.runtime import Runtime
from actorsched.errors import SchedulerUnreachableError, WorldError
from actorsched.rpc.errors import UnavailableError
from actorsched.rpc.methods import METHODS
from actorsched.transport.guard import Guard

#: seconds after which a client is told that the scheduler does not answer
ASK_TIMEOUT_S = 60.0


class RepServerActor(Actor):
    """See the top of the module.

    Args:
        scheduler: accepts `Call`, `CallBatch` and `Subscribe`.
        ask_timeout_s: how long it may take to answer.
        runtime: the network.
        guard: who may talk to it; None: whoever can reach the addresses.
    """

    owns_sockets = True

    def __init__(
        self,
        scheduler: ActorRef[Any],
        ask_timeout_s: float = ASK_TIMEOUT_S,
        runtime: Runtime | None = None,
        guard: Guard | None = None,
    ) -> None:
        super().__init__(runtime)
        self._scheduler = scheduler
        self._ask_timeout_s = ask_timeout_s
        self._remembers = getattr(scheduler.actor_class, "remembers_replies", False)
        once = self._make_once if self._remembers else None
        self._host = Host(self, self._runtime, self._make_calls, once, guard)

    def on_start(self) -> None:
        self._scheduler.tell(Subscribe(listener=self.actor_ref))

    def handle(self, message: object) -> Any:
        match message:
            case HostEvent():
                return self._host.handle(message)
            case Bind():
                return self._host.bind(message)
            case Hints(work=work, messages=messages):
                return self._host.publish(work, messages)
            case _:
                return self.refuse(message)

    def on_stop(self) -> None:
        self._host.close()

    def _make_calls(self, calls: Sequence[Call]) -> Sequence[Any]:
        harmless = self._remembers and all(METHODS[call.method].reads_only for call in calls)
        if len(calls) == 1:
            return [self._ask(calls[0], again=harmless)]
        return self._ask(CallBatch(calls=tuple(calls)), again=harmless)  # type: ignore[no-any-return]

    def _make_once(self, calls: Sequence[Call], client: str, seq: int, mark: bytes) -> Sequence[Any]:
        batch = CallBatch(calls=tuple(calls), client=client, seq=seq, mark=mark)
        return self._ask(batch, again=True)  # type: ignore[no-any-return]

    def _ask(self, message: object, *, again: bool) -> Any:
        """Ask the scheduler; `again`: however often the same is asked for, it is done once or does nothing.

        Raises:
            UnavailableError: the client is to send it again.
            Exception: what the scheduler answers, or that it did not.
        """
        try:
            return self._scheduler.ask(message, timeout=self._ask_timeout_s)
        except ActorDeadError:
            raise UnavailableError("the scheduler is stopping; send the same request again") from None
        except Timeout:
            why = f"the scheduler did not answer within {self._ask_timeout_s:g} s"
        except SchedulerUnreachableError as error:
            why = str(error)
        if again:
            raise UnavailableError(f"{why}; send the same request again")
        raise WorldError(why)  # it may still happen, so the client must not be told to send it again
