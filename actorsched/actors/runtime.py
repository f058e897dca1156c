"""What actors need from the outside, handed to them in one piece.

Time, chance, names, waiting and the network: an actor calls nothing of the kind behind its runtime's
back. The simulation hands out another `Runtime`; the actors do not know which they have.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import pykka

from actorsched.actors.inbox import Inbox
from actorsched.children.launcher import Launcher, make_launcher
from actorsched.core.instant import Instant
from actorsched.transport.zeromq import ZeroMq

A = TypeVar("A", bound=pykka.Actor)


class Clock(Protocol):
    """Two readings, in seconds: `monotonic` decides, `wall` is shown to people."""

    def monotonic(self) -> float: ...
    def wall(self) -> float: ...


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class CallableClock:
    """A plain callable that serves as both clocks; for tests and replay."""

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    def monotonic(self) -> float:
        return self._read()

    def wall(self) -> float:
        return self._read()


def clock_from(clock: Clock | Callable[[], float] | None) -> Clock:
    """`None` is the clock of the system; a callable becomes both clocks."""
    if clock is None:
        return SystemClock()
    if callable(clock):
        return CallableClock(clock)
    return clock


class Event(Protocol):
    """What actors use of a `threading.Event`."""

    def set(self) -> None: ...
    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass(frozen=True)
class Runtime:
    """The outside of an actor.

    Attributes:
        ticking: whether `clock` moves by itself; false when the caller holds it, and then nobody may
            wait for it to move.
        make_event: makes what an actor waits on when it has to pause.
        make_future: makes what somebody waits on who is told something later.
        make_launcher: makes what starts child processes, by the name of its start method.
        network: opens sockets.
    """

    clock: Clock = field(default_factory=SystemClock)
    random: random.Random = field(default_factory=random.Random)
    ticking: bool = True
    make_event: Callable[[], Event] = threading.Event
    make_future: Callable[[], pykka.Future[Any]] = pykka.ThreadingFuture
    make_launcher: Callable[[str], Launcher] = make_launcher
    network: ZeroMq = field(default_factory=ZeroMq)

    @property
    def is_here(self) -> bool:
        """Whether the actors are threads of this process, so that its signals concern them."""
        return self.make_future is pykka.ThreadingFuture

    def now(self) -> Instant:
        """Read both clocks."""
        return Instant(self.clock.monotonic(), self.clock.wall())

    def make_id(self, bits: int = 48) -> str:
        """A name that nobody else has made up, in hexadecimal."""
        return f"{self.random.getrandbits(bits):0{bits // 4}x}"

    def start(self, kind: type[A], *args: Any, **kwargs: Any) -> pykka.ActorRef[A]:
        """Start an actor of this class."""
        return kind.start(*args, **kwargs)

    def whoami(self) -> dict[str, Any]:
        """Host, user and process, to show to people; what is not known is left out."""
        known: dict[str, Any] = {"host": socket.gethostname()}
        with contextlib.suppress(KeyError, OSError, ImportError):  # a container may not name its user
            known["username"] = getpass.getuser()
        return {**known, "pid": os.getpid()}

    def make_inbox(self, *, sockets: bool) -> Inbox:
        """An inbox that keeps this runtime's time; with `sockets` it can listen to those of its network."""
        make_poller = self.network.make_poller if sockets else select.poll
        return Inbox(make_poller, self.clock.monotonic if self.ticking else time.monotonic)
