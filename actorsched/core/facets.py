"""Everything that follows from the state of a task, in one bit mask, kept up to date by difference.

A record's facets say what is accounted for it at present: whether it is in the ready queue, in which
counters it takes part, and what it is to the tasks that wait for it. `settle` computes the facets anew
from the record alone, compares, and applies the difference; three of the facets are what dependents
count, and a change of these spreads downstream, step by step, only where a counter leaves or reaches
zero. So no reply ever counts tasks or walks a graph, and each change costs what it changes.

    DONE     dependents need not wait for it
    STUCK    it cannot become DONE by itself: FAILED, DISABLED, UNKNOWN, or PENDING and nobody can run it,
             it needs more than there is, it is on a dependency cycle, or a dependency is missing or stuck
    BARRED   DISABLED, or PENDING behind one that is

A dependency that has no record counts as one that is not DONE and STUCK; a new record starts from just
that, so that it can appear and vanish without a visit to its dependents.

All waves are monotone (one event turns a facet on downstream, or off, never both), so they end on
cycles too. On a cycle a count can keep itself alive, though: what stays BARRED when one of its reasons
has gone is suspected, and `lift` looks whether there is another reason than the cycle. STUCK needs no
such look, for a cycle is stuck.

A cycle that is closed through a task that was not registered before is stuck by this alone: the
placeholder was stuck, so are those that wait for it, and nothing ever frees them. The other way to close
one is looked for where edges are added (edges.py).

What was turned down: upstream status by walking up at each request (Luigi; the cost of a request grows
with the graph), and one flag per upstream status (views can compute these, requests do not need them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.record import TaskRecord
from actorsched.core.statuses import BATCH_RUNNING, DISABLED, DONE, FAILED, PENDING, RUNNING, UNKNOWN

if TYPE_CHECKING:
    from actorsched.core.state import State

F_DONE = 1
F_STUCK = 2
F_BARRED = 4
#: in the ready queue: PENDING, runnable, all dependencies DONE
F_READY = 8
F_PENDING = 16
#: counts as pending for the workers of its crew: FAILED, or PENDING and not barred
F_COUNTABLE = 32
#: PENDING and in need of resources
F_DEMANDING = 64
#: can still become DONE without retry delay or a human: neither DONE nor stuck
F_HOPEFUL = 128
#: would be worked on if there were an assistant: runnable, and its crew is gone
F_UNSERVED = 256
#: FAILED, and tried again when its delay is over
F_RETRIED = 512

F_SPREADING = F_DONE | F_STUCK | F_BARRED
F_CREW = F_PENDING | F_COUNTABLE | F_DEMANDING | F_RETRIED

#: the facets of what does not exist
ABSENT = F_STUCK

#: to find out what bars a suspect, so many edges are looked at, at most; then it stays barred. Outside of
#: cycles the first way upstream ends at something that is disabled.
LIFT_SEARCH_MAX = 1_000

_FIXED = {
    DONE: F_DONE,
    RUNNING: F_HOPEFUL,
    BATCH_RUNNING: F_HOPEFUL,
    DISABLED: F_STUCK | F_BARRED,
    UNKNOWN: F_STUCK,
}


def facets_of(state: State, record: TaskRecord) -> int:
    """The facets that follow from the record and its counters of dependencies."""
    status = record.status
    if status == PENDING:
        mask = F_PENDING | F_BARRED if record.n_barred else F_PENDING | F_COUNTABLE
        if record.demand.needs:
            mask |= F_DEMANDING
        if not record.n_missing and record.runnable:
            mask |= F_READY
    elif status == FAILED:
        if record.trouble is None or not record.trouble.lost:
            retried = F_RETRIED if record.policy.retry_delay >= 0 else 0
            return F_STUCK | F_COUNTABLE | retried
        mask = F_COUNTABLE
    else:
        return _FIXED[status]
    served = bool(record.crew.ids)
    if not served and record.runnable:
        mask |= F_UNSERVED
        served = state.assistants > 0
    if not served or record.n_stuck or record.demand.impossible or (state.cyclic and record in state.cyclic):
        return mask | F_STUCK
    return mask | F_HOPEFUL


def settle(state: State, record: TaskRecord) -> None:
    """Account for whatever changed in the record, and downstream of it."""
    old = record.facets
    new = facets_of(state, record)
    if old != new:
        account(state, record, new)
        if (old ^ new) & F_SPREADING and record.dependents is not None:
            spread(state, record, old, new)
        if old & new & F_BARRED and not old & F_PENDING:
            state.suspects.append(record)  # it was disabled itself, and is behind something barred now
    if state.suspects:
        lift(state)


def account(state: State, record: TaskRecord, new: int) -> None:
    """Bring counters and queue from the present facets to the new ones."""
    diff = record.facets ^ new
    record.facets = new
    if diff & F_READY:
        if new & F_READY:
            entry = state.ready.push(record)
            if record.batchable and state.batches.families:
                state.batches.push(record, entry)
        else:
            state.ready.discard(record)
    if diff & F_CREW:
        crew = record.crew
        if diff & F_PENDING:
            crew.pending += 1 if new & F_PENDING else -1
        if diff & F_COUNTABLE:
            crew.countable += 1 if new & F_COUNTABLE else -1
        if diff & F_DEMANDING:
            crew.demanding += 1 if new & F_DEMANDING else -1
        if diff & F_RETRIED:
            crew.retried += 1 if new & F_RETRIED else -1
    if diff & F_HOPEFUL:
        change = 1 if new & F_HOPEFUL else -1
        record.stake.hopeful += change
        state.n_hopeful += change
        if change < 0 and not (record.stake.hopeful and state.n_hopeful):
            state.despaired = True
    if diff & F_UNSERVED:
        if new & F_UNSERVED:
            state.unserved[record] = None
        else:
            del state.unserved[record]


def requeue(state: State, record: TaskRecord) -> None:
    """Give a ready record a new place: its priority, or what its class depends on, has changed."""
    entry = state.ready.push(record)
    if record.batchable and state.batches.families:
        state.batches.push(record, entry)


def spread(state: State, record: TaskRecord, old: int, new: int) -> None:
    """Tell the dependents, and theirs, what the record has become to them."""
    waves = [(record, old, new)]
    while waves:
        record, old, new = waves.pop()
        done = (new & F_DONE) - (old & F_DONE)
        stuck = ((new & F_STUCK) - (old & F_STUCK)) // F_STUCK
        barred = ((new & F_BARRED) - (old & F_BARRED)) // F_BARRED
        for dependent in record.iter_dependents():
            crossed = False
            if done:
                before = dependent.n_missing
                dependent.n_missing = after = before - done
                crossed = not before or not after
            if stuck:
                before = dependent.n_stuck
                dependent.n_stuck = after = before + stuck
                crossed = crossed or not before or not after
            if barred:
                before = dependent.n_barred
                dependent.n_barred = after = before + barred
                crossed = crossed or not before or not after
                if barred < 0 and after:
                    state.suspects.append(dependent)
            if crossed:
                was = dependent.facets
                now = facets_of(state, dependent)
                if was != now:
                    account(state, dependent, now)
                    if (was ^ now) & F_SPREADING and dependent.dependents is not None:
                        waves.append((dependent, was, now))


def lift(state: State) -> None:
    """Free suspects that only a cycle keeps BARRED."""
    barred_for_a_reason: set[TaskRecord] = set()
    while state.suspects:
        suspect = state.suspects.pop()
        if not (suspect.facets & F_BARRED and suspect.facets & F_PENDING) or suspect in barred_for_a_reason:
            continue
        alone = _barred_by_nothing(state, suspect)
        if not alone:
            barred_for_a_reason.add(suspect)
        for record in alone:
            old = record.facets
            if old & F_BARRED:
                new = old & ~F_BARRED | F_COUNTABLE
                account(state, record, new)
                if record.dependents is not None:
                    spread(state, record, old, new)


def _barred_by_nothing(state: State, suspect: TaskRecord) -> list[TaskRecord]:
    """The suspect and all that it waits for and that is barred, when nothing of it is disabled."""
    found: dict[TaskRecord, None] = {suspect: None}
    stack = [suspect]
    n_edges = 0
    while stack:
        for dep in stack.pop().deps:
            n_edges += 1
            if n_edges > LIFT_SEARCH_MAX:
                return []
            upstream = state.tasks.get(dep)
            if upstream is not None and upstream.facets & F_BARRED and upstream not in found:
                if not upstream.facets & F_PENDING:
                    return []
                found[upstream] = None
                stack.append(upstream)
    return list(found)
