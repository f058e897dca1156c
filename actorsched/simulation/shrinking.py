"""Making a case that fails smaller: fewer faults and tasks, and plainer ones, with the same finding.

Each candidate is played; the one that still fails is kept. Whole halves are tried first, then smaller
parts, then each thing by itself, so most of a large case goes within a few dozen plays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from actorsched.simulation.case import Case
from actorsched.simulation.knobs import knobs_of
from actorsched.simulation.options import MACHINES, NETWORK, Options
from actorsched.simulation.work import Plan

T = TypeVar("T")

#: knobs that make a world worse, and that are nothing when they are left out
WEATHER = (
    *(each.name for each in knobs_of(Options) if each.section in (NETWORK, MACHINES) and each.default == 0),
    "cancels",
    "assistants",
    "strangers",
)
#: fields of a plan that may go back to their defaults
PLAIN = (
    "priority",
    "resources",
    "endings",
    "appears_s",
    "stubborn",
    "gives_back",
    "retry_count",
    "timeout_s",
)


def shrink(case: Case, fails: Callable[[Case], bool], may_go_on: Callable[[], bool] = lambda: True) -> Case:
    """Return the smallest case found that still fails.

    Args:
        case: one that fails, with its plans, submissions and faults.
        fails: plays a case; whether it fails in the same way.
        may_go_on: false when the time is up.
    """
    best, before = case, None
    while before != best and may_go_on():
        before = best
        for candidates in (_with_fewer_faults, _with_fewer_tasks, _with_fewer_wishes, _plainer):
            best = _least(best, candidates, fails, may_go_on)
    return best


def _least(
    case: Case,
    candidates: Callable[[Case], Iterator[Case]],
    fails: Callable[[Case], bool],
    may_go_on: Callable[[], bool],
) -> Case:
    found = True
    while found and may_go_on():
        found = False
        for candidate in candidates(case):
            if not may_go_on():
                break
            if candidate != case and fails(candidate):
                case, found = candidate, True
                break
    return case


def _parts_left_out(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """What is left when a half, a quarter, … one of them is left out."""
    size = (len(items) + 1) // 2
    while size:
        for first in range(0, len(items), size):
            yield (*items[:first], *items[first + size :])
        size = size // 2


def _with_fewer_faults(case: Case) -> Iterator[Case]:
    for faults in _parts_left_out(case.faults or ()):
        yield msgspec.structs.replace(case, faults=faults)


def _with_fewer_tasks(case: Case) -> Iterator[Case]:
    for plans in _parts_left_out(case.plans or ()):
        kept = {plan.name for plan in plans}

        def left(names: Sequence[str], kept: set[str] = kept) -> tuple[str, ...]:
            return tuple(name for name in names if name in kept)

        wanted = {node: left(names) for node, names in (case.submissions or {}).items()}
        submissions = {node: names for node, names in wanted.items() if names}
        if submissions:
            mended = tuple(
                msgspec.structs.replace(plan, deps=left(plan.deps), more=left(plan.more)) for plan in plans
            )
            yield msgspec.structs.replace(case, plans=mended, submissions=submissions)


def _with_fewer_wishes(case: Case) -> Iterator[Case]:
    submissions = case.submissions or {}
    for node, names in submissions.items():
        for fewer in _parts_left_out(names):
            wanted = {who: what for who, what in (submissions | {node: fewer}).items() if what}
            if wanted:
                yield msgspec.structs.replace(case, submissions=wanted)
    for plan in case.plans or ():
        for field in ("deps", "more"):
            for needs in _parts_left_out(getattr(plan, field)):
                yield _with_plan(case, plan, msgspec.structs.replace(plan, **{field: needs}))


def _plainer(case: Case) -> Iterator[Case]:
    plain = Options()
    for name in WEATHER:
        value = getattr(plain, name) if name != "assistants" else 0
        options = msgspec.structs.replace(case.options, **{name: value})
        yield msgspec.structs.replace(case, options=options)
    for plan in case.plans or ():
        for field in PLAIN:
            yield _with_plan(case, plan, msgspec.structs.replace(plan, **{field: _default(field)}))


def _default(field: str) -> object:
    return getattr(Plan(name=""), field)


def _with_plan(case: Case, old: Plan, new: Plan) -> Case:
    plans = tuple(new if plan is old else plan for plan in case.plans or ())
    return msgspec.structs.replace(case, plans=plans)
