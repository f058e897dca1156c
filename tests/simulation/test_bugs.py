"""A simulation that finds no planted bug would find no other one."""

from __future__ import annotations

import pytest

from tests.simulation.planted import BUGS, Bug, findings

#: where another change has moved what happens under a seed, one of so many others finds it
OTHERS = 40


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, bug: Bug) -> None:
    """By the checker whose business it is, and not by accident."""
    bug.plant(monkeypatch)
    found: set[str] = set()
    for seed in (bug.seed, *range(OTHERS)):
        found |= findings(bug.world, seed)
        if found & bug.checkers:
            return
    pytest.fail(f"{bug.name} was found by none of {sorted(bug.checkers)}, but by {sorted(found)}")


@pytest.mark.parametrize(
    ("world", "seed"),
    sorted({(bug.world, bug.seed) for bug in BUGS}),
    ids=lambda value: str(value).replace(", ", "-").replace(" ", "-"),
)
def test_without_the_bug_nothing_is_found(world: str, seed: int) -> None:
    """So it is the bug that was found."""
    assert findings(world, seed) == set()
