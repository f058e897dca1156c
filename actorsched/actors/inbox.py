"""An inbox that also keeps time and listens to files and sockets.

A Pykka actor takes messages from its inbox, one after the other. What else can happen to an actor
(a child process answers, a request arrives on a socket, a deadline passes) usually costs a second
thread that waits for it and forwards it. Here the inbox itself waits: for the queue, for the sources
that the actor listens to, and for the nearest of its timers, in one `poll`. Each of them comes out
of `get()` as an ordinary message, so that the handler of an actor is one `match` over messages, and
an actor has exactly one thread.

`put()` may be called from any thread; all the rest belongs to the actor's own thread. Messages that
were put come out in order. Sources and timers are looked at whenever the queue is empty and at least
after every `FAIRNESS` messages, so that a busy queue cannot starve them.
"""

from __future__ import annotations

import heapq
import itertools
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from pykka import ActorDeadError
from pykka._envelope import Envelope  # the one piece of Pykka that an inbox needs and that is not public

#: so many messages are taken from the queue before sources and timers get a look
FAIRNESS = 64

_POLLIN = 1  # the same number in `select` and in `zmq`
_POLLOUT = select.POLLOUT  # of a descriptor


#: how often this process came out of a fork
_forks = 0


def _note_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on every system
    os.register_at_fork(after_in_child=_note_fork)


class Poller(Protocol):
    """What `select.poll()` and `zmq.Poller()` have in common."""

    def register(self, source: Any, flags: int, /) -> Any: ...
    def unregister(self, source: Any, /) -> Any: ...
    def poll(self, timeout: float | None = None, /) -> list[tuple[Any, int]]: ...


