"""A simulation that finds no planted bug would find no other one."""

from __future__ import annotations

import pytest

from actorsched.errors import InternalError
from tests.simulation.bugs import (
    Plant,
    exits_are_always_good,
    leases_are_not_renewed,
    lost_grants_stay_lost,
    no_fencing,
    no_heartbeats,
    no_reply_memory,
    nobody_is_given_up,
    requirements_are_forgotten,
    resources_are_not_counted,
    runs_are_believed,
)
from tests.simulation.seeds import run_seed

#: bug, seed that finds it, checkers of which one finds it
FOUND: list[tuple[Plant, int, set[str]]] = [
    (no_fencing, 93, {"OneLiveRun"}),
    (no_reply_memory, 2, {"NoEffectTwice"}),
    (leases_are_not_renewed, 6, {"OneLiveRun", "NoLeaseWithoutHolder"}),
    (nobody_is_given_up, 0, {"NoLeaseWithoutHolder"}),
    (resources_are_not_counted, 0, {"ResourcesFit", "invariants"}),
    (requirements_are_forgotten, 0, {"RequirementsFirst"}),
    (runs_are_believed, 21, {"ExitStatus", "RequirementsFirst"}),
    (exits_are_always_good, 0, {"ExitStatus"}),
    (no_heartbeats, 6, {"Heartbeats"}),
    (lost_grants_stay_lost, 7, {"EverythingEnds"}),
]
#: where another change has moved what happens under a seed, one of so many others finds it
OTHERS = 120


@pytest.mark.parametrize(("bug", "seed", "checkers"), FOUND, ids=[bug.__name__ for bug, _, _ in FOUND])
def test_a_planted_bug_is_found(
    monkeypatch: pytest.MonkeyPatch, bug: Plant, seed: int, checkers: set[str]
) -> None:
    """By the checker whose business it is, and not by accident."""
    bug(monkeypatch)
    found: set[str] = set()
    for number in (seed, *range(OTHERS)):
        try:
            found |= {finding.checker for finding in run_seed(number).findings}
        except InternalError as error:
            found.add(f"InternalError: {error}")
        if found & checkers:
            return
    pytest.fail(f"{bug.__name__} was found by none of {sorted(checkers)}, but by {sorted(found)}")
