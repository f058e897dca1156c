"""What is true of a machine at all times, each as a small function of its own.

They recount from the records alone, so they cost what the machine never pays; tests and simulation call
`check_invariants` after each step.
"""

from __future__ import annotations

from collections import Counter
from math import inf

from actorsched.core.edges import CYCLE_SEARCH_MAX
from actorsched.core.facets import (
    ABSENT,
    F_BARRED,
    F_COUNTABLE,
    F_DEMANDING,
    F_DONE,
    F_HOPEFUL,
    F_PENDING,
    F_READY,
    F_RETRIED,
    F_STUCK,
    F_UNSERVED,
    facets_of,
)
from actorsched.core.record import TaskRecord
from actorsched.core.state import State
from actorsched.core.statuses import BATCH_RUNNING, DISABLED, FAILED, LIVE, PENDING, RUNNING, STATUSES
from actorsched.core.timers import Kind
from actorsched.core.workersets import WorkerSet, WorkerSets


def check_invariants(state: State) -> None:
    """Check all of them.

    Raises:
        AssertionError: one does not hold; the message says which and where.
    """
    for check in INVARIANTS:
        check(state)


def indexes_hold_the_same_tasks(state: State) -> None:
    for status in STATUSES:
        expected = {record.task_id for record in state.tasks.values() if record.status == status}
        assert set(state.by_status[status]) == expected, f"index of {status}"
    listed = [record for record in state.by_seq if state.has(record)]
    assert listed == sorted(state.tasks.values(), key=lambda record: record.seq), "list by registration"


def edges_are_known_at_both_ends(state: State) -> None:
    expected: dict[str, set[str]] = {}
    for record in state.tasks.values():
        for dep in record.deps:
            expected.setdefault(dep, set()).add(record.task_id)
    for record in state.tasks.values():
        known = [dependent.task_id for dependent in record.iter_dependents()]
        assert len(known) == len(set(known)), f"{record!r}: a dependent twice"
        assert set(known) == expected.pop(record.task_id, set()), f"{record!r}: dependents"
    awaited = {dep: {record.task_id for record in waiting} for dep, waiting in state.awaited.items()}
    assert awaited == expected, "waiting for tasks without record"


def counts_of_dependencies_are_right(state: State) -> None:
    for record in state.tasks.values():
        facets = [state.tasks[dep].facets if dep in state.tasks else ABSENT for dep in record.deps]
        assert record.n_missing == sum(not mask & F_DONE for mask in facets), f"{record!r}: missing"
        assert record.n_stuck == sum(bool(mask & F_STUCK) for mask in facets), f"{record!r}: stuck"
        assert record.n_barred == sum(bool(mask & F_BARRED) for mask in facets), f"{record!r}: barred"


def facets_follow_from_the_record(state: State) -> None:
    for record in state.tasks.values():
        assert record.facets == facets_of(state, record), f"{record!r}: {record.facets:b}"


def ready_queue_holds_exactly_the_ready_tasks(state: State) -> None:
    expected = {
        record.task_id
        for record in state.tasks.values()
        if record.status == PENDING
        and record.runnable
        and all(dep in state.tasks and state.tasks[dep].facets & F_DONE for dep in record.deps)
    }
    queued = []
    for group in state.ready.classes:
        live = [entry[2] for entry in group.entries() if entry[2].entry is entry]
        assert len(live) == group.live > 0, f"{group.demand!r} for {group.crew!r}: live count"
        for record in live:
            assert record.crew is group.crew, f"{record!r} queued for others"
            assert record.demand is group.demand, f"{record!r} queued with another demand"
            assert record.entry is not None
            assert record.entry[:2] == (-record.priority, record.seq), f"{record!r} in another place"
        queued += [record.task_id for record in live]
    assert sorted(queued) == sorted(expected), "ready queue"
    for record in state.tasks.values():
        assert (record.entry is not None) == bool(record.facets & F_READY), f"{record!r}: entry"