class Timer:
    """A message that is due at a moment of the monotonic clock; `cancel()` forgets it."""

    __slots__ = ("cancelled", "deadline", "message")

    def __init__(self, deadline: float, message: object) -> None:
        self.deadline = deadline
        self.message = message
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Inbox:
    """The inbox of every actor of this package; see the top of the module.

    Args:
        make_poller: `select.poll` for files, `zmq.Poller` for actors that own ZeroMQ sockets.
        monotonic: the clock of the timers, in seconds.
    """

    def __init__(
        self,
        make_poller: Callable[[], Poller] = select.poll,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue: deque[Envelope[Any]] = deque()
        self._due: deque[Envelope[Any]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._tie = itertools.count()
        self._monotonic = monotonic
        self._make_poller = make_poller
        self._poller: Poller | None = None
        self._sources: dict[Any, object] = {}
        self._crowded: dict[int, object] = {}
        self._wake_read = self._wake_write = -1
        self._taken = 0
        # Without sources a lock is the cheapest thing to wait on: acquired by the waiting actor,
        # released by whoever puts a message while `_waiting` is set.
        self._bell = threading.Lock()
        self._bell.acquire()
        self._waiting = False
        self._ringing = 0  # threads that are about to write to `_wake_write`
        self._closed = False
        self._guard = threading.Lock()
        self._forks = _forks
        self._pid = os.getpid()

    # -- the protocol of Pykka ------------------------------------------------------------------

    def put(self, envelope: Envelope[Any], /) -> None:
        """Add a message; any thread.

        Raises:
            ActorDeadError: a forked process has no thread for the actor of the process before it, and nobody
                waits for an answer. Who waits for one is answered with it.
        """
        if self._forks != _forks:
            self._refuse(envelope)
            return
        with self._guard:
            self._queue.append(envelope)
            if not self._waiting:
                return
            self._waiting = False
            if self._wake_write < 0:
                self._bell.release()
                return
            self._ringing += 1
        # Not under the guard: a system call lets other threads go on, and the first thing that the one
        # that is woken up by it wants is the guard.
        if self._wake_write == self._wake_read:
            os.eventfd_write(self._wake_write, 1)
        else:
            os.write(self._wake_write, b"\0")
        with self._guard:
            self._ringing -= 1
            if self._closed:
                self._close_descriptors()

    def _refuse(self, envelope: Envelope[Any]) -> None:
        error = ActorDeadError(
            f"this actor lives in process {self._pid}, and process {os.getpid()} was forked from it: make"
            " objects of its own there, or start it by another method than fork"
        )
        if envelope.reply_to is None:
            raise error
        envelope.reply_to.set_exception((ActorDeadError, error, None))

    def empty(self) -> bool:
        """Whether no message waits; timers and sources do not count."""
        return not self._queue and not self._due

    def get(self) -> Envelope[Any]:
        """Take the next message, and wait for one if there is none."""
        while True:
            if self._due:
                return self._due.popleft()
            if self._queue and self._taken < FAIRNESS:
                self._taken += 1
                return self._queue.popleft()
            self._taken = 0
            self._look(block=not self._queue)

    # -- out of turn ----------------------------------------------------------------------------

    def holds(self, kind: type) -> bool:
        """Whether a message of this kind waits; for a handler that takes long and may have to end."""
        if not self._queue:
            return False
        with self._guard:
            return any(isinstance(envelope.message, kind) for envelope in self._queue)

    def take(self, *kinds: type) -> list[Any]:
        """Take the waiting messages of these kinds that nobody waits for an answer to, in their order.

        For a handler that takes long and has duties in the meantime.
        """
        if not self._queue:
            return []
        with self._guard:
            taken = [e for e in self._queue if e.reply_to is None and isinstance(e.message, kinds)]
            for envelope in taken:
                self._queue.remove(envelope)
        return [envelope.message for envelope in taken]

    # -- timers ---------------------------------------------------------------------------------

    def after(self, delay_s: float, message: object) -> Timer:
        """Deliver `message` once, `delay_s` seconds from now."""
        timer = Timer(self._monotonic() + delay_s, message)
        heapq.heappush(self._timers, (timer.deadline, next(self._tie), timer))
        return timer

    # -- sources --------------------------------------------------------------------------------

    def listen(self, source: Any, message: object) -> None:
        """Deliver `message` each time that `source` can be read; the handler must read it.

        Args:
            source: a file descriptor, or a ZeroMQ socket where the poller is ZeroMQ's.
            message: delivered again and again for as long as there is something to read.
        """
        poller = self._open_poller()
        self._sources[source] = message
        poller.register(source, _POLLIN)

    def await_room(self, descriptor: int, message: object) -> None:
        """Deliver `message` once, as soon as there is room to write to a descriptor.

        Only while it is listened to: else nobody would notice that its other side is gone.
        """
        if descriptor in self._sources and self._poller is not None:
            self._crowded[descriptor] = message
            self._poller.register(descriptor, _POLLIN | _POLLOUT)

    def unlisten(self, source: Any) -> None:
        """Stop listening to `source`; does nothing if nobody listened."""
        if self._crowded:
            self._crowded.pop(source, None)
        if self._sources.pop(source, None) is not None and self._poller is not None:
            self._poller.unregister(source)

    def close(self) -> None:
        """Give back the descriptors; later `put`s are kept and never wait for anybody."""
        with self._guard:
            self._waiting = False
            self._closed = True
            self._poller = None
            self._sources.clear()
            self._crowded.clear()
            self._timers.clear()
            self._close_descriptors()

    def _close_descriptors(self) -> None:
        """Under the guard; whoever is about to write to them does it later."""
        if self._ringing or self._wake_read < 0:
            return
        os.close(self._wake_read)
        if self._wake_write != self._wake_read:
            os.close(self._wake_write)
        self._wake_read = self._wake_write = -1

    # -- waiting --------------------------------------------------------------------------------

    def _open_poller(self) -> Poller:
        if self._poller is None:
            if hasattr(os, "eventfd"):
                read = write = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            else:
                read, write = os.pipe()
                os.set_blocking(read, False)
            self._poller = self._make_poller()
            self._poller.register(read, _POLLIN)
            with self._guard:
                self._wake_read, self._wake_write = read, write
        return self._poller

    def _look(self, *, block: bool) -> None:
        """Move what is due from timers and sources to `_due`; wait for something if `block`."""
        timeout = self._until_next_timer() if block else 0.0
        if block:
            with self._guard:
                if self._queue:
                    timeout = 0.0
                else:
                    self._waiting = True
        if self._poller is not None:
            self._poll(timeout)
        elif block:
            self._bell.acquire(timeout=-1 if timeout is None else timeout)
        with self._guard:
            if block and not self._waiting and self._poller is None:
                # somebody rang between the end of the wait and now, or woke us: both leave it locked
                self._bell.acquire(blocking=False)
            self._waiting = False
        self._take_timers()

    def _take_timers(self) -> None:
        now = self._monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                self._due.append(Envelope(timer.message))

    def _until_next_timer(self) -> float | None:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - self._monotonic())

    def _poll(self, timeout: float | None) -> None:
        assert self._poller is not None
        # rounded up: a poll that returns a little early would be repeated with no time left
        milliseconds = None if timeout is None else int(timeout * 1000) + (timeout > 0)
        for source, events in self._poller.poll(milliseconds):
            if self._crowded and source in self._crowded and events & _POLLOUT:
                self._due.append(Envelope(self._crowded.pop(source)))
                self._poller.register(source, _POLLIN)
                if events == _POLLOUT:
                    continue
            if source == self._wake_read:
                if self._wake_read == self._wake_write:
                    os.eventfd_read(self._wake_read)
                else:
                    os.read(self._wake_read, 4096)
            elif source in self._sources:
                self._due.append(Envelope(self._sources[source]))
