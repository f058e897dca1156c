"""The heartbeat of a remote scheduler's clients: pings on a socket of their own, without ever waiting.

The pings that are due go out in one batch. As long as it has no answer, the very same frame is sent
again: the messages that a ping brings are then handed out once, even if an answer was lost.

A new socket greets first, in a frame of its own, because what a server says of itself must be true now: so
a client that says nothing else learns where a scheduler that came back gives its hints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from actorsched.actors.conversation import HELLO
from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.messages import KeepAlive
from actorsched.rpc import envelope


class PingSocket(Protocol):
    """What a pinger needs of a `ReqSocket`."""

    socket: Any

    def send(self, frame: bytes, timeout_s: float = 0.0) -> bool: ...
    def receive(self, timeout_s: float = 0.0) -> list[bytes] | None: ...
    def lost(self) -> bool: ...
    def close(self) -> None: ...


class Pinger:
    """Pings for the workers of a table.

    Args:
        client: the name under which its frames are numbered; must not be used for other frames.
        open_socket: opens a socket to the scheduler; told whether the last one failed.
        close_socket: closes it.
        timeout_s: a frame without an answer for so long is sent again.
        greeted: is told what a server said to `hello`.
        heard: is told that pings were answered.
        missed: is told since when pings are without an answer, and when they were sent last, each time that
            they are sent again for it.
    """

    def __init__(
        self,
        client: str,
        open_socket: Callable[[bool], PingSocket],
        close_socket: Callable[[PingSocket], None],
        timeout_s: float,
        greeted: Callable[[Mapping[str, Any]], None] = lambda said: None,
        heard: Callable[[], None] = lambda: None,
        missed: Callable[[float, float], None] = lambda since, sent_at: None,
    ) -> None:
        self.table = KeepAliveTable()
        self._client = client
        self._open_socket = open_socket
        self._close_socket = close_socket
        self._timeout_s = timeout_s
        self._greeted = greeted
        self._heard = heard
        self._missed = missed
        self._asked_at = self._sent_at = 0.0
        self._greeting = False  # the frame waits for the answer to the greeting
        self._seq = 0
        self._socket: PingSocket | None = None
        self._frame = b""
        self._asked: list[KeepAlive] = []
        self._deadline = 0.0
        #: the answer was that there is none now; the pings are sent again at the deadline
        self._put_off = False

    def step(self, now: float) -> None:
        """Take the answer that has come, and send what is due; never waits."""
        if self._asked:
            self._look(now)
        if not self._asked and (due := self.table.due(now)):
            self._asked = due
            self._asked_at = now
            self._frame = self._write(due)
            self._send(now, failed=False)

    def wait(self, now: float) -> float | None:
        """Seconds until the next step is needed, answers apart; None if there is nothing to do."""
        return max(0.0, self._deadline - now) if self._asked else self.table.next_due(now)

    def close(self) -> None:
        if self._socket is not None:
            self._close_socket(self._socket)
            self._socket = None

    def _look(self, now: float) -> None:
        assert self._socket is not None
        frames = None if self._put_off else self._socket.receive()
        if frames is not None and self._greeting and (said := _read_greeting(frames)) is not None:
            self._greeting = False
            self._socket.send(self._frame)
            self._deadline = now + self._timeout_s
            self._greeted(said)
        elif frames is not None and not self._greeting and self._hear(frames):
            self._asked = []
            self._heard()
        elif frames is not None:  # an answer, but not to the pings: the scheduler may be on its way out
            self._put_off = True  # a socket that has its answer can only send
            self._deadline = min(self._deadline, now + 1.0)
        elif now >= self._deadline or self._socket.lost():
            self._missed(self._asked_at, self._sent_at)
            self._send(now, failed=True)

    def _send(self, now: float, *, failed: bool) -> None:
        if self._socket is not None and (failed or self._socket.lost()):
            self.close()
        self._greeting = self._socket is None
        if self._socket is None:
            self._socket = self._open_socket(failed)
        self._put_off = False
        self._sent_at = now
        self._socket.send(HELLO if self._greeting else self._frame)
        self._deadline = now + self._timeout_s

    def _write(self, due: list[KeepAlive]) -> bytes:
        self._seq += 1
        identity: tuple[str | None, int | None] = (self._client, self._seq)
        calls = []
        for number, keep_alive in enumerate(due):
            calls.append(envelope.write_call("ping", keep_alive.ping_params, number, *identity))
            identity = (None, None)
        return envelope.write_batch(calls)

    def _hear(self, frames: list[bytes]) -> bool:
        """Hand over what came; False if it was no answer to the pings."""
        try:
            responses = envelope.read_responses(frames[0])
        except ValueError:
            return False
        if not isinstance(responses, list):
            return responses.error is not None and responses.error.code != envelope.UNAVAILABLE
        for response in responses:
            number, reply = response.id, response.result
            if isinstance(number, int) and 0 <= number < len(self._asked) and isinstance(reply, dict):
                self.table.deliver(self._asked[number], reply)
        return True


def _read_greeting(frames: list[bytes]) -> Mapping[str, Any] | None:
    """What a server says of itself; None if it says that it cannot answer now."""
    try:
        said = envelope.read_responses(frames[0])
    except ValueError:
        return None
    if isinstance(said, list) or (said.error is not None and said.error.code == envelope.UNAVAILABLE):
        return None
    return said.result if isinstance(said.result, Mapping) else {}
