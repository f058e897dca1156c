"""The server: frames from the network become calls of the scheduler, and its answers become frames.

Accepts
    Bind            ask: the address, with its real port; or AddressError, AddressInUseError raised
    Hints           tell: published to those who listen
    _Readable       from its own inbox: a socket has something to read
    _Knocked        from its own inbox: somebody wants to connect
    _Checked        from the thread that checks passwords
On stop
    the sockets are closed and their addresses are free when `stop(block=True)` returns; a client that
    waits for an answer sends its request again, to whoever listens there next.
On crash
    a frame that cannot be answered otherwise is answered with an error; the server goes on.

The inbox listens to the sockets, so there is one thread for all of it. A whole batch goes to the
scheduler in one message. A wake-up serves several frames, because looking at the inbox between two of
them costs as much as a small call.

With a guard (`transport/guard.py`), ZeroMQ asks here who may connect, and each request has a user, whose
role is looked up anew. The hash of a password takes long, so it is made in a thread of its own, and
strangers who try many of them are put off instead of queueing.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
from pykka import ActorDeadError, ActorRef, Timeout

from actorsched.actors.base import Actor, log
from actorsched.actors.messages import Call, CallBatch, Hints, Subscribe
from actorsched.actors.runtime import Runtime
from actorsched.errors import WorldError
from actorsched.rpc.dispatch import Dispatcher, PlainCall
from actorsched.rpc.envelope import MAX_BATCH, MAX_FRAME_BYTES
from actorsched.rpc.errors import UnavailableError
from actorsched.transport.address import events_beside, parse_bind
from actorsched.transport.guard import Guard, Later, Role
from actorsched.transport.pub import PubSocket
from actorsched.transport.rep import RepSocket
from actorsched.transport.zap import Door, Knock

#: frames that are served before the inbox gets a look
DRAIN = 16
#: seconds after which a client is told that the scheduler does not answer
ASK_TIMEOUT_S = 60.0
#: passwords that wait to be checked; whoever comes then is asked to come back later
MAX_CHECKING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Listen at this address too. `ask`: the answer is the address, with its real port.

    Attributes:
        events_port: of the hints, where the address is tcp; 0 is any free one.
    """

    address: str
    allow_remote: bool = False
    events_port: int = 0


@dataclass(frozen=True, slots=True)
class _Readable:
    socket: RepSocket


class _Knocked:
    """From the own inbox: somebody is at the door."""


@dataclass(frozen=True, slots=True)
class _Checked:
    knock: Knock
    user: str | None


