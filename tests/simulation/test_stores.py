"""Schedulers that keep their state on a simulated disk: what is lost there is found."""

from __future__ import annotations

import pytest

from actorsched.errors import InternalError
from actorsched.simulation.faults import FaultKind
from actorsched.simulation.options import FIRST_FULL, options_of
from actorsched.simulation.simulation import Simulation
from actorsched.simulation.work import Plan
from tests.simulation.scenarios import protections as without
from tests.simulation.scenarios.scenario import Removal
from tests.simulation.scenarios.scene import Scene
from tests.simulation.seeds import describe, run_seed

#: of the seeds that draw stores, batches and uneven links, too
SEEDS = range(FIRST_FULL, FIRST_FULL + 24)

#: what is taken away, what of the options is fixed, and which checkers find it
FOUND: list[tuple[Removal, dict[str, object], set[str]]] = [
    (
        without.commits_in_time,
        {"restarts": 30.0},
        {"AcknowledgedReports", "NoEffectTwice", "OneLiveRun", "StoredIsMemory"},
    ),
    (
        without.fences_of_the_store,
        {"standby": True, "pauses": 30.0},
        {"OneLiveRun", "NoEffectTwice", "StoredIsMemory"},
    ),
    (without.replies_in_the_store, {"restarts": 30.0, "drop": 0.2}, {"NoEffectTwice"}),
    (without.notes_on_workers, {}, {"StoredIsMemory"}),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_checker_finds_anything(seed: int) -> None:
    """Most of these schedulers keep their state; disks are slow and full, commits fail, power is cut."""
    report = run_seed(seed)
    assert report.ok, describe(report)


def test_the_disks_of_these_seeds_are_hostile() -> None:
    """A disk without troubles would show nothing."""
    counts: dict[str, int] = {}
    for seed in range(FIRST_FULL + 24, FIRST_FULL + 32):
        fixed = {"store": "normal", "power_cuts": 20.0, "full_disks": 10.0, "failing_commits": 0.02}
        report = Simulation(options_of(seed, hostile_s=300.0, tasks=8, **fixed)).run()
        assert report.ok, describe(report)
        for kind, count in report.counts.items():
            counts[kind] = counts.get(kind, 0) + count
    assert {"power", "full", "commit failed"} <= counts.keys()


@pytest.mark.parametrize(("bug", "fixed", "checkers"), FOUND, ids=[bug.__name__ for bug, _, _ in FOUND])
def test_a_store_that_does_not_keep_its_word_is_found(
    monkeypatch: pytest.MonkeyPatch, bug: Removal, fixed: dict[str, object], checkers: set[str]
) -> None:
    """By the checker whose business it is."""
    bug(monkeypatch)
    found: set[str] = set()
    for seed in range(FIRST_FULL, FIRST_FULL + 60):
        options = options_of(seed, store="full", **fixed)
        try:
            found |= {finding.checker for finding in Simulation(options).run().findings}
        except InternalError as error:
            found.add(f"InternalError: {error}")
        if found & checkers:
            return
    pytest.fail(f"{bug.__name__} was found by none of {sorted(checkers)}, but by {sorted(found)}")


@pytest.mark.parametrize(("kind", "for_s"), [("crash", 8.0), ("crash", 60.0), ("pause", 60.0)])
def test_a_worker_that_only_has_its_heartbeat_finds_the_standby(kind: FaultKind, for_s: float) -> None:
    """It has nothing to ask for while its run goes on, so nothing else shows it that the place was taken.

    Found by seeds 1010993 and 1011184: its pings went on and on to the first scheduler, which was there again
    and waited for its turn, until the run was given to somebody else.
    """
    plan = Plan(name="a", duration_s=120.0)
    with Scene(plan, submissions={"w1": ("a",)}, store="full", standby=True, lease_s=30.0) as scene:
        scene.start()
        scene.reach(lambda: bool(scene.live("a")))
        scene.advance(10.0)
        first = scene.simulation.serving()
        assert first is not None
        scene.inflict(kind, first.name, for_s)
        scene.expect(lambda: scene.simulation.serving() not in (None, first), within_s=30.0)
        scene.expect(lambda: scene.has("a"), within_s=120.0)
        scene.finish()
        assert len(scene.runs("a")) == 1
