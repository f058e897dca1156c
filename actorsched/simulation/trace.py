"""What happened in a simulation, in order; the same seed gives the same trace, byte for byte."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from itertools import islice
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

    def note(self, kind: str, *what: Any) -> None:
        """Add a line for people, which is no part of what happened."""
        self._lines.append((self._hub.now, kind, what))

    @property
    def digest(self) -> str:
        """A name for all that happened so far, kept or not."""
        return self._digest.hexdigest()

    def lines(self) -> Iterator[str]:
        return map(_text, self._lines)

    def last(self, number: int) -> tuple[str, ...]:
        """The last so many lines."""
        first = max(0, len(self._lines) - number)
        return tuple(map(_text, islice(self._lines, first, None)))

    def text(self) -> str:
        return "\n".join(self.lines()) + "\n"


def _text(line: tuple[float, str, tuple[Any, ...]]) -> str:
    at, kind, what = line
    return f"{at:14.6f}  {kind:10}  {' '.join(map(str, what))}"
