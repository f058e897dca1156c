"""Whole systems in a hostile world: nothing that must never happen happens, and in the end all is done."""

from __future__ import annotations

import pytest

from tests.simulation.seeds import describe, known_seeds, run_seed

#: more of them: `tox -e simulation`
SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_checker_finds_anything(seed: int) -> None:
    """Each seed is another graph, another system and other faults."""
    report = run_seed(seed)
    assert report.ok, describe(report)


@pytest.mark.parametrize("seed", known_seeds())
def test_what_once_failed_stays_well(seed: int) -> None:
    """A finding costs an hour, and to look for it again costs a blink."""
    report = run_seed(seed)
    assert report.ok, describe(report)


def test_the_seeds_of_a_run_are_hostile() -> None:
    """A simulation in which nothing happens finds nothing either."""
    happened: set[str] = set()
    expected = {
        "fault",
        "dropped",
        "doubled",
        "broken",
        "held",
        "cut",
        "run",
        "end",
        "exit",
        "granted",
        "told",
    }
    for seed in SEEDS:
        if expected <= happened:
            break
        happened |= run_seed(seed).counts.keys()
    assert expected <= happened
