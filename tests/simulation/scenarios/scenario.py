"""A scenario: a story of what went wrong somewhere, where it is told, and what prevents it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest

Play: TypeAlias = Callable[[], None]
Removal: TypeAlias = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Scenario:
    """See the top of the module.

    Attributes:
        title: as in the documentation.
        source: the public thread that tells it, `owner/repository#number`.
        play: plays it; raises AssertionError when it ends badly.
        without: takes the protection away; then it has to end badly.
    """

    title: str
    source: str
    play: Play
    without: Removal

    def __str__(self) -> str:
        return self.play.__name__


SCENARIOS: list[Scenario] = []


def scenario(title: str, source: str, without: Removal) -> Callable[[Play], Play]:
    """Register a scenario."""

    def register(play: Play) -> Play:
        SCENARIOS.append(Scenario(title, source, play, without))
        return play

    return register
