"""A scheduler somewhere else, as an actor: to its callers it looks like the scheduler itself.

Accepts
    Call            ask: the method's result; or its error, or SchedulerUnreachableError, raised
    Resume          ask: as for Call; from a lane
    CallBatch       ask: a list with the result or the exception of each call; or as above. One with an
                    identity comes from a relay, and is passed on under it
    Exchange        tell: answered by one ExchangeEnded
    KeepAlive       tell: this actor pings for the worker from now on, while the listener lives
    StopKeepAlive   tell
    Subscribe       tell: its listener, a relay, is told all Hints that come
    any RPC method  through a proxy
On stop
    noticed at once even while it waits (`patience.SLICE_S`); the call under way and the waiting ones
    end with an error. Whether they took effect is then unknown.
On crash
    the error of one call is that call's answer and nobody else's.

How a frame gets its answer is in `conversation.py`. It carries the name of this client and a number, by
which the server knows a frame that it has seen and answers it without doing it again (`rpc/replies.py`).
While this actor waits for an answer, it goes on with its other duties: the pings, which go through a socket
of their own (`pinger.py`), and looking whether it shall stop.

Callers in other threads need not come here at all, as long as all goes well: see `lanes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pykka import ActorDeadError, ActorRef
from pykka.messages import _ActorStop

from actorsched.actors.base import Actor, log
from actorsched.actors.contact import Contact
from actorsched.actors.conversation import Conversation, check_length
from actorsched.actors.hints import Hearing
from actorsched.actors.inbox import Timer
from actorsched.actors.lanes import LANES, Lane, Lanes
from actorsched.actors.messages import (
    Call,
    CallBatch,
    Exchange,
    ExchangeEnded,
    KeepAlive,
    Resume,
    StopKeepAlive,
    Subscribe,
)
from actorsched.actors.patience import SLICE_S, closed_early, over_early
from actorsched.actors.pinger import Pinger, PingSocket
from actorsched.actors.question import answer_to, write_question
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings
from actorsched.errors import InvalidParamsError, ProtocolError
from actorsched.rpc import envelope
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.errors import error_from
from actorsched.transport.address import Address, parse_endpoints, redacted
from actorsched.transport.keys import keys_from
from actorsched.transport.pub import SubSocket

#: pings are repeated sooner than calls: they are cheap, and a lease depends on them
PING_TIMEOUT_S = 3.0
#: a longer batch is cut into several frames, which do not take effect together any more
BATCH_BYTES = envelope.MAX_FRAME_BYTES - 1024


class _PingTime:
    """From the own inbox: it may be time for a ping, or one was answered."""


class _Hinted:
    """From the own inbox: there is a hint."""


_PING_TIME = _PingTime()
_HINTED = _Hinted()


class RemoteSchedulerActor(Actor, SchedulerApi):
    """Owns the REQ sockets. Nothing is connected before the first call.

    Args:
        url: `tcp://host:port` and the like; several with commas between are tried in turn.
        settings: how it waits and retries.
        runtime: clock, chance, waiting and the network.
        closing: may be set, before the actor is stopped, to end at once what is being waited for.
        lanes: to be filled, for callers in other threads; None: all come here.

    Raises:
        AddressError: the url cannot be understood.
        ConfigError: the keys cannot be used.
    """

    owns_sockets = True
    #: tells a relay that it need not: its scheduler does
    remembers_replies = True

    def __init__(
        self,
        url: str,
        settings: ClientSettings | None = None,
        runtime: Runtime | None = None,
        closing: Event | None = None,
        lanes: Lanes | None = None,
    ) -> None:
        super().__init__(runtime)
        self._settings = settings or ClientSettings()
        self._url = redacted(url)
        self._endpoints = parse_endpoints(url, allow_clear_password=self._settings.allow_clear_password)
        self._keys = keys_from(self._settings)
        self._closing = closing or self._runtime.make_event()
        self._contact = Contact(self._url, self._runtime.clock.monotonic, self._settings.patience)
        self._now = self._runtime.clock.monotonic
        self._speaker: ActorRef[Any] | None = None  # whose exchange is under way
        self._client = self._runtime.make_id(bits=96)
        self._seq = 0
        self._conversation = self._converse(self._meanwhile, self._greeted)
        self._lanes = Lanes() if lanes is None else lanes
        if lanes is not None:
            lanes.fill([self._make_lane(number) for number in range(LANES)])
        ping_timeout_s = min(self._settings.connect_timeout, PING_TIMEOUT_S)
        self._pinger = Pinger(
            f"{self._client}/pings",
            self._open_for_pings,
            self._close_for_pings,
            ping_timeout_s,
            lambda said: self._greeted(said, self._endpoints[self._ping_endpoint % len(self._endpoints)]),
            self._note_heard_pings,
            self._conversation.note_missed_pings,
        )
        self._ping_endpoint = 0
        self._pings_heard = 0
        self._pinging_since = 0.0
        self._ping_timer: Timer | None = None
        self._hearing = Hearing(self._pinger.table, self._open_for_hints, self._close_for_hints)

    def handle(self, message: object) -> Any:
        match message:
            case Call(method=method, params=params, until=until):
                return self._call(method, params, until)
            case Resume():
                return self._resume(message)
            case CallBatch(calls=calls, client=None):
                return self._call_many(calls)
            case CallBatch(calls=calls, client=str(client), seq=seq):
                return self._pass_on(calls, client, seq)
            case Exchange():
                self._exchange(message)
            case _PingTime():
                self._ping()
            case KeepAlive() | StopKeepAlive():
                self._note(message)
            case _Hinted():
                self._hear()
            case Subscribe(listener=listener):
                self._hearing.pass_on(listener)
            case _:
                self.refuse(message)
        return None

    def on_stop(self) -> None:
        self._lanes.close()
        self._hearing.close()
        self._pinger.close()
        self._conversation.close()

    # -- calls ----------------------------------------------------------------------------------

    def _call(self, method: str, params: Mapping[str, Any], until: float | None = None) -> Any:
        patience_s = None if until is None else until - self._now()
        if patience_s is not None and patience_s <= 0:
            raise over_early(method, self._url)
        self._seq += 1
        response = self._conversation.converse(
            write_question(method, params, self._seq, self._client, self._seq), patience_s
        )
        self._lanes.lead_to(self._conversation.current)
        return answer_to(response, self._seq, self._url)

    def _resume(self, message: Resume) -> Any:
        response = self._conversation.go_on(message)
        self._lanes.lead_to(self._conversation.current)
        return answer_to(response, message.number, self._url)

    def _exchange(self, message: Exchange) -> None:
        self._speaker = message.reply_to
        try:
            self._pinger.table.check(self._speaker)
            ended = ExchangeEnded(tag=message.tag, results=tuple(self._call_many(message.calls)))
        except Exception as error:
            ended = ExchangeEnded(tag=message.tag, error=error)
        finally:
            self._speaker = None
        try:
            message.reply_to.tell(ended)
        except ActorDeadError:
            log.debug("nobody waits for the end of an exchange any more", tag=message.tag)

    def _call_many(self, calls: Sequence[Call]) -> list[Any]:
        results: list[Any] = [None] * len(calls)
        written: dict[int, bytes] = {}
        size = 0
        for number, call in enumerate(calls):
            identity = (None, None) if written else (self._client, self._seq + 1)
            try:
                question = write_question(call.method, call.params, number, *identity)
                check_length(question, BATCH_BYTES)
            except InvalidParamsError as error:  # of this call, and the others have no part in it
                results[number] = error
                continue
            written[number] = question
            size += len(written[number]) + 1
            if size > BATCH_BYTES and len(written) > 1:
                last = written.pop(number)
                self._send_batch(written, results)
                size = len(last) + 1
                written = {
                    number: write_question(call.method, call.params, number, self._client, self._seq + 1)
                }
            if len(written) == envelope.MAX_BATCH:
                self._send_batch(written, results)
                written, size = {}, 0
        if written:
            self._send_batch(written, results)
        return results

    def _pass_on(self, calls: Sequence[Call], client: str, seq: int) -> list[Any]:
        """Make calls for somebody who has numbered them.

        In one frame, which is the same whenever they come again; so it takes effect once, however often that
        is, and whatever has become of this client, or the relay, in between.
        """
        written: dict[int, bytes] = {}
        for number, call in enumerate(calls):
            identity = (None, None) if written else (client, seq)
            written[number] = write_question(call.method, call.params, number, *identity)
        results: list[Any] = [None] * len(calls)
        self._send_batch(written, results)
        return results

    def _send_batch(self, written: dict[int, bytes], results: list[Any]) -> None:
        self._seq += 1
        responses = self._conversation.converse(envelope.write_batch(list(written.values())))
        if not isinstance(responses, list):
            if responses.error is not None:
                raise error_from(responses.error)
            raise ProtocolError(f"{self._url} answered a batch with a single response")
        for number in written:
            results[number] = ProtocolError(f"{self._url} left request {number} of a batch without an answer")
        for response in responses:
            if isinstance(response.id, int) and response.id in written:
                error = response.error
                results[response.id] = response.result if error is None else error_from(error)

    # -- lanes ----------------------------------------------------------------------------------

    def _make_lane(self, number: int) -> Lane:
        conversation = self._converse(self._lane_waits, lambda said, reached_at: None)
        timeout_s = self._settings.connect_timeout
        if self._settings.patience > 0:
            timeout_s = min(timeout_s, max(SLICE_S, self._settings.patience))
        return Lane(conversation, f"{self._client}/{number}", timeout_s, self._now)

    def _converse(
        self, meanwhile: Callable[[], None], greeted: Callable[[Mapping[str, Any], Address], None]
    ) -> Conversation:
        return Conversation(
            self._url,
            self._endpoints,
            self._keys,
            self._settings,
            self._runtime,
            self._closing,
            meanwhile,
            greeted,
            self._contact,
        )

    def _lane_waits(self) -> None:
        """In the thread of whoever has a lane.

        Raises:
            SchedulerUnreachableError: the actor is stopped.
        """
        if self._lanes.closed or self._closing.is_set():
            raise closed_early(self._url)

    # -- other duties ------------------------------------------------------------------------------

    def _meanwhile(self) -> None:
        """The other duties of an actor that waits.

        Raises:
            SchedulerUnreachableError: it shall stop.
        """
        if self._closing.is_set() or self.actor_inbox.holds(_ActorStop):
            raise closed_early(self._url)
        for message in self.actor_inbox.take(KeepAlive, StopKeepAlive):
            self._note(message)
        self._pinger.step(self._now())

    # -- keep-alive -----------------------------------------------------------------------------

    def _note(self, message: KeepAlive | StopKeepAlive) -> None:
        if isinstance(message, KeepAlive):
            self._pinger.table.add(message, self._now())
        else:
            self._pinger.table.remove(message.worker)
        self._hearing.fit()
        self._arm()  # also in the middle of a call, because nothing else may wake this actor after it

    def _arm(self) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
            self._ping_timer = None
        wait = self._pinger.wait(self._now())
        if wait is not None:
            self._ping_timer = self.actor_inbox.after(wait, _PING_TIME)

    def _open_for_pings(self, failed: bool) -> PingSocket:
        calls = self._conversation
        answers = calls.socket is not None and not calls.socket.lost()
        if answers and (not failed or calls.answered_at > self._pinging_since):
            self._ping_endpoint = calls.current  # where calls are answered, pings will be too
        elif failed:  # who has nothing to call has nothing but pings to find out that a standby took over
            self._ping_endpoint += 1
        self._pinging_since = self._now()
        endpoint = self._endpoints[self._ping_endpoint % len(self._endpoints)]
        socket = self._runtime.network.open_req(endpoint, patient=True, keys=self._keys)
        self.actor_inbox.listen(socket.socket, _PING_TIME)
        return socket

    def _ping(self) -> None:
        """While no call is under way."""
        before = self._pings_heard
        self._pinger.step(self._now())
        self._arm()
        if self._pings_heard > before:
            self._conversation.prefer(self._ping_endpoint % len(self._endpoints))

    def _note_heard_pings(self) -> None:
        self._pings_heard += 1
        self._conversation.note_heard_pings()

    def _close_for_pings(self, socket: PingSocket) -> None:
        self.actor_inbox.unlisten(socket.socket)
        socket.close()

    # -- hints ----------------------------------------------------------------------------------

    def _greeted(self, said: Mapping[str, Any], reached_at: Address) -> None:
        lease_s = said.get("lease_s")
        if isinstance(lease_s, int | float) and lease_s > 0:
            self._pinger.table.limit(lease_s, self._now())
            if self._speaker is not None:
                self._pinger.table.check(self._speaker)  # before it has said anything
        self._hearing.greeted(said, reached_at)

    def _hear(self) -> None:
        self._hearing.hear(self._now())
        self._pinger.step(self._now())
        self._arm()

    def _open_for_hints(self, address: Address) -> SubSocket:
        socket = self._runtime.network.open_sub(address, keys=self._keys)
        self.actor_inbox.listen(socket.socket, _HINTED)
        return socket

    def _close_for_hints(self, socket: SubSocket) -> None:
        self.actor_inbox.unlisten(socket.socket)
        socket.close()