def counters_equal_recounts(state: State) -> None:
    records = list(state.tasks.values())
    of_crew: dict[WorkerSet, list[int]] = {crew: [] for crew in (*state.crews.all(), state.crews.nobody)}
    of_stake: dict[WorkerSet, list[int]] = {stake: [] for stake in state.stakes.all()}
    for record in records:
        of_crew.setdefault(record.crew, []).append(record.facets)
        of_stake.setdefault(record.stake, []).append(record.facets)
    for crew, mine in of_crew.items():
        assert crew.pending == sum(bool(mask & F_PENDING) for mask in mine), f"{crew!r}: pending"
        assert crew.countable == sum(bool(mask & F_COUNTABLE) for mask in mine), f"{crew!r}: countable"
        assert crew.retried == sum(bool(mask & F_RETRIED) for mask in mine), f"{crew!r}: retried"
        assert crew.demanding == sum(bool(mask & F_DEMANDING) for mask in mine), f"{crew!r}: demanding"
    for stake, mine in of_stake.items():
        assert stake.hopeful == sum(bool(mask & F_HOPEFUL) for mask in mine), f"{stake!r}: hopeful"
    assert state.n_hopeful == sum(bool(record.facets & F_HOPEFUL) for record in records), "hopeful"
    unserved = {record.task_id for record in records if record.facets & F_UNSERVED}
    assert {record.task_id for record in state.unserved} == unserved, "unserved"
    assert state.assistants == sum(worker.assistant for worker in state.workers.values()), "assistants"


def worker_sets_know_their_tasks(state: State) -> None:
    def check(registry: WorkerSets, of: dict[WorkerSet, list[str]]) -> None:
        sets = dict.fromkeys((*registry.all(), *of))
        for known in sets:
            if known is not registry.nobody:
                mine = of.get(known, [])
                assert known.size == len(mine), f"{known!r}: size"
                members = [record.task_id for record in registry.members(known)]
                assert sorted(members) == sorted(mine), f"{known!r}: members"
            assert known.idset == frozenset(known.ids)
            assert known.idset <= state.workers.keys(), f"{known!r}: somebody is gone"
        expected: dict[str, list[WorkerSet]] = {}
        for known in sets:
            for worker_id in known.ids:
                expected.setdefault(worker_id, []).append(known)
        for worker_id in state.workers:
            assert set(expected.get(worker_id, ())) == set(registry.of(worker_id)), f"sets of {worker_id}"

    crews: dict[WorkerSet, list[str]] = {}
    stakes: dict[WorkerSet, list[str]] = {}
    for record in state.tasks.values():
        crews.setdefault(record.crew, []).append(record.task_id)
        stakes.setdefault(record.stake, []).append(record.task_id)
        assert record.runnable or not record.crew.ids, f"{record!r}: not runnable, but with a crew"
    check(state.crews, crews)
    check(state.stakes, stakes)


def resources_add_up(state: State) -> None:
    used: Counter[str] = Counter()
    for record in state.by_status[RUNNING].values():
        for name, amount in record.runs_with().items():
            used[name] += amount  # type: ignore[assignment]  # amounts may be fractions
    for needs in state.batches.held.values():
        for name, amount in needs.items():
            used[name] += amount  # type: ignore[assignment]
    known = {name: amount for name, amount in state.resources.used.items() if amount}
    assert known == {name: amount for name, amount in used.items() if amount}, "resources in use"


def each_live_task_has_one_run(state: State) -> None:
    seen: dict[str, str] = {}
    for record in state.tasks.values():
        if record.status not in LIVE:
            assert record.run_id is None, f"{record!r}: a run id without a run"
            continue
        assert record.run_id is not None, f"{record!r}: no run id"
        assert record.worker_running in state.workers, f"{record!r}: its worker is gone"
        assert record in state.workers[record.worker_running].runs, f"{record!r}: unknown to its worker"
        if record.batch_id is None:
            assert record.run_id not in seen, f"{record!r}: run of {seen[record.run_id]}"
            seen[record.run_id] = record.task_id
    n_runs = sum(len(worker.runs) for worker in state.workers.values())
    assert n_runs == sum(len(state.by_status[status]) for status in LIVE), "runs of workers"


