"""Stories of what went wrong in other systems, played here to a good end."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorsched.errors import InternalError
from tests.simulation.scenarios import late, lives, lost, slots, stores
from tests.simulation.scenarios.scenario import SCENARIOS, Scenario

DOCUMENT = Path(__file__).parents[2] / "docs" / "simulation.md"

assert all((late, lives, lost, slots, stores)), "they register what they hold"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_it_ends_well(scenario: Scenario) -> None:
    """The docstring of each says what that means."""
    scenario.play()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_it_ends_badly_without_its_protection(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """A story that ends well anyway would show nothing. One that does not reach its point is no bad end."""
    scenario.without(monkeypatch)
    with pytest.raises((AssertionError, InternalError)):
        scenario.play()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_it_is_told_in_the_documentation(scenario: Scenario) -> None:
    """With its source and the name of its test."""
    row = f"| {scenario.title} | {scenario.source} | `{scenario}` |"
    assert row in DOCUMENT.read_text(encoding="utf-8")
