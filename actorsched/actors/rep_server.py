"""The server: frames from the network become calls of the scheduler, and its answers become frames.

Accepts
    Bind            ask: the address, with its real port; or AddressError, AddressInUseError raised
    _Readable       from its own inbox: a socket has something to read
On stop
    the sockets are closed and their addresses are free when `stop(block=True)` returns; a client that
    waits for an answer sends its request again, to whoever listens there next.
On crash
    a frame that cannot be answered otherwise is answered with an error; the server goes on.

The inbox listens to the sockets, so there is one thread for all of it. A whole batch goes to the
scheduler in one message. A wake-up serves several frames, because looking at the inbox between two of
them costs as much as a small call.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pykka import ActorDeadError, ActorRef, Timeout

from actorsched.actors.base import Actor, log
from actorsched.actors.messages import Call, CallBatch
from actorsched.actors.runtime import Runtime
from actorsched.errors import WorldError
from actorsched.rpc.dispatch import Dispatcher, PlainCall
from actorsched.rpc.envelope import MAX_FRAME_BYTES
from actorsched.rpc.errors import UnavailableError
from actorsched.transport.address import parse_bind
from actorsched.transport.rep import RepSocket

#: frames that are served before the inbox gets a look
DRAIN = 16
#: seconds after which a client is told that the scheduler does not answer
ASK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Listen at this address too. `ask`: the answer is the address, with its real port."""

    address: str
    allow_remote: bool = False


@dataclass(frozen=True, slots=True)
class _Readable:
    socket: RepSocket


class RepServerActor(Actor):
    """Owns the REP sockets.

    Args:
        scheduler: accepts `Call` and `CallBatch`.
        ask_timeout_s: how long it may take to answer.
        runtime: the network.
    """

    owns_sockets = True

    def __init__(
        self,
        scheduler: ActorRef[Any],
        ask_timeout_s: float = ASK_TIMEOUT_S,
        runtime: Runtime | None = None,
    ) -> None:
        super().__init__(runtime)
        self._scheduler = scheduler
        self._ask_timeout_s = ask_timeout_s
        self._sockets: list[RepSocket] = []
        self._dispatcher = Dispatcher(self._make_calls, report=self._report)

    def handle(self, message: object) -> Any:
        match message:
            case _Readable(socket):
                return self._serve(socket)
            case Bind(address=address, allow_remote=allow_remote):
                return self._bind(address, allow_remote)
            case _:
                return self.refuse(message)

    def on_stop(self) -> None:
        for socket in self._sockets:
            self.actor_inbox.unlisten(socket.socket)
            socket.close()

    def _bind(self, text: str, allow_remote: bool) -> str:
        address = parse_bind(text, allow_remote=allow_remote)
        socket = self._runtime.network.open_rep(address, max_frame_bytes=MAX_FRAME_BYTES)
        self._sockets.append(socket)
        self.actor_inbox.listen(socket.socket, _Readable(socket))
        return str(socket.address)

    def _serve(self, socket: RepSocket) -> None:
        for _ in range(DRAIN):
            frames = socket.receive()
            if frames is None:
                return
            if len(frames) == 1:
                socket.send(self._dispatcher.answer(frames[0]))
            else:
                socket.send(self._dispatcher.refuse(f"a request is one frame, not {len(frames)}"))

    def _make_calls(self, calls: Sequence[PlainCall]) -> Sequence[Any]:
        try:
            if len(calls) == 1:
                return [self._ask(Call(method=calls[0][0], params=calls[0][1]))]
            batch = tuple(Call(method=method, params=params) for method, params in calls)
            results: Sequence[Any] = self._ask(CallBatch(calls=batch))
            return results
        except ActorDeadError:
            raise UnavailableError("the scheduler is stopping; send the same request again") from None
        except Timeout:
            # it may still happen, so the client must not be told to send it again
            raise WorldError(f"the scheduler did not answer within {self._ask_timeout_s:g} s") from None

    def _ask(self, message: object) -> Any:
        return self._scheduler.ask(message, timeout=self._ask_timeout_s)

    @staticmethod
    def _report(error: BaseException) -> None:
        # as text: a renderer that shows local variables would show private parameters
        log.error("a call ended with a bug", trace="".join(traceback.format_exception(error)))
