"""Random graphs of tasks, and who wants what of them."""

from __future__ import annotations

import random

import msgspec

from actorsched.simulation.options import FIRST_BATCHES_WITH_RESOURCES, Options
from actorsched.simulation.work import Ending, Plan

#: resources of the scheduler: one that serialises, one that is scarce, one that is plentiful
RESOURCES = {"licence": 1, "disk": 2, "memory": 8}


def draw_plans(options: Options) -> list[Plan]:
    """Draw the tasks of a simulation, dependencies before those that need them."""
    die = random.Random(f"plans {options.seed}")
    names = [f"t{number:03d}" for number in range(options.tasks)]
    graph = _graph(die, options.shape, names)
    plans = []
    for number, name in enumerate(names):
        deps = graph[name]
        external = not deps and die.random() < options.external
        more: tuple[str, ...] = ()
        if number and not external and die.random() < options.dynamic:
            more = tuple(sorted(set(die.choices(names[:number], k=die.randint(1, 2))) - set(deps)))
        plans.append(
            Plan(
                name=name,
                deps=deps,
                more=more,
                duration_s=round(min(options.duration_s, die.expovariate(4 / options.duration_s)), 3),
                priority=die.randint(0, 5) if die.random() < options.prioritised else 0,
                resources=_resources(die) if die.random() < options.demanding else {},
                endings=_endings(die, options),
                appears_s=round(die.uniform(0, options.hostile_s), 1) if external else None,
                stubborn=die.random() < 0.1,
                gives_back=die.random() < 0.2,
            )
        )
    if options.batched:
        plans = _batched(options, plans)
    return _disabled(options, plans) if options.deadly or options.limited else plans


def _disabled(options: Options, plans: list[Plan]) -> list[Plan]:
    """Let some be disabled for a while, as they take machines down or fail; from a stream of its own, too."""
    die = random.Random(f"disabled {options.seed}")
    drawn = []
    for plan in plans:
        changed = plan
        if die.random() < options.deadly and plan.appears_s is None and not plan.batched:
            ruins: list[Ending] = ["ruin"] * die.randint(1, 4)
            troubles = [*ruins, *plan.endings[:-1]]
            die.shuffle(troubles)
            changed = msgspec.structs.replace(changed, endings=(*troubles, plan.endings[-1]))
        if die.random() < options.limited and not plan.batched:
            changed = msgspec.structs.replace(changed, retry_count=die.randint(1, 2))
        drawn.append(changed)
    return drawn


def _batched(options: Options, plans: list[Plan]) -> list[Plan]:
    """Let some run in batches; drawn from a stream of its own, so that all else stays as it was."""
    die = random.Random(f"batches {options.seed}")
    drawn = []
    for plan in plans:
        may = not plan.more and plan.appears_s is None
        if plan.resources and options.seed < FIRST_BATCHES_WITH_RESOURCES:
            may = False
        drawn.append(
            msgspec.structs.replace(plan, batched=True) if may and die.random() < options.batched else plan
        )
    return drawn


def draw_submissions(options: Options, plans: list[Plan]) -> dict[str, tuple[str, ...]]:
    """Draw what each worker asks for: together everything, and parts of it more than once."""
    die = random.Random(f"submissions {options.seed}")
    needed = {dep for plan in plans for dep in (*plan.deps, *plan.more)}
    roots = [plan.name for plan in plans if plan.name not in needed]
    wanted: dict[str, list[str]] = {f"w{number}": [] for number in range(1, options.workers + 1)}
    workers = list(wanted)
    for root in roots:
        wanted[die.choice(workers)].append(root)
    for worker in workers:
        if not wanted[worker] or die.random() < 0.5:
            wanted[worker].append(die.choice(plans).name)
    return {worker: tuple(dict.fromkeys(names)) for worker, names in wanted.items()}


def _graph(die: random.Random, shape: str, names: list[str]) -> dict[str, tuple[str, ...]]:
    """Name → what it needs, by shape."""
    graph: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    width = max(2, round(len(names) ** 0.5))
    for number, name in enumerate(names[1:], 1):
        match shape:
            case "chain":
                deps = names[number - 1 : number]
            case "fan":
                deps = names[: len(names) - 1] if number == len(names) - 1 else []
            case "diamonds":
                place = number % 4
                deps = {0: [names[number - 1]], 3: names[number - 2 : number]}.get(
                    place, [names[number - place]]
                )
            case "layers":
                layer = number // width
                before = names[max(0, (layer - 1) * width) : layer * width]
                deps = [dep for dep in before if die.random() < 0.6]
            case _:
                deps = die.sample(names[:number], k=min(number, die.choice((0, 0, 1, 1, 2, 4))))
        graph[name] = tuple(sorted(deps))
    return graph


def _resources(die: random.Random) -> dict[str, int]:
    name = die.choice(tuple(RESOURCES))
    return {name: die.randint(1, RESOURCES[name])}


def _endings(die: random.Random, options: Options) -> tuple[Ending, ...]:
    """Troubles first, then well: whatever can be tried again ends well at last."""
    endings: list[Ending] = []
    if die.random() < options.failing:
        endings += die.choices(("fail", "exit", "lie"), k=die.randint(1, 3))
    if die.random() < options.dying:
        endings += ["die"] * die.randint(1, 2)
    if die.random() < options.hanging:
        endings.append("hang")
    die.shuffle(endings)
    return (*endings, "ok")
