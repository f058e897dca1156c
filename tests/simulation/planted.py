"""Which planted bug is found in which world, by whom.

`python -m tests.simulation.planted` plants each and prints the table of docs/simulation.md: the first seed
of its world that finds it, and how long that took.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import pytest
import structlog

from actorsched.errors import InternalError, StoreError
from actorsched.simulation.options import FIRST_WITH_HISTORY, HASTY_S, options_of
from actorsched.simulation.simulation import Simulation
from tests.simulation import batch_bugs, bugs, group_bugs, store_bugs, worker_bugs
from tests.simulation.mutants import MUTANTS, Mutant

Plant: TypeAlias = Callable[[pytest.MonkeyPatch], None]

#: kinds of worlds: options that are not drawn, so that what a bug needs happens in most of them
WORLDS: dict[str, dict[str, Any]] = {
    "any": {},
    "forgetful": {"restarts": 40.0, "duration_s": 200.0, "lease_s": 30.0},
    "cut off": {"partitions": 60.0, "lease_s": 10.0, "duration_s": 200.0, "tasks": 3, "workers": 4},
    "cut off, scarce": {
        "partitions": 60.0,
        "lease_s": 10.0,
        "duration_s": 60.0,
        "tasks": 20,
        "workers": 2,
        "slots": 4,
        "assistants": 2,
        "shape": "fan",
        "demanding": 1.0,
        "drop": 0.0,
        "late": 0.0,
    },
    "cut off, alone": {"partitions": 60.0, "lease_s": 10.0, "duration_s": 200.0, "tasks": 1},
    "cut off, late": {
        "partitions": 60.0,
        "lease_s": 10.0,
        "duration_s": 60.0,
        "tasks": 8,
        "workers": 4,
        "slots": 1,
        "shape": "fan",
        "late": 0.3,
        "late_s": 60.0,
    },
    "cut off, else calm": {
        "partitions": 20.0,
        "lease_s": 10.0,
        "duration_s": 200.0,
        "tasks": 8,
        "workers": 3,
        "shape": "fan",
        "hostile_s": 1200.0,
        "drop": 0.0,
        "late": 0.0,
        "queue": 1000,
        "restarts": 0.0,
        "pauses": 0.0,
        "crashes": 0.0,
        "kills": 0.0,
        "slow": 0.0,
        "failing": 0.0,
        "dying": 0.0,
        "hanging": 0.0,
    },
    "crashing": {"crashes": 60.0, "late": 0.3, "duplicate": 0.3, "delay_ms": 500.0, "duration_s": 60.0},
    "crashing, late": {
        "crashes": 100.0,
        "late": 0.5,
        "late_s": 30.0,
        "lease_s": 10.0,
        "duration_s": 200.0,
        "tasks": 8,
        "workers": 4,
        "slots": 4,
        "shape": "fan",
        "drop": 0.0,
        "partitions": 0.0,
    },
    "lossy": {"drop": 0.35, "lease_s": 10.0, "duration_s": 200.0, "delay_ms": 5.0},
    "standing still": {"pauses": 60.0, "lease_s": 10.0, "duration_s": 200.0},
    "late goodbyes": {
        "goodbyes": True,
        "late": 0.15,
        "late_s": 60.0,
        "lease_s": 60.0,
        "hostile_s": 1200.0,
        "workers": 4,
        "slots": 1,
        "assistants": 2,
        "failing": 0.9,
        "dying": 0.9,
        "retry_delay_s": 5.0,
        "tasks": 8,
        "shape": "fan",
        "external": 0.0,
        "keep_alive": False,
        "duration_s": 200.0,
        "drop": 0.0,
        "partitions": 0.0,
    },
    "standing still, short": {
        "pauses": 300.0,
        "lease_s": 10.0,
        "duration_s": 20.0,
        "tasks": 60,
        "workers": 3,
        "slots": 1,
        "hostile_s": 300.0,
        "shape": "fan",
        "drop": 0.0,
        "external": 0.0,
        "restarts": 0.0,
    },
    "doubling": {"duplicate": 0.3, "late": 0.3},
    "scarce": {"demanding": 1.0, "tasks": 20, "workers": 4, "slots": 4, "shape": "fan", "duration_s": 60.0},
    "failing": {"failing": 0.5, "dying": 0.3, "demanding": 1.0},
    "patient": {"failing": 0.5, "keep_alive": True, "external": 0.0, "tasks": 8},
    "growing": {"dynamic": 0.8, "tasks": 20},
    "hasty": {
        "duration_s": HASTY_S,
        "shape": "random",
        "tasks": 60,
        "hostile_s": 20.0,
        "failing": 0.3,
        "delay_ms": 50.0,
        "demanding": 0.0,
    },
    "deadly": {
        "deadly": 1.0,
        "tasks": 3,
        "workers": 3,
        "hostile_s": 300.0,
        "lease_s": 10.0,
        "duration_s": 10.0,
        "shape": "fan",
        "external": 0.0,
        "dynamic": 0.0,
        "hanging": 0.0,
        "batched": 0.0,
        "restarts": 0.0,
    },
    "deadly, failing": {
        "deadly": 1.0,
        "failing": 1.0,
        "tasks": 3,
        "workers": 3,
        "hostile_s": 300.0,
        "lease_s": 10.0,
        "duration_s": 10.0,
        "shape": "fan",
        "external": 0.0,
        "hanging": 0.0,
        "batched": 0.0,
    },
    "limited": {
        "limited": 1.0,
        "failing": 1.0,
        "tasks": 3,
        "hostile_s": 300.0,
        "duration_s": 10.0,
        "external": 0.0,
        "dynamic": 0.0,
        "hanging": 0.0,
        "batched": 0.0,
        "restarts": 0.0,
    },
    "cancelled": {"cancels": 20, "hostile_s": 300.0, "tasks": 8, "duration_s": 60.0, "retry_delay_s": 5.0},
    "cancelled, long": {
        "cancels": 10,
        "hostile_s": 600.0,
        "tasks": 3,
        "duration_s": 600.0,
        "drop": 0.0,
        "late": 0.0,
        "queue": 1000,
    },
    "cut off, quiet": {
        "partitions": 60.0,
        "lease_s": 10.0,
        "duration_s": 10.0,
        "tasks": 40,
        "workers": 2,
        "drop": 0.0,
        "late": 0.0,
        "queue": 1000,
        "pauses": 0.0,
        "restarts": 0.0,
        "slow": 0.0,
        "skew": 0.0,
    },
    "cut off, giving back": {
        "partitions": 60.0,
        "lease_s": 10.0,
        "duration_s": 200.0,
        "tasks": 20,
        "workers": 4,
        "slots": 4,
        "shape": "fan",
        "demanding": 1.0,
        "hostile_s": 1200.0,
    },
    "growing, forgetful": {
        "dynamic": 0.8,
        "tasks": 20,
        "restarts": 60.0,
        "duration_s": 60.0,
        "store": "none",
    },
    "away": {
        "restarts": 20.0,
        "lease_s": 60.0,
        "duration_s": 200.0,
        "assistants": 2,
        "patience_s": 5.0,
        "store": "none",
        "drop": 0.0,
        "late": 0.0,
        "crashes": 0.0,
        "tasks": 20,
        "shape": "fan",
    },
    "orphaned": {
        "crashes": 60.0,
        "assistants": 2,
        "workers": 2,
        "lease_s": 10.0,
        "duration_s": 200.0,
        "tasks": 8,
        "shape": "fan",
        "external": 0.0,
        "dynamic": 0.0,
    },
    "cancelled, lossy": {"cancels": 20, "hostile_s": 300.0, "tasks": 8, "drop": 0.3, "duration_s": 60.0},
    "urgent": {
        "prioritised": 0.7,
        "tasks": 40,
        "slots": 1,
        "demanding": 0.0,
        "batched": 0.0,
        "external": 0.0,
    },
    "deep": {"shape": "layers", "tasks": 20},
    "kept": {"store": "full", "restarts": 30.0, "hostile_s": 600.0, "tasks": 8, "workers": 2},
    "kept, recorded": {"store": "full", "restarts": 30.0, "hostile_s": 600.0, "tasks": 8, "history": True},
    "kept, lossy": {"store": "full", "restarts": 60.0, "drop": 0.3, "hostile_s": 600.0},
    "kept, failing": {"store": "full", "failing_commits": 0.1},
    "kept, powerless": {"store": "normal", "power_cuts": 60.0, "hostile_s": 600.0},
    "kept, limited": {
        "store": "full",
        "limited": 1.0,
        "failing": 1.0,
        "restarts": 60.0,
        "tasks": 3,
        "hostile_s": 300.0,
        "duration_s": 10.0,
        "external": 0.0,
    },
    "kept, full": {
        "store": "full",
        "history": True,
        "full_disks": 60.0,
        "restarts": 0.0,
        "standby": False,
        "hostile_s": 300.0,
        "duration_s": 10.0,
        "tasks": 20,
    },
    "kept, standing by": {"store": "full", "standby": True, "pauses": 30.0},
    "kept, standing by, alone": {
        "store": "full",
        "standby": True,
        "restarts": 20.0,
        "lease_s": 10.0,
        "tasks": 3,
        "duration_s": 200.0,
        "drop": 0.0,
    },
    "crowded": {
        "workers": 10,
        "slots": 2,
        "strangers": 2,
        "tasks": 60,
        "shape": "fan",
        "duration_s": 1.0,
        "hostile_s": 60.0,
        "delay_ms": 5.0,
        "uneven": 1.0,
        "queue": 1000,
        "store": "full",
        "commit_ms": 100.0,
        "failing_commits": 0.1,
    },
    "bare": {"bare": 1.0, "assistants": 2, "tasks": 20, "workers": 1, "slots": 1, "external": 0.0},
    "batched": {"batched": 1.0, "shape": "fan", "tasks": 20, "dynamic": 0.0, "external": 0.0},
    "batched, scarce": {"batched": 0.7, "shape": "fan", "tasks": 40, "demanding": 1.0, "dynamic": 0.0},
    "batched, forgetful": {
        "batched": 1.0,
        "shape": "fan",
        "tasks": 20,
        "restarts": 40.0,
        "lease_s": 10.0,
        "duration_s": 200.0,
        "store": "none",
        "standby": False,
    },
    "batched, cut off": {
        "batched": 1.0,
        "shape": "fan",
        "tasks": 20,
        "workers": 2,
        "slots": 2,
        "duration_s": 10.0,
        "hostile_s": 600.0,
        "partitions": 60.0,
        "delay_ms": 500.0,
        "lease_s": 10.0,
        "drop": 0.2,
        "store": "full",
        "history": True,
    },
    "batched, given back": {
        "batched": 1.0,
        "shape": "fan",
        "tasks": 20,
        "workers": 2,
        "slots": 1,
        "assistants": 2,
        "duration_s": 200.0,
        "dynamic": 0.0,
        "external": 0.0,
        "restarts": 0.0,
    },
    "batched, hanging": {"batched": 1.0, "shape": "fan", "tasks": 8, "hanging": 0.3, "hostile_s": 120.0},
}

#: the first seed of those worlds that need what smaller seeds do not draw
FIRST_SEED = {
    world: FIRST_WITH_HISTORY for world in WORLDS if world.startswith(("kept", "crowded", "batched"))
}


class Bug(NamedTuple):
    """A planted bug.

    Attributes:
        says: what it is, in a sentence.
        world: the kind in which it is looked for.
        seed: one that finds it, counted from the first of its world.
        checkers: of which one finds it.
    """

    name: str
    says: str
    plant: Plant
    world: str
    seed: int
    checkers: frozenset[str]


def _bug(plant: Plant, world: str, seed: int, *checkers: str) -> Bug:
    says = " ".join((plant.__doc__ or "").split()).rstrip(".")
    return Bug(plant.__name__, says, plant, world, seed, frozenset(checkers))


def _mutant(mutant: Mutant) -> Bug:
    checkers = frozenset(mutant.checkers)
    return Bug(mutant.name, mutant.says, mutant.plant, mutant.world, mutant.seed, checkers)


BUGS: list[Bug] = [
    _bug(bugs.no_fencing, "forgetful", 15, "OneLiveRun"),
    _bug(bugs.no_reply_memory, "any", 2, "NoEffectTwice"),
    _bug(bugs.leases_are_not_renewed, "any", 3, "OneLiveRun", "NoLeaseWithoutHolder"),
    _bug(bugs.nobody_is_given_up, "any", 0, "NoLeaseWithoutHolder", "invariants"),
    _bug(bugs.resources_are_not_counted, "any", 0, "ResourcesFit", "invariants"),
    _bug(bugs.requirements_are_forgotten, "any", 0, "RequirementsFirst"),
    _bug(bugs.lost_grants_stay_lost, "lossy", 18, "EverythingEnds"),
    _bug(bugs.grants_what_runs, "any", 0, "OneLiveRun"),
    _bug(bugs.anybody_renews_all, "crashing", 0, "NoLeaseWithoutHolder"),
    _bug(bugs.one_client_is_remembered, "lossy", 0, "NoEffectTwice"),
    _bug(bugs.old_frames_are_carried_out, "doubling", 0, "NoEffectTwice"),
    _bug(bugs.done_is_overwritten, "any", 10, "AcknowledgedReports"),
    _bug(bugs.placeholders_need_nothing, "deep", 0, "RequirementsFirst"),
    _bug(bugs.wishes_of_runs_are_forgotten, "growing", 0, "RequirementsFirst"),
    _bug(bugs.failures_keep_resources, "failing", 0, "invariants", "EverythingEnds"),
    _bug(bugs.giving_back_counts_twice, "scarce", 2, "ResourcesFit"),
    _bug(bugs.claims_are_refused, "forgetful", 0, "ClaimsAreTaken"),
    _bug(bugs.nothing_is_tried_again, "patient", 0, "EverythingEnds", "invariants"),
    _bug(bugs.deaths_are_never_taken_back, "cut off", 0, "DisabledForAReason"),
    _bug(bugs.lives_have_no_order, "crashing, late", 22, "OneLiveRun"),
    _bug(bugs.late_goodbyes_are_taken, "late goodbyes", 8, "OneLiveRun"),
    _bug(bugs.facts_end_runs, "cut off, scarce", 1, "OneLiveRun", "ResourcesFit"),
    _bug(bugs.copies_are_no_sign_of_life, "lossy", 10, "OneLiveRun"),
    _bug(bugs.absence_goes_unnoticed, "standing still", 16, "OneLiveRun"),
    _bug(bugs.lost_advances_are_handed_out_at_once, "hasty", 10, "RequirementsFirst"),
    _bug(bugs.anything_follows, "hasty", 0, "RequirementsFirst"),
    _bug(bugs.who_declines_is_asked_again, "bare", 0, "DeclinedIsForOthers"),
    _bug(worker_bugs.what_follows_a_failure_is_begun, "hasty", 0, "RequirementsFirst"),
    _bug(worker_bugs.runs_are_believed, "failing", 0, "ExitStatus", "RequirementsFirst"),
    _bug(worker_bugs.exits_are_always_good, "any", 0, "ExitStatus"),
    _bug(worker_bugs.no_heartbeats, "any", 6, "Heartbeats"),
    _bug(worker_bugs.heartbeats_ignore_the_lease, "any", 14, "Heartbeats"),
    _bug(worker_bugs.given_back_counts_as_done, "cut off, alone", 1, "ExitStatus"),
    _bug(worker_bugs.superseded_runs_go_on, "cut off, else calm", 1, "OneLiveRun"),
    _bug(worker_bugs.runs_are_not_claimed, "forgetful", 0, "OneLiveRun"),
    _bug(
        worker_bugs.forgotten_workers_say_nothing,
        "forgetful",
        0,
        "OneLiveRun",
        "EverythingEnds",
        "TheForgottenComeBack",
    ),
    _bug(worker_bugs.late_work_is_begun, "cut off, late", 0, "OneLiveRun"),
    _bug(worker_bugs.nobody_asks_by_himself, "lossy", 2, "EverythingEnds"),
    _bug(
        worker_bugs.heartbeats_stay_where_they_are, "kept, standing by, alone", 15, "Heartbeats", "OneLiveRun"
    ),
    _bug(store_bugs.answers_are_stored_later, "kept, lossy", 0, "NoEffectTwice"),
    _bug(store_bugs.answers_are_not_stored, "kept, lossy", 0, "NoEffectTwice"),
    _bug(store_bugs.commits_are_not_fenced, "kept, standing by", 7, "StoredIsMemory", "OneLiveRun"),
    _bug(store_bugs.restored_runs_are_forgotten, "kept", 0, "OneLiveRun", "ClaimsAreTaken"),
    _bug(store_bugs.failed_commits_are_taken_for_good, "kept, failing", 1, "StoredIsMemory"),
    _bug(store_bugs.a_standby_is_hasty, "kept, standing by", 0, "PlaceIsKept"),
    _bug(store_bugs.torn_commits_are_read, "kept, powerless", 24, "StoreError"),
    _bug(store_bugs.state_has_no_time_of_its_own, "kept, standing by", 16, "NoLeaseWithoutHolder"),
    _bug(store_bugs.histories_lose_what_comes_together, "kept", 2, "HistoryIsWhole"),
    _bug(group_bugs.groups_are_answered_before_they_are_committed, "crowded", 0, "AcknowledgedReports"),
    _bug(group_bugs.failed_groups_answer_their_first, "crowded", 0, "EachIsAnswered"),
    _bug(group_bugs.one_bad_frame_spoils_its_group, "crowded", 0, "OnlyTheGuiltyAreRefused"),
    _bug(group_bugs.failed_groups_are_taken_for_good, "crowded", 0, "AcknowledgedReports", "OneLiveRun"),
    _bug(store_bugs.ends_in_doubt_are_forgotten, "kept, failing", 0, "HistoryIsWhole"),
    _bug(store_bugs.ends_in_doubt_are_told, "kept, failing", 0, "HistoryIsWhole"),
    _bug(store_bugs.histories_have_no_batches, "batched", 0, "HistoryIsWhole"),
    _bug(store_bugs.runs_end_with_their_report, "kept, recorded", 1, "HistoryIsWhole"),
    _bug(batch_bugs.batches_take_nothing_at_first, "batched, scarce", 0, "ResourcesFit", "invariants"),
    _bug(batch_bugs.batches_keep_their_resources, "batched, scarce", 0, "invariants", "EverythingEnds"),
    _bug(batch_bugs.one_member_keeps_its_lease, "batched", 0, "AcknowledgedReports", "EverythingEnds"),
    _bug(batch_bugs.members_are_claimed_one_by_one, "batched, forgetful", 1, "invariants"),
    _bug(batch_bugs.ends_of_nobody_are_taken, "batched, cut off", 0, "HistoryIsWhole", "AcknowledgedReports"),
    _bug(batch_bugs.batches_mix_resources, "batched, scarce", 0, "BatchesAreAlike"),
    _bug(batch_bugs.batches_have_no_bound, "batched", 0, "BatchesAreAlike"),
    _bug(batch_bugs.batches_hang_for_ever, "batched, hanging", 2, "EverythingEnds"),
    _bug(batch_bugs.lost_batches_are_handed_out_as_they_were, "batched, forgetful", 5, "OneLiveRun"),
    _bug(batch_bugs.combined_tasks_stay, "batched, given back", 2, "NothingIsLeftOver"),
    *map(_mutant, MUTANTS),
]


def findings(world: str, seed: int) -> set[str]:
    """Who finds something in this world."""
    options = options_of(FIRST_SEED.get(world, 0) + seed, **WORLDS[world])
    try:
        return {finding.checker for finding in Simulation(options).run().findings}
    except InternalError as error:
        if isinstance(error.__cause__, StoreError):
            return {"StoreError"}  # a scheduler that finds its store damaged does not begin
        return {f"InternalError: {error}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("bugs", nargs="*")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print("| bug | world | seed | seconds | found by |\n|---|---|---|---|---|")
    for bug in BUGS:
        if arguments.bugs and bug.name not in arguments.bugs:
            continue
        began, others = time.process_time(), set[str]()
        for seed in range(arguments.seeds):
            with pytest.MonkeyPatch.context() as patch:
                bug.plant(patch)
                found = findings(bug.world, seed)
            others |= found
            if found & bug.checkers:
                break
        else:
            seed = -1
        what = ", ".join(f"`{name}`" for name in sorted(found & bug.checkers)) or f"nobody, {sorted(others)}"
        elapsed_s = time.process_time() - began
        print(f"| {bug.name}: {bug.says} | {bug.world} | {seed} | {elapsed_s:.1f} | {what} |", flush=True)


if __name__ == "__main__":
    main()
