"""The sockets of a server, and what happens at them: a part of the actor that answers.

Who answers may be the scheduler itself, which saves each request the way to another thread and back, or
an actor that passes on what it is asked (`rep_server.py`). Either has one host for each server, tells it
the `HostEvent`s that come out of its inbox, and closes it.

The inbox listens to the sockets, so there is one thread for all of it. A wake-up serves several frames,
because looking at the inbox between two of them costs as much as a small call.

Where there is a store, frames that wait at the same moment are carried out one after the other and stored
by one commit, before the first of them is answered: what a commit costs is then shared by all of them.
When it fails, nothing of any of them has happened, and each is told so. When it was the fault of one,
which nobody can tell, they are carried out again, each with a commit of its own.

With a guard (`transport/guard.py`), ZeroMQ asks here who may connect, and each request has a user, whose
role is looked up anew. The hash of a password takes long, so it is made in a thread of its own, and
strangers who try many of them are put off instead of queueing.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from pykka import ActorDeadError

from actorsched.actors.base import Actor, log
from actorsched.actors.messages import Call
from actorsched.actors.runtime import Runtime
from actorsched.actors.strangers import Strangers
from actorsched.errors import InvalidParamsError
from actorsched.rpc.dispatch import Dispatcher, PlainCall
from actorsched.rpc.envelope import MAX_BATCH, MAX_FRAME_BYTES
from actorsched.transport.address import events_beside, parse_bind
from actorsched.transport.guard import Guard, Later, Role
from actorsched.transport.pub import PubSocket
from actorsched.transport.rep import RepSocket
from actorsched.transport.zap import Door, Knock

#: frames that are served before the inbox gets a look
DRAIN = 16
#: bytes after which no more frames are taken to be committed together: the first of them waits for the last
TOGETHER_BYTES = 256 * 1024
#: passwords that wait to be checked; whoever comes then is asked to come back later
MAX_CHECKING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Listen at this address. `ask`: the answer is the address, with its real port.

    Attributes:
        server: names the server; those of one name have their guard in common, and are closed together.
        guard: who may talk to it; None: whoever can reach the address. That of the first `Bind` counts.
        events_port: of the hints, where the address is tcp; 0 is any free one.
    """

    address: str
    server: str = ""
    guard: Guard | None = None
    allow_remote: bool = False
    events_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbind:
    """Close the server of this name. When it is answered, its addresses are free."""

    server: str = ""


class HostEvent:
    """From the own inbox, for `host.handle`."""

    __slots__ = ("host",)

    def __init__(self, host: Host) -> None:
        self.host = host


class _Readable(HostEvent):
    """A socket has something to read."""

    __slots__ = ("socket",)

    def __init__(self, host: Host, socket: RepSocket) -> None:
        super().__init__(host)
        self.socket = socket


class _Knocked(HostEvent):
    """Somebody is at the door."""


class _Checked(HostEvent):
    """A password was checked."""

    __slots__ = ("knock", "user")

    def __init__(self, host: Host, knock: Knock, user: str | None) -> None:
        super().__init__(host)
        self.knock = knock
        self.user = user


class _Asked(NamedTuple):
    """What a peer sent."""

    #: where the answer goes, as the socket says
    way: Any
    frames: list[bytes]
    #: None: who sent it was struck off
    role: Role | None


