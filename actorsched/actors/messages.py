"""The messages between actors: frozen records, keyword-only.

Who accepts and who sends which of them is written at the top of each actor's module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pykka import ActorRef

    from actorsched.children.speech import Job
    from actorsched.tasks.discovery import Discovered
    from actorsched.tasks.outcome import Outcome
    from actorsched.tasks.registration import Registration


class Settable(Protocol):
    """What Pykka's futures can do for a handler that answers later than it returns."""

    def set(self, value: Any | None = None) -> None: ...
    def set_exception(self, exc_info: Any | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an RPC method. `ask`: the answer is the result, or the error is raised.

    Attributes:
        until: a moment of the runtime's monotonic clock; who is not answered by then is told so. None: the
            patience of the settings.
    """

    method: str
    params: Mapping[str, Any]
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """One call, already written, whose first attempt was in vain. `ask`: as for `Call`.

    Attributes:
        frame: to be sent again as it is.
        number: its id.
        since, noticed: when the first attempt began and ended, on the runtime's monotonic clock.
        failure: how it ended.
    """

    frame: bytes
    number: int
    since: float
    noticed: float
    failure: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBatch:
    """Several calls in order. `ask`: the answer is a list, one result or exception for each call.

    With an identity (see rpc/replies.py) they are made once, however often they are asked for; the
    results are then `msgspec.Raw`, the errors `ErrorBody`.
    """

    calls: tuple[Call, ...]
    client: str | None = None
    seq: int = 0
    mark: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Several calls in order, answered together by one `ExchangeEnded`. `tell`: nobody blocks."""

    calls: tuple[Call, ...]
    reply_to: ActorRef[Any]
    tag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeEnded:
    """The answer to an `Exchange`.

    `results` has one entry for each call: its value, or the exception that it ended with. When the
    scheduler could not be reached, `results` is empty and `error` says so.
    """

    tag: int
    results: tuple[Any, ...] = ()
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAlive:
    """Ping for this worker from now on, every `interval_s` seconds, for as long as the listener lives.

    `incarnation` names this life of the worker: a later life under the same id is told apart. `wished`: the
    interval is somebody's express wish, to be refused rather than shortened.
    """

    worker: str
    interval_s: float
    listener: ActorRef[Any] | None = None
    incarnation: str | None = None
    wished: bool = False

    @property
    def ping_params(self) -> dict[str, Any]:
        """The arguments of `ping`."""
        if self.incarnation is None:
            return {"worker": self.worker}
        return {"worker": self.worker, "incarnation": self.incarnation}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopKeepAlive:
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """Tell the listener `Hints` from now on; a scheduler that has none to give does nothing."""

    listener: ActorRef[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Workers for whom there may be work, or an end of waiting; and workers with messages to fetch."""

    work: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """Scheduler → worker: it is worth asking now. Only a hint: it may come for nothing, or not at all."""

    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a ping brought back that its worker must know."""

    worker: str
    rpc_messages: tuple[dict[str, Any], ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """Worker → slot: run this; `timeout_s` 0 is no limit; `name` is how people call it.

    A run that has not begun by `start_by` (seconds of the monotonic clock) is given back: its lease may
    have run out. So is one whose turn comes when the run `after` of the same slot was no success.
    """

    job: Job
    timeout_s: float = 0.0
    name: str = ""
    task: Any = None  # the task itself, for a slot without a process of its own
    start_by: float = math.inf
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """Worker → slot: end this run; `cause` is what it fails with. `at_once`: without any grace."""

    run_id: str
    cause: str
    at_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMessage:
    """Worker → slot: somebody sent a message to the task of this run."""

    run_id: str
    message_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotNoticed:
    """Slot → worker: `run()` called the reporter's method `kind` with `value`."""

    slot: int
    run_id: str
    kind: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotEnded:
    """Slot → worker: the run is over and the slot is free.

    `registration` is what a task that was loaded by name is registered with.
    """

    slot: int
    run_id: str
    outcome: Outcome
    registration: Registration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotReturned:
    """Slot → worker: this run was never begun here, and will not be; `why` is for people."""

    slot: int
    run_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """User → worker: these tasks were found; `acknowledged` is set when the scheduler knows them."""

    found: tuple[Discovered, ...]
    acknowledged: Settable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """User → worker: take work; `ended` is set to None when there is nothing left to wait for.

    `lost` is called with (task or its registration, event, cause) when a run of a task that was registered
    here could not tell its own end; must be quick.
    """

    ended: Settable
    lost: Callable[[Any, str, str], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWork:
    """User → worker: take no more work; after `drain_s` seconds end what runs, and give it back.

    `drain_s` None: whatever runs may end by itself. `at_once`: no grace for what is ended. `quiet` is
    set when nothing runs any more and the scheduler knows how all of it ended; with `leaving` also that this
    worker is gone, for which it is not waited long.
    """

    drain_s: float | None
    reason: str = "the worker was stopped"
    at_once: bool = False
    quiet: Settable | None = None
    leaving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLedger:
    """`ask`: what became of each task. Only for a worker that is not running."""
