"""Dependencies: who waits for whom, in both directions, also for tasks that nobody registered yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import TYPE_CHECKING

from actorsched.core.facets import ABSENT, F_BARRED, F_DONE, F_STUCK, settle
from actorsched.core.record import TUPLE_DEPS_MAX, TaskRecord

if TYPE_CHECKING:
    from actorsched.core.state import State

#: how many edges are looked at for a cycle, at most, upstream of a new dependency and downstream of what got
#: it. It is looked for only when a task that could run until now gets new dependencies, so in practice when
#: a run yields some; with more than this on both sides the question stays open and the task counts as not
#: stuck. 1,000 visits take below a millisecond.
CYCLE_SEARCH_MAX = 1_000


def set_deps(state: State, record: TaskRecord, wanted: Collection[str]) -> None:
    """Replace the dependencies. The caller settles the record."""
    known = record.deps
    if len(known) == len(wanted) and all(dep in known for dep in wanted) and len(set(wanted)) == len(known):
        return
    unique = dict.fromkeys(wanted)
    gone = [dep for dep in known if dep not in unique]
    reasons = record.n_barred
    for dep in gone:
        _disconnect(state, record, dep)
    lost_one = record.n_barred < reasons
    new = [dep for dep in unique if dep not in known] if known else list(unique)
    record.deps = _packed(state, unique)
    state.touch_definition(record)
    for dep in new:
        _connect(state, record, dep)
    if lost_one and record.n_barred:
        state.suspects.append(record)  # what is left may be barred by nothing but the record itself
    if gone and state.cyclic:
        look_again(state)
    if new:
        _look_for_cycle(state, record, new)


def add_deps(state: State, record: TaskRecord, wanted: Iterable[str]) -> None:
    """Add dependencies. The caller settles the record."""
    known = record.deps
    new = [dep for dep in dict.fromkeys(wanted) if dep not in known]
    if not new:
        return
    if isinstance(known, dict):
        known.update(dict.fromkeys(new))
    else:
        record.deps = _packed(state, dict.fromkeys((*known, *new)))
    state.touch_definition(record)
    for dep in new:
        _connect(state, record, dep)
    _look_for_cycle(state, record, new)


def cut_off(state: State, record: TaskRecord) -> None:
    """The record is about to go: it hears nothing more from its dependencies, itself included.

    Its going spreads downstream, and on a cycle that would come back to it.
    """
    for dep in record.deps:
        _disconnect(state, record, dep)


def detach(state: State, record: TaskRecord) -> None:
    """The record goes. Those that wait for it go on waiting; it must be settled as ABSENT by now."""
    state.cyclic.pop(record, None)
    if record.dependents is not None:
        state.awaited[record.task_id] = dict.fromkeys(record.iter_dependents())


def attach(state: State, record: TaskRecord) -> None:
    """The record is new. Those that waited for it know its facets already: ABSENT."""
    waiting = state.awaited.pop(record.task_id, None)
    if waiting is not None:
        record.dependents = waiting if len(waiting) > 1 else next(iter(waiting))


def link(state: State, record: TaskRecord) -> None:
    """Make the edges of a record that was just read; it and all others count as ABSENT."""
    record.deps = _packed(state, dict.fromkeys(record.deps))
    for dep in record.deps:
        _connect(state, record, dep)


def _packed(state: State, deps: dict[str, None]) -> tuple[str, ...] | dict[str, None]:
    """The smaller container, with the strings that the records hold already."""
    if len(deps) > TUPLE_DEPS_MAX:
        return deps
    tasks = state.tasks
    return tuple([tasks[dep].task_id if dep in tasks else dep for dep in deps])


def _connect(state: State, record: TaskRecord, dep: str) -> None:
    upstream = state.tasks.get(dep)
    if upstream is None:
        facets = ABSENT
        state.awaited.setdefault(dep, {})[record] = None
    else:
        facets = upstream.facets
        upstream.add_dependent(record)
    if not facets & F_DONE:
        record.n_missing += 1
    if facets & F_STUCK:
        record.n_stuck += 1
    if facets & F_BARRED:
        record.n_barred += 1


def _disconnect(state: State, record: TaskRecord, dep: str) -> None:
    upstream = state.tasks.get(dep)
    if upstream is None:
        facets = ABSENT
        waiting = state.awaited[dep]
        del waiting[record]
        if not waiting:
            del state.awaited[dep]
    else:
        facets = upstream.facets
        upstream.drop_dependent(record)
    if not facets & F_DONE:
        record.n_missing -= 1
    if facets & F_STUCK:
        record.n_stuck -= 1
    if facets & F_BARRED:
        record.n_barred -= 1


def _look_for_cycle(state: State, record: TaskRecord, new: list[str]) -> None:
    """Mark the record when it can be reached from its new dependencies.

    Only when it was not stuck until now and somebody waits for it: otherwise either the facets know it
    already (facets.py says why) or no way leads to it.
    """
    if record.facets & F_STUCK or record.dependents is None or record in state.cyclic:
        return
    if _reaches(state, new, record):
        state.cyclic[record] = None
        state.touch_definition(record)


def look_again(state: State) -> None:
    """An edge has gone: perhaps some cycle with it."""
    for record in list(state.cyclic):
        if not _reaches(state, list(record.deps), record):
            del state.cyclic[record]
            state.touch_definition(record)
            settle(state, record)


def _reaches(state: State, start: list[str], target: TaskRecord) -> bool:
    """Whether a way leads upstream from `start` to the target, through nothing that is DONE.

    It is looked for from both ends, step by step where less was looked at so far: what asks has often few
    dependents or few dependencies, and where one end leads no further, the answer is no.
    """
    tasks = state.tasks
    upper = [tasks[dep] for dep in start if dep in tasks]
    lower = [target]
    above, below = set(upper), {target}
    if target in above:
        return True
    n_above = n_below = 0
    while upper and lower and (n_above < CYCLE_SEARCH_MAX or n_below < CYCLE_SEARCH_MAX):
        goes_up = n_above <= n_below
        if goes_up:
            near, far, record = above, below, upper.pop()
            deps = () if record.facets & F_DONE else islice(record.deps, CYCLE_SEARCH_MAX)
            found = [tasks[dep] for dep in deps if dep in tasks]
            n_above += 1 + len(found)
        else:
            near, far, record = below, above, lower.pop()
            waiting = islice(record.iter_dependents(), CYCLE_SEARCH_MAX)
            found = [known for known in waiting if not known.facets & F_DONE]
            n_below += 1 + len(found)
        for known in found:
            if known in far:
                return True
            if known not in near:
                near.add(known)
                (upper if goes_up else lower).append(known)
    return False
