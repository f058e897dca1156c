"""Strategies for Hypothesis: graphs of tasks, plans of faults, hostile worlds, and whole simulations.

They are made to be shrunk: a graph without one of its tasks is a graph, zero is the plainest value of
everything, and what is drawn is little. So a run of what they make takes some hundredths of a second, and
Hypothesis can afford the hundreds of runs in which it looks for the smallest one that fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from actorsched.errors import ConfigError
from actorsched.simulation.case import Case
from actorsched.simulation.faults import Fault, FaultKind
from actorsched.simulation.options import Options
from actorsched.simulation.work import Ending, Plan
from actorsched.simulation.workload import RESOURCES

#: a system in which what can happen happens soon
SMALL = Options(
    hostile_s=120.0,
    workers=2,
    slots=2,
    assistants=0,
    lease_s=10.0,
    retry_delay_s=5.0,
    disable_s=30.0,
    bound_s=60.0,
)
KINDS: tuple[FaultKind, ...] = (
    "crash",
    "partition",
    "pause",
    "kill",
    "mute",
    "deafen",
    "slow",
    "step",
    "full",
    "power",
)
assert set(KINDS) == set(get_args(FaultKind))
#: how runs end before they end well, the plainest first; a hang costs two minutes of virtual time
TROUBLES: tuple[Ending, ...] = ("fail", "die", "exit", "lie")


class _Sketch(NamedTuple):
    """A task whose needs are said by how many places they come before it, so that none is missed."""

    back: list[int]
    back_more: list[int]
    duration_s: int
    troubles: list[Ending]
    priority: int
    resource: tuple[str, int] | None
    appears_s: int | None
    stubborn: bool


def task_graphs(
    *,
    max_tasks: int = 8,
    min_tasks: int = 1,
    longest_s: int = 60,
    troubles: Sequence[Ending] = TROUBLES,
    resources: Mapping[str, int] = RESOURCES,
    dynamic: bool = True,
    external: bool = True,
    prefix: str = "t",
) -> SearchStrategy[tuple[Plan, ...]]:
    """Graphs of tasks, each after what it needs; every task ends well at last.

    Args:
        longest_s: of a run, whole seconds.
        troubles: how runs may end before that.
        resources: name → capacity of what tasks may demand.
        dynamic: tasks may find out while they run what else they need.
        external: tasks without needs may appear by themselves.
        prefix: of the names.
    """
    if not 1 <= min_tasks <= max_tasks:
        raise ConfigError(f"task_graphs: min_tasks={min_tasks}, max_tasks={max_tasks}: needs 1 <= min <= max")
    nothing: SearchStrategy[Any] = st.none()
    backs = st.lists(st.integers(1, 5), max_size=3, unique=True)
    few = st.lists(st.integers(1, 5), max_size=2, unique=True)
    demand = st.sampled_from(sorted(resources)).flatmap(
        lambda name: st.tuples(st.just(name), st.integers(1, resources[name]))
    )
    sketch = st.builds(
        _Sketch,
        back=backs,
        back_more=few if dynamic else st.just([]),
        duration_s=st.integers(1, longest_s),
        troubles=st.lists(st.sampled_from(troubles), max_size=2) if troubles else st.just([]),
        priority=st.integers(0, 3),
        resource=nothing | demand if resources else nothing,
        appears_s=nothing | st.integers(0, longest_s) if external else nothing,
        stubborn=st.booleans(),
    )
    return st.lists(sketch, min_size=min_tasks, max_size=max_tasks).map(lambda found: _plans(found, prefix))


def _plans(sketches: list[_Sketch], prefix: str) -> tuple[Plan, ...]:
    plans: list[Plan] = []
    for number, sketch in enumerate(sketches):
        deps = _names(sketch.back, number, prefix)
        appears = sketch.appears_s is not None and not deps
        more = () if appears else _names(sketch.back_more, number, prefix)
        plans.append(
            Plan(
                name=f"{prefix}{number}",
                deps=deps,
                more=tuple(name for name in more if name not in deps),
                duration_s=float(sketch.duration_s),
                endings=(*sketch.troubles, "ok"),
                priority=sketch.priority,
                resources={} if sketch.resource is None else dict([sketch.resource]),
                appears_s=float(sketch.appears_s) if appears and sketch.appears_s is not None else None,
                stubborn=sketch.stubborn,
            )
        )
    return tuple(plans)


def _names(back: list[int], number: int, prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{number - each}" for each in sorted(back) if each <= number)


def fault_plans(
    nodes: Sequence[str] = ("w1", "w2", "scheduler"),
    *,
    max_faults: int = 4,
    within_s: int = 120,
    longest_s: int = 40,
    kinds: Sequence[FaultKind] = KINDS,
) -> SearchStrategy[tuple[Fault, ...]]:
    """Plans of what goes wrong, in order of time.

    Args:
        nodes: names of what it may happen to, the plainest first.
        within_s: when the last one may begin, whole seconds.
        longest_s: how long one may last; longer than a lease, or nobody is ever given up.
    """
    fault = st.builds(
        Fault,
        at_s=st.integers(0, within_s).map(float),
        kind=st.sampled_from(kinds),
        node=st.sampled_from(nodes),
        for_s=st.integers(1, longest_s).map(float),
    )
    return st.lists(fault, max_size=max_faults).map(_in_order)


def _in_order(faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


def hostile_options(**fixed: Any) -> SearchStrategy[Options]:
    """Options of small systems: the seed and the network are drawn, the rest is as in `SMALL`.

    Args:
        fixed: options that are not drawn.

    Raises:
        ConfigError: an unknown option.
    """
    for name in fixed:
        if name not in Options.__struct_fields__:
            raise ConfigError(f"unknown option {name!r}; options: {', '.join(Options.__struct_fields__)}")
    small = {name: getattr(SMALL, name) for name in Options.__struct_fields__}
    drawn: dict[str, SearchStrategy[Any]] = {
        "seed": st.integers(0, 1000),
        "drop": st.sampled_from((0.0, 0.05, 0.2)),
        "duplicate": st.sampled_from((0.0, 0.05, 0.2)),
        "late": st.sampled_from((0.0, 0.05)),
        "delay_ms": st.sampled_from((5.0, 50.0, 500.0)),
    }
    still = {name: st.just(value) for name, value in (small | fixed).items() if name not in drawn}
    return st.builds(Options, **(drawn | still | {name: st.just(value) for name, value in fixed.items()}))


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    graphs: SearchStrategy[tuple[Plan, ...]] | None = None,
    faults: SearchStrategy[tuple[Fault, ...]] | None = None,
    options: SearchStrategy[Options] | None = None,
) -> Case:
    """Whole simulations, for `Simulation.of(case)`.

    Args:
        graphs: of tasks; `task_graphs()` when None.
        faults: `fault_plans()` of the nodes that there are when None.
        options: `hostile_options()` when None.
    """
    chosen = draw(options if options is not None else hostile_options())
    plans = draw(graphs if graphs is not None else task_graphs())
    workers = [f"w{number}" for number in range(1, chosen.workers + 1)]
    others = [f"a{number}" for number in range(1, chosen.assistants + 1)]
    names = [plan.name for plan in plans]
    needed = {need for plan in plans for need in (*plan.deps, *plan.more)}
    wanted: dict[str, dict[str, None]] = {worker: {} for worker in workers}
    for root in (name for name in names if name not in needed):
        wanted[draw(st.sampled_from(workers))][root] = None
    for worker in workers[1:]:  # and parts of the graph more than once
        wanted[worker] |= dict.fromkeys(draw(st.lists(st.sampled_from(names), max_size=2)))
    if faults is None:
        faults = fault_plans([*workers, *others, "scheduler"], within_s=int(chosen.hostile_s))
    submissions = {worker: tuple(asked) for worker, asked in wanted.items()}
    return Case(options=chosen, plans=plans, submissions=submissions, faults=draw(faults))