def batches_hold_their_members(state: State) -> None:
    for batch_id, members in state.batches.members.items():
        assert members, f"batch {batch_id} is empty"
    known = {
        (batch_id, record.task_id)
        for batch_id, members in state.batches.members.items()
        for record in members
    }
    expected = {(record.batch_id, record.task_id) for record in state.by_status[BATCH_RUNNING].values()}
    assert known == expected, "batches"
    combined = Counter(record.batch_id for record in state.by_status[RUNNING].values() if record.batch_id)
    assert state.batches.combined == combined, "combined tasks"
    held = [batch_id for batch_id in state.batches.members if batch_id not in combined]
    assert sorted(state.batches.held) == sorted(held), "batches that take their resources themselves"


def no_task_on_a_small_cycle_is_marked_wrongly(state: State) -> None:
    """A record that is marked cyclic is on a cycle; the search is bounded, so not the other way round."""
    if len(state.tasks) > CYCLE_SEARCH_MAX:
        return
    for record in state.cyclic:
        stack, seen = list(record.deps), set[str]()
        while stack:
            task_id = stack.pop()
            if task_id not in seen:
                seen.add(task_id)
                stack += state.tasks[task_id].deps if task_id in state.tasks else ()
        assert record.task_id in seen, f"{record!r}: marked as cyclic"


def deaths_that_may_be_taken_back_are_found(state: State) -> None:
    expected: dict[str, set[str]] = {}
    for record in state.tasks.values():
        trouble = record.trouble
        if trouble is not None:
            assert trouble.deaths >= len(trouble.silent), f"{record!r}: more silences than deaths"
            for worker_id, _ in trouble.silent:
                expected.setdefault(worker_id, set()).add(record.task_id)
    known = {worker_id: {record.task_id for record in records} for worker_id, records in state.silent.items()}
    assert known == expected, "records of workers that are silent"


def what_is_due_has_a_timer(state: State) -> None:
    """Whoever waits for a moment has a timer for it, or it would never come."""
    armed: dict[tuple[Kind, object], float] = {}
    for at, _, kind, target in state.timers:
        armed[kind, target] = max(at, armed.get((kind, target), at))

    def check(at: float, kind: Kind, target: TaskRecord) -> None:
        assert armed.get((kind, target), -inf) >= at, f"{target!r}: nothing happens at {at} ({kind.name})"

    for worker in state.workers.values():
        assert (Kind.SILENCE, worker) in armed, f"{worker!r}: nobody looks whether it is silent"
    for record in state.by_status[FAILED].values():
        trouble = record.trouble
        if trouble is None:
            continue
        if trouble.lost:
            assert record in state.lost, f"{record!r}: lost, and not due"
        elif trouble.retry_at is not None and record.policy.retry_delay >= 0:
            check(trouble.retry_at, Kind.RETRY, record)
    for record in state.by_status[DISABLED].values():
        if record.trouble is not None and record.trouble.disabled_at is not None:
            check(record.trouble.disabled_at + state.settings.disable_persist, Kind.ENABLE, record)
    for record in state.tasks.values():
        if record.remove_at is not None and record.status not in LIVE:
            check(record.remove_at, Kind.REMOVE, record)


def what_nobody_wants_is_let_go(state: State) -> None:
    """And what somebody wants is kept; the combined task of a batch that went ill is wanted by nobody."""
    unwanted = set(state.unwanted)
    for record in state.tasks.values():
        if record.stake.ids:
            waits = record.status == PENDING and record.runnable
            assert record.remove_at is None or not waits, f"{record!r}: wanted, and to be removed"
        elif record.status != RUNNING:
            assert record.remove_at is not None or record in unwanted, f"{record!r}: kept for nobody"


def what_is_stranded_has_failed(state: State) -> None:
    for record in state.stranded:
        assert state.has(record), f"{record!r}: stranded and gone"
        assert record.status == FAILED, f"{record!r}: stranded"


INVARIANTS = (
    indexes_hold_the_same_tasks,
    edges_are_known_at_both_ends,
    counts_of_dependencies_are_right,
    facets_follow_from_the_record,
    ready_queue_holds_exactly_the_ready_tasks,
    counters_equal_recounts,
    worker_sets_know_their_tasks,
    resources_add_up,
    each_live_task_has_one_run,
    batches_hold_their_members,
    deaths_that_may_be_taken_back_are_found,
    no_task_on_a_small_cycle_is_marked_wrongly,
    what_is_stranded_has_failed,
    what_is_due_has_a_timer,
    what_nobody_wants_is_let_go,
)
