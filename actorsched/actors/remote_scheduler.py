"""A scheduler somewhere else, as an actor: to its callers it looks like the scheduler itself.

Accepts
    Call            ask: the method's result; or its error, or SchedulerUnreachableError, raised
    CallBatch       ask: a list with the result or the exception of each call; or as above
    Exchange        tell: answered by one ExchangeEnded
    KeepAlive       tell: this actor pings for the worker from now on, while the listener lives
    StopKeepAlive   tell
    any RPC method  through a proxy
On stop
    noticed within `SLICE_S` even while it waits; the call under way and the waiting ones end with an
    error. Whether they took effect is then unknown.
On crash
    the error of one call is that call's answer and nobody else's.

A call is a straight line: send, wait, and if no answer comes send the very same frame again, on a new
socket, perhaps to the next address, until the patience is used up. The frame carries the name of this
client and a number, by which the server knows a frame that it has seen and answers it without doing it
again (`rpc/replies.py`). Waiting is cut into slices, and between two of them this actor does its other
duties: the pings, which go through a socket of their own, and looking whether it shall stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pykka import ActorDeadError
from pykka.messages import _ActorStop

from actorsched.actors.base import Actor, log
from actorsched.actors.inbox import Timer
from actorsched.actors.messages import Call, CallBatch, Exchange, ExchangeEnded, KeepAlive, StopKeepAlive
from actorsched.actors.pinger import Pinger, PingSocket
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings
from actorsched.errors import (
    AccessDeniedError,
    ConfigError,
    InvalidParamsError,
    ProtocolError,
    SchedulerUnreachableError,
)
from actorsched.rpc import envelope
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.envelope import Response
from actorsched.rpc.errors import error_from
from actorsched.transport.address import parse_endpoints, redacted
from actorsched.transport.keys import read_pair, read_public
from actorsched.transport.req import Keys, ReqSocket

#: the longest time between two looks at the other duties; nobody notices it, and it costs nothing
SLICE_S = 0.05
#: where there are several addresses, one that accepts no connection for so long is passed over
FIRST_CONTACT_S = 2.0
#: pings are repeated sooner than calls: they are cheap, and a lease depends on them
PING_TIMEOUT_S = 3.0
#: a longer batch is cut into several frames
BATCH_BYTES = 4 * 1024 * 1024
BATCH_CALLS = 2000


class _PingTime:
    """From the own inbox: it may be time for a ping, or one was answered."""


_PING_TIME = _PingTime()


class _NoAnswerError(Exception):
    """One attempt was in vain; the text says why."""


class RemoteSchedulerActor(Actor, SchedulerApi):
    """Owns the REQ sockets. Nothing is connected before the first call.

    Args:
        url: `tcp://host:port` and the like; several with commas between are tried in turn.
        settings: how it waits and retries.
        runtime: clock, chance, waiting and the network.
        closing: may be set, before the actor is stopped, to end at once what is being waited for.

    Raises:
        AddressError: the url cannot be understood.
        ConfigError: the keys cannot be used.
    """

    owns_sockets = True

    def __init__(
        self,
        url: str,
        settings: ClientSettings | None = None,
        runtime: Runtime | None = None,
        closing: Event | None = None,
    ) -> None:
        super().__init__(runtime)
        self._settings = settings or ClientSettings()
        self._url = redacted(url)
        self._endpoints = parse_endpoints(url, allow_clear_password=self._settings.allow_clear_password)
        self._keys = keys_from(self._settings)
        self._current = 0
        self._closing = closing or self._runtime.make_event()
        self._now = self._runtime.clock.monotonic
        self._client = self._runtime.make_id(bits=96)
        self._seq = 0
        self._socket: ReqSocket | None = None
        self._away_since: float | None = None
        self._was_in_contact = False
        ping_timeout_s = min(self._settings.connect_timeout, PING_TIMEOUT_S)
        self._pinger = Pinger(
            f"{self._client}/pings", self._open_for_pings, self._close_for_pings, ping_timeout_s
        )
        self._ping_endpoint = 0
        self._ping_timer: Timer | None = None

    def handle(self, message: object) -> Any:
        match message:
            case Call(method=method, params=params):
                return self._call(method, params)
            case CallBatch(calls=calls):
                return self._call_many(calls)
            case Exchange():
                self._exchange(message)
            case _PingTime():
                self._pinger.step(self._now())
                self._arm()
            case KeepAlive() | StopKeepAlive():
                self._note(message)
            case _:
                self.refuse(message)
        return None

    def on_stop(self) -> None:
        self._pinger.close()
        self._drop_socket()

    # -- calls ----------------------------------------------------------------------------------

    def _call(self, method: str, params: Mapping[str, Any]) -> Any:
        self._seq += 1
        response = self._converse(_write(method, params, self._seq, self._client, self._seq))
        if isinstance(response, list):
            raise ProtocolError(f"{self._url} answered a single request with a batch")
        if response.error is not None:
            raise error_from(response.error)
        if response.id != self._seq:
            raise ProtocolError(f"{self._url} answered request {response.id!r} instead of {self._seq}")
        return response.result

    def _exchange(self, message: Exchange) -> None:
        try:
            ended = ExchangeEnded(tag=message.tag, results=tuple(self._call_many(message.calls)))
        except Exception as error:
            ended = ExchangeEnded(tag=message.tag, error=error)
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
                written[number] = _write(call.method, call.params, number, *identity)
            except InvalidParamsError as error:
                results[number] = error
                continue
            size += len(written[number])
            if size > BATCH_BYTES or len(written) == BATCH_CALLS:
                self._send_batch(written, results)
                written, size = {}, 0
        if written:
            self._send_batch(written, results)
        return results

    def _send_batch(self, written: dict[int, bytes], results: list[Any]) -> None:
        self._seq += 1
        responses = self._converse(envelope.write_batch(list(written.values())))
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

    # -- one frame and its answer ---------------------------------------------------------------

    def _converse(self, frame: bytes) -> Response | list[Response]:
        """Send a frame until it is answered."""
        if len(frame) > envelope.MAX_FRAME_BYTES:
            raise InvalidParamsError(
                f"a request of {len(frame)} bytes is longer than {envelope.MAX_FRAME_BYTES}; make it smaller"
            )
        started = self._now()
        try:
            return self._attempt(frame)
        except _NoAnswerError as error:
            self._note_lost(error)
        # loaded when something goes wrong for the first time, which is never in most programs
        from tenacity import RetryCallState, Retrying, retry_if_exception_type

        def is_over(state: RetryCallState) -> bool:
            return 0 < self._settings.patience <= self._now() - started

        def backoff(state: RetryCallState) -> float:
            longest = min(
                self._settings.retry_wait_max,
                self._settings.retry_wait_min * 2.0 ** min(state.attempt_number - 1, 30),
            )
            return longest * self._runtime.random.uniform(0.5, 1.0)

        retrying = Retrying(
            sleep=self._pause,
            wait=backoff,
            stop=is_over,
            retry=retry_if_exception_type(_NoAnswerError),
            reraise=True,
        )
        self._pause(self._settings.retry_wait_min * self._runtime.random.uniform(0.5, 1.0))
        try:
            for attempt in retrying:
                with attempt:
                    return self._attempt(frame)
        except _NoAnswerError as error:
            attempts = 1 + retrying.statistics.get("attempt_number", 0)
            raise SchedulerUnreachableError(
                f"no scheduler answered at {self._url} within {self._now() - started:.3g} s"
                f" ({attempts} attempts; the last one: {error}); is it running, and is the address right?"
            ) from None
        raise AssertionError("a retry ends with a result or an error")

    def _attempt(self, frame: bytes) -> Response | list[Response]:
        """Send a frame once and wait for its answer.

        Raises:
            _NoAnswerError: there was none; the socket is closed.
            ProtocolError: what came is no answer.
        """
        self._meanwhile()
        if self._socket is None:
            self._socket = self._runtime.network.open_req(self._endpoints[self._current], keys=self._keys)
        try:
            frames = self._ask(self._socket, frame)
            if len(frames) != 1:
                raise ProtocolError(f"{self._url} answered with {len(frames)} frames instead of one")
            response = envelope.read_responses(frames[0])
            if (
                isinstance(response, Response)
                and response.error
                and response.error.code == envelope.UNAVAILABLE
            ):
                raise _NoAnswerError(response.error.message)
        except ValueError as error:
            raise ProtocolError(f"{self._url} answered with something that is no answer: {error}") from None
        except _NoAnswerError:
            self._drop_socket()
            self._current = (self._current + 1) % len(self._endpoints)
            raise
        except BaseException:  # a socket that waits for an answer can send nothing else
            self._drop_socket()
            raise
        self._was_in_contact = True
        if self._away_since is not None:
            self._note_back()
        return response

    def _ask(self, socket: ReqSocket, frame: bytes) -> list[bytes]:
        timeout_s = self._settings.connect_timeout
        if not socket.send(frame):
            contact_s = timeout_s if len(self._endpoints) == 1 else min(timeout_s, FIRST_CONTACT_S)
            deadline = self._now() + contact_s
            while not socket.send(frame, min(SLICE_S, max(0.001, deadline - self._now()))):
                self._meanwhile()
                socket.check()
                if socket.denied and not self._was_in_contact:
                    raise AccessDeniedError(
                        f"{socket.address} does not let this {'key' if self._keys else 'user'} in; ask"
                        " whoever runs the scheduler to authorise it"
                    )
                if self._now() >= deadline or socket.denied:
                    why = f": {socket.refused}" if socket.refused else f" within {contact_s:g} s"
                    raise _NoAnswerError(f"no connection to {socket.address}{why}")
        deadline = self._now() + timeout_s
        while (frames := socket.receive(min(SLICE_S, timeout_s))) is None:
            self._meanwhile()
            if socket.lost():
                raise _NoAnswerError(f"the connection to {socket.address} broke")
            if self._now() >= deadline:
                raise _NoAnswerError(f"no answer from {socket.address} within {timeout_s:g} s")
        return frames

    def _drop_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # -- waiting --------------------------------------------------------------------------------

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, without neglecting the other duties."""
        until = self._now() + seconds
        while (left := until - self._now()) > 0:
            self._meanwhile()
            self._closing.wait(min(SLICE_S, left))

    def _meanwhile(self) -> None:
        """The other duties of an actor that waits.

        Raises:
            SchedulerUnreachableError: it shall stop.
        """
        if self._closing.is_set() or self.actor_inbox.holds(_ActorStop):
            raise SchedulerUnreachableError(
                f"the client of {self._url} was closed before its request was answered; whether the request"
                " took effect is unknown"
            )
        for message in self.actor_inbox.take(KeepAlive, StopKeepAlive):
            self._note(message)
        self._pinger.step(self._now())

    def _note_lost(self, error: _NoAnswerError) -> None:
        if self._away_since is None:
            self._away_since = self._now()
            patience = self._settings.patience or "no end"
            log.warning(
                "lost contact with the scheduler", url=self._url, cause=str(error), patience_s=patience
            )

    def _note_back(self) -> None:
        assert self._away_since is not None
        away_s = round(self._now() - self._away_since, 3)
        self._away_since = None
        log.info("contact with the scheduler is back", url=self._url, away_s=away_s)

    # -- keep-alive -----------------------------------------------------------------------------

    def _note(self, message: KeepAlive | StopKeepAlive) -> None:
        if isinstance(message, KeepAlive):
            self._pinger.table.add(message, self._now())
        else:
            self._pinger.table.remove(message.worker)
        self._arm()  # also in the middle of a call, because nothing else may wake this actor after it

    def _arm(self) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
            self._ping_timer = None
        wait = self._pinger.wait(self._now())
        if wait is not None:
            self._ping_timer = self.actor_inbox.after(wait, _PING_TIME)

    def _open_for_pings(self, failed: bool) -> PingSocket:
        if self._socket is not None:  # where calls are answered, pings will be too
            self._ping_endpoint = self._current
        elif failed:
            self._ping_endpoint += 1
        endpoint = self._endpoints[self._ping_endpoint % len(self._endpoints)]
        socket = self._runtime.network.open_req(endpoint, patient=True, keys=self._keys)
        self.actor_inbox.listen(socket.socket, _PING_TIME)
        return socket

    def _close_for_pings(self, socket: PingSocket) -> None:
        self.actor_inbox.unlisten(socket.socket)
        socket.close()


def keys_from(settings: ClientSettings) -> Keys | None:
    """The keys that the settings name; None for none.

    Raises:
        ConfigError: they cannot be used.
    """
    if not settings.server_key and not settings.client_key:
        return None
    if not settings.server_key or not settings.client_key:
        missing = "client_key" if settings.server_key else "server_key"
        raise ConfigError(
            f"{missing} is missing: where keys are asked for, a client needs the public key of the scheduler"
            " (server_key) and the file of its own secret one (client_key)"
        )
    return Keys(read_public(settings.server_key), read_pair(settings.client_key))


def _write(method: str, params: Mapping[str, Any], id_: int, client: str | None, seq: int | None) -> bytes:
    try:
        return envelope.write_call(method, params, id_, client, seq)
    except Exception as error:  # whatever the encoder says about it, it cannot travel
        raise InvalidParamsError(f"{method}: an argument cannot be sent: {error}") from None
