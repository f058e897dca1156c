"""What can become of the tasks of a simulation, and how long that may take."""

from __future__ import annotations

from collections.abc import Mapping

from actorsched.simulation.options import Options
from actorsched.simulation.work import HANG_TIMEOUT_S, Plan

#: a program whose tasks did not all end begins again after so long, as a cron job would
AGAIN_S = 15.0


def wanted_plans(plans: Mapping[str, Plan], submissions: Mapping[str, tuple[str, ...]]) -> list[Plan]:
    """All plans that somebody wants, directly or not, and that can end."""
    stack = [name for names in submissions.values() for name in names]
    wanted: dict[str, None] = {}
    while stack:
        name = stack.pop()
        if name not in wanted:
            wanted[name] = None
            stack += (*plans[name].deps, *plans[name].more)
    return [plan for plan in plans.values() if plan.name in wanted and can_end(plans, plan.name)]


def can_end(plans: Mapping[str, Plan], name: str) -> bool:
    """Whether the task can become complete, if it is tried often enough."""
    stack, seen = [name], set[str]()
    while stack:
        plan = plans[stack.pop()]
        if not plan.can_end:
            return False
        seen.add(plan.name)
        stack += [dep for dep in (*plan.deps, *plan.more) if dep not in seen]
    return True


def bound_s(options: Options, plans: Mapping[str, Plan], now_s: float) -> float:
    """How long everything may take from now on, if one thing had to be done after the other."""
    total_s = sum(_longest_s(options, plan) for plan in plans.values())
    return options.bound_s + total_s + _late_s(plans, now_s)


def still_s(options: Options, plans: Mapping[str, Plan], now_s: float) -> float:
    """When no run begins or ends for so long, and no output is made, nothing will ever happen."""
    longest_s = max((_longest_s(options, plan) for plan in plans.values()), default=0.0)
    return options.bound_s + longest_s + _late_s(plans, now_s)


def _late_s(plans: Mapping[str, Plan], now_s: float) -> float:
    """How long it takes until the last thing has appeared that somebody else makes."""
    late = [plan.appears_s - now_s for plan in plans.values() if plan.appears_s is not None]
    return max(0.0, 0.0, *late)


def _longest_s(options: Options, plan: Plan) -> float:
    """How long a task takes, with all troubles that it makes by itself."""
    once_s = plan.duration_s + options.retry_delay_s + 2 * AGAIN_S
    hanging_s = HANG_TIMEOUT_S * plan.endings.count("hang")
    disabled = 1 + (len(plan.endings) if plan.retry_count is not None or "ruin" in plan.endings else 0)
    return disabled * options.disable_s + once_s * (len(plan.endings) + 1) + hanging_s
