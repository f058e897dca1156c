"""What happened in a simulation, in order; the same seed gives the same trace, byte for byte."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorsched.simulation.hub import Hub


class Trace:
    """A line for each event: time, kind, and what there is to say. The last `keep` lines are kept.

    Args:
        keep: how many; None for all.
    """

    def __init__(self, hub: Hub, keep: int | None = 20_000) -> None:
        self._hub = hub
        self._lines: deque[tuple[float, str, tuple[Any, ...]]] = deque(maxlen=keep)
        self._digest = hashlib.sha256()
        self.counts: dict[str, int] = {}

    def add(self, kind: str, *what: Any) -> None:
        line = (self._hub.now, kind, what)
        self._lines.append(line)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self._digest.update(repr(line).encode())

    @property
    def digest(self) -> str:
        """A name for all that happened so far, kept or not."""
        return self._digest.hexdigest()

    def lines(self) -> Iterator[str]:
        for at, kind, what in self._lines:
            yield f"{at:14.6f}  {kind:10}  {' '.join(map(str, what))}"

    def text(self) -> str:
        return "\n".join(self.lines()) + "\n"
