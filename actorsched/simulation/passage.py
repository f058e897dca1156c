"""What a network carries: one frame, from node to node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actorsched.simulation.node import Node

Direction: TypeAlias = Literal["request", "answer", "hint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A frame that is about to leave a node.

    Attributes:
        what: for the trace.
        deliver: called when it arrives.
        again: called when a copy of it arrives.
        broken: called when the connection breaks by it.
        frame: what is sent.
        asked: of an answer: the request that it answers.
    """

    source: Node
    target: Node
    direction: Direction
    what: str
    deliver: Callable[[], None]
    again: Callable[[], None]
    broken: Callable[[], None]
    frame: bytes = b""
    asked: bytes = b""
