"""A pipeline of the user as plans: its graph, priorities and resources, and nothing that it does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorsched.config import WorkerSettings
from actorsched.errors import ConfigError
from actorsched.simulation.work import Ending, Plan
from actorsched.tasks.discovery import Discovered, discover


def plans_of(*tasks: Any, duration_s: float = 10.0, endings: Iterable[Ending] = ("ok",)) -> tuple[Plan, ...]:
    """Plans of these tasks and all that they need, each after what it needs; native tasks and Luigi's.

    They are asked what they require, and neither run nor asked whether they are done. What is external is
    there from the beginning. Batches, and what tasks find out while they run, are left out.

    Args:
        duration_s: of each run.
        endings: of the runs of each task, in order, as in `Plan`.

    Raises:
        ConfigError: a task cannot say what it needs, or needs itself.
        TaskDefinitionError: something is no task.
    """
    found: dict[str, Discovered] = {}
    for each in discover(tasks, settings=WorkerSettings(), seen=set(), completeness=lambda task: False):
        if each.kind == "failed":
            cause = each.error.strip().rpartition("\n")[2]
            raise ConfigError(f"{each.registration.name} makes no plan: {cause}")
        found[each.registration.task_id] = each
    ordered: dict[str, Plan] = {}
    stack = list(reversed(found))
    while stack:
        task_id = stack[-1]
        needs = found[task_id].registration.deps or ()
        missing = [need for need in needs if need not in ordered]
        if task_id in ordered or not missing:
            stack.pop()
            ordered.setdefault(task_id, _plan(found[task_id], duration_s, tuple(endings)))
        else:
            stack += missing
    return tuple(ordered.values())


def _plan(found: Discovered, duration_s: float, endings: tuple[Ending, ...]) -> Plan:
    said = found.registration
    count = said.retry_policy_dict.get("retry_count")
    return Plan(
        name=said.task_id.replace(",", "."),
        deps=tuple(need.replace(",", ".") for need in said.deps or ()),
        duration_s=duration_s,
        priority=int(said.priority),
        resources=dict(said.resources),
        endings=endings,
        retry_count=None if count is None else int(count),
        appears_s=0.0 if found.kind == "external" else None,
    )