class RepServerActor(Actor):
    """Owns the REP sockets.

    Args:
        scheduler: accepts `Call` and `CallBatch`.
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
        self._guard = guard
        self._door: Door | None = None
        self._checking: ThreadPoolExecutor | None = None
        self._n_checking = 0
        self._sockets: dict[RepSocket, PubSocket] = {}
        self._serving: RepSocket | None = None
        once = self._make_once if getattr(scheduler.actor_class, "remembers_replies", False) else None
        self._dispatcher = Dispatcher(self._make_calls, make_once=once, report=self._report)

    def handle(self, message: object) -> Any:
        match message:
            case _Readable(socket):
                return self._serve(socket)
            case _Knocked():
                return self._look_at_door()
            case _Checked(knock, user):
                self._n_checking -= 1
                return self._decide(knock, user)
            case Bind():
                return self._bind(message)
            case Hints(work=work, messages=messages):
                return self._publish(work, messages)
            case _:
                return self.refuse(message)

    def on_stop(self) -> None:
        for socket, hints in self._sockets.items():
            self.actor_inbox.unlisten(socket.socket)
            socket.close()
            hints.close()
        if self._checking is not None:
            self._checking.shutdown(wait=True, cancel_futures=True)
        if self._door is not None:
            self.actor_inbox.unlisten(self._door.socket)
            self._door.close()

    def _bind(self, wanted: Bind) -> str:
        address = parse_bind(
            wanted.address,
            allow_remote=wanted.allow_remote,
            protected=self._guard.mechanism if self._guard is not None else "",
        )
        network = self._runtime.network
        if self._guard is not None and self._door is None:
            self._door = network.open_door(self._guard.pair)
            self.actor_inbox.listen(self._door.socket, _Knocked())
        socket = network.open_rep(address, max_frame_bytes=MAX_FRAME_BYTES, door=self._door)
        try:
            hints = network.open_pub(events_beside(socket.address, wanted.events_port), door=self._door)
        except BaseException:
            socket.close()
            raise
        if not self._sockets:
            self._scheduler.tell(Subscribe(listener=self.actor_ref))
        self._sockets[socket] = hints
        self.actor_inbox.listen(socket.socket, _Readable(socket))
        return str(socket.address)

    def _serve(self, socket: RepSocket) -> None:
        self._serving = socket
        for _ in range(DRAIN):
            frames = socket.receive()
            if frames is None:
                return
            role = "full" if self._guard is None else self._role(socket, self._guard)
            if role is None:
                socket.send(self._dispatcher.deny("this key or user was struck off"))
            elif len(frames) == 1:
                socket.send(self._dispatcher.answer(frames[0], read_only=role == "read-only"))
            else:
                socket.send(self._dispatcher.refuse(f"a request is one frame, not {len(frames)}"))

    def _publish(self, work: Sequence[str], messages: Sequence[str]) -> None:
        for hints in self._sockets.values():
            for worker in work:
                hints.publish(worker, "work")
            for worker in messages:
                hints.publish(worker, "messages")

    # -- the door -------------------------------------------------------------------------------

    @staticmethod
    def _role(socket: RepSocket, guard: Guard) -> Role | None:
        return "full" if socket.address.scheme == "inproc" else guard.role(socket.user)

    def _look_at_door(self) -> None:
        assert self._door is not None
        assert self._guard is not None
        for _ in range(DRAIN):
            knock = self._door.receive()
            if knock is None:
                return
            found = self._guard.admit(knock.credentials) if knock.mechanism == self._guard.mechanism else None
            if callable(found):
                self._check_later(knock, found)
            else:
                self._decide(knock, found)

    def _check_later(self, knock: Knock, check: Later) -> None:
        assert self._door is not None
        if self._n_checking >= MAX_CHECKING:
            self._door.put_off(knock)
            return
        if self._checking is None:
            self._checking = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._n_checking += 1
        ref = self.actor_ref

        def run() -> None:
            with contextlib.suppress(ActorDeadError):
                ref.tell(_Checked(knock, check()))

        self._checking.submit(run)

    def _decide(self, knock: Knock, user: str | None) -> None:
        assert self._door is not None
        if user is None:
            log.warning("a stranger was turned away", address=knock.address, mechanism=knock.mechanism)
            self._door.refuse(knock)
        else:
            self._door.admit(knock, user)

    # -- calls ----------------------------------------------------------------------------------

    def _make_calls(self, calls: Sequence[PlainCall]) -> Sequence[Any]:
        if len(calls) == 1:
            method, params = calls[0]
            result = self._ask(Call(method=method, params=params))
            return [result if method != "hello" else self._completed(result)]
        return self._make_batch(calls, CallBatch(calls=_batch(calls)))

    def _make_once(self, calls: Sequence[PlainCall], client: str, seq: int) -> Sequence[Any]:
        return self._make_batch(calls, CallBatch(calls=_batch(calls), client=client, seq=seq))

    def _make_batch(self, calls: Sequence[PlainCall], batch: CallBatch) -> Sequence[Any]:
        results: Sequence[Any] = self._ask(batch)
        return [
            self._completed(result) if method == "hello" else result
            for (method, _), result in zip(calls, results, strict=True)
        ]

    def _ask(self, message: object) -> Any:
        try:
            return self._scheduler.ask(message, timeout=self._ask_timeout_s)
        except ActorDeadError:
            raise UnavailableError("the scheduler is stopping; send the same request again") from None
        except Timeout:
            # it may still happen, so the client must not be told to send it again
            raise WorldError(f"the scheduler did not answer within {self._ask_timeout_s:g} s") from None

    def _completed(self, said: Any) -> Any:
        """What the scheduler says to `hello`, and what only its server knows."""
        if isinstance(said, msgspec.Raw):
            said = msgspec.json.decode(said)
        if not isinstance(said, dict) or self._serving is None:
            return said
        limits = {"frame_bytes": MAX_FRAME_BYTES, "batch": MAX_BATCH}
        return {**said, "limits": limits, "events": str(self._sockets[self._serving].address)}

    @staticmethod
    def _report(error: BaseException) -> None:
        # as text: a renderer that shows local variables would show private parameters
        log.error("a call ended with a bug", trace="".join(traceback.format_exception(error)))


def _batch(calls: Sequence[PlainCall]) -> tuple[Call, ...]:
    return tuple([Call(method=method, params=params) for method, params in calls])