class Host:
    """See the top of the module; belongs to the thread of its owner.

    Args:
        owner: whose inbox listens.
        runtime: opens sockets, and knows the time.
        make_calls: makes the calls of a frame, as for `Dispatcher`.
        make_once: the same for a frame with an identity; None: the host remembers the answers.
        guard: who may talk to it; None: whoever can reach the addresses.
        together: what `make_calls` and `make_once` do inside of it is committed when it is left; that raises
            what a commit raises, and then nothing of it has happened. None: nothing is committed.
    """

    def __init__(
        self,
        owner: Actor,
        runtime: Runtime,
        make_calls: Callable[[Sequence[Call]], Sequence[Any]],
        make_once: Callable[[Sequence[Call], str, int, bytes], Sequence[Any]] | None,
        guard: Guard | None = None,
        together: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._owner = owner
        self._network = runtime.network
        self._strangers = Strangers(runtime.clock.monotonic)
        self._calls = make_calls
        self._once = make_once
        self._together = together
        #: whether the frame that is answered has asked the scheduler for something
        self._called = False
        self._guard = guard
        self._door: Door | None = None
        self._checking: ThreadPoolExecutor | None = None
        self._n_checking = 0
        self._sockets: dict[RepSocket, PubSocket] = {}
        self._serving: RepSocket | None = None
        self._dispatcher = Dispatcher(
            self._make_calls, make_once=self._make_once if make_once is not None else None, report=report
        )

    def handle(self, event: HostEvent) -> None:
        match event:
            case _Readable(socket=socket):
                self._serve(socket)
            case _Knocked():
                self._look_at_door()
            case _Checked(knock=knock, user=user):
                self._n_checking -= 1
                self._decide(knock, user)

    def bind(self, wanted: Bind) -> str:
        """Listen at this address too; returns it with the real port.

        Raises:
            AddressError, AddressInUseError: it cannot be.
        """
        address = parse_bind(
            wanted.address,
            allow_remote=wanted.allow_remote,
            protected=self._guard.mechanism if self._guard is not None else "",
        )
        if self._guard is not None and self._door is None:
            self._door = self._network.open_door(self._guard.pair)
            self._owner.actor_inbox.listen(self._door.socket, _Knocked(self))
        socket = self._network.open_rep(address, max_frame_bytes=MAX_FRAME_BYTES, door=self._door)
        try:
            beside = events_beside(socket.address, wanted.events_port)
            # of two ports of one address, with the same port for the hints
            there = next((hints for hints in self._sockets.values() if hints.address == beside), None)
            self._sockets[socket] = there or self._network.open_pub(beside, door=self._door)
        except BaseException:
            socket.close()
            raise
        self._owner.actor_inbox.listen(socket.socket, _Readable(self, socket))
        return str(socket.address)

    def publish(self, work: Sequence[str], messages: Sequence[str]) -> None:
        """Give hints to those who listen."""
        for hints in dict.fromkeys(self._sockets.values()):
            for worker in work:
                hints.publish(worker, "work")
            for worker in messages:
                hints.publish(worker, "messages")

    def close(self) -> None:
        """Close the sockets; when this returns, the addresses are free."""
        for socket, hints in self._sockets.items():
            self._owner.actor_inbox.unlisten(socket.socket)
            socket.close()
            hints.close()
        self._sockets.clear()
        if self._checking is not None:
            self._checking.shutdown(wait=True, cancel_futures=True)
        if self._door is not None:
            self._owner.actor_inbox.unlisten(self._door.socket)
            self._door.close()
            self._door = None

    # -- frames ---------------------------------------------------------------------------------

    def _serve(self, socket: RepSocket) -> None:
        self._serving = socket
        n_served = 0
        while n_served < DRAIN:
            waiting = self._take(socket)
            if not waiting:
                return
            n_served += len(waiting)
            if len(waiting) == 1:
                socket.send(self._answer(waiting[0]), waiting[0].way)
            else:
                self._answer_together(socket, waiting)
            if not socket.waits():
                return

    def _take(self, socket: RepSocket) -> list[_Asked]:
        """What waits, as far as it is to be answered together."""
        taken, size = list[_Asked](), 0
        while (frames := socket.receive()) is not None:
            role = "full" if self._guard is None else _role(socket, self._guard)
            taken.append(_Asked(socket.way, frames, role))
            size += len(frames[0]) if frames else 0
            if self._together is None or len(taken) == DRAIN or size > TOGETHER_BYTES:
                break
        return taken

    def _answer(self, asked: _Asked) -> bytes:
        if asked.role is None:
            return self._dispatcher.deny("this key or user was struck off")
        if len(asked.frames) != 1:
            return self._dispatcher.refuse(f"a request is one frame, not {len(asked.frames)}")
        return self._dispatcher.answer(asked.frames[0], read_only=asked.role == "read-only")

    def _answer_together(self, socket: RepSocket, waiting: Sequence[_Asked]) -> None:
        assert self._together is not None
        answers, called = list[bytes](), list[bool]()
        failed: Exception | None = None
        try:
            with self._together():
                for asked in waiting:
                    self._called = False
                    answers.append(self._answer(asked))
                    called.append(self._called)
        except Exception as error:
            failed = error
        for asked, answer, concerned in zip(waiting, answers, called, strict=True):
            if failed is None or not concerned:
                socket.send(answer, asked.way)
            elif isinstance(failed, InvalidParamsError):  # of one of them, and the others have no part in it
                socket.send(self._answer(asked), asked.way)
            else:
                socket.send(self._dispatcher.put_off(asked.frames[0], failed), asked.way)

    def _make_calls(self, calls: Sequence[PlainCall]) -> Sequence[Any]:
        self._called = True
        return self._complete(calls, self._calls(_batch(calls)))

    def _make_once(self, calls: Sequence[PlainCall], client: str, seq: int, mark: bytes) -> Sequence[Any]:
        assert self._once is not None
        self._called = True
        return self._complete(calls, self._once(_batch(calls), client, seq, mark))

    def _complete(self, calls: Sequence[PlainCall], results: Sequence[Any]) -> Sequence[Any]:
        """Add to what the scheduler says to `hello` what only its server knows."""
        completed = None
        for number, (method, _) in enumerate(calls):
            if method == "hello":
                completed = completed or list(results)
                completed[number] = self._introduced(completed[number])
        return results if completed is None else completed

    def _introduced(self, said: Any) -> Any:
        if isinstance(said, msgspec.Raw):
            said = msgspec.json.decode(said)
        if not isinstance(said, dict) or self._serving is None:
            return said
        limits = {"frame_bytes": MAX_FRAME_BYTES, "batch": MAX_BATCH}
        return {**said, "limits": limits, "events": str(self._sockets[self._serving].address)}

    # -- the door -------------------------------------------------------------------------------

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
        ref = self._owner.actor_ref

        def run() -> None:
            user = None
            try:
                user = check()
            except Exception as error:  # there may be no memory for the hash; whoever knocks is told no
                report(error)
            with contextlib.suppress(ActorDeadError):
                ref.tell(_Checked(self, knock, user))

        self._checking.submit(run)

    def _decide(self, knock: Knock, user: str | None) -> None:
        if self._door is None:  # closed while the password was checked
            return
        if user is None:
            self._strangers.turn_away(knock.address, knock.mechanism)
            self._door.refuse(knock)
        else:
            self._door.admit(knock, user)


def _role(socket: RepSocket, guard: Guard) -> Role | None:
    return "full" if socket.address.scheme == "inproc" else guard.role(socket.user)


def _batch(calls: Sequence[PlainCall]) -> tuple[Call, ...]:
    return tuple([Call(method=method, params=params) for method, params in calls])


def report(error: BaseException) -> None:
    """Log a bug."""
    # as text: a renderer that shows local variables would show private parameters
    log.error("a call ended with a bug", trace="".join(traceback.format_exception(error)))
