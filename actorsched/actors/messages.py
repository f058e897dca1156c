"""The messages between actors: frozen records, keyword-only.

Who accepts and who sends which of them is written at the top of each actor's module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pykka import ActorRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an RPC method. `ask`: the answer is the result, or the error is raised."""

    method: str
    params: Mapping[str, Any]


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
    """Ping for this worker from now on, every `interval_s` seconds, for as long as the listener lives."""

    worker: str
    interval_s: float
    listener: ActorRef[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopKeepAlive:
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a ping brought back that its worker must know."""

    worker: str
    rpc_messages: tuple[dict[str, Any], ...] = ()
    known: bool = True
