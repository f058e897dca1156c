"""Tasks whose behaviour is written down: what the workload of a simulation is made of.

A `Plan` says what a task needs, how long it takes and how each of its runs ends. `Work` is an ordinary
task that behaves by its plan, found by its name in the `World`: so it is discovered, registered, sent to
a child and run like any other.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Literal, TypeAlias

import msgspec

from actorsched.errors import ConfigError
from actorsched.simulation.children import current_child
from actorsched.simulation.hub import active_hub, sleep
from actorsched.simulation.world import World
from actorsched.tasks import Task, param

#: how one run ends: with the output; with an exception; by `sys.exit`; by SIGKILL; never by itself;
#: without an exception and without the output; with its whole machine, for some seconds (when all is healed,
#: as by SIGKILL)
Ending: TypeAlias = Literal["ok", "fail", "exit", "die", "hang", "lie", "ruin"]

#: a run that hangs is ended so long after its time, where the plan has no other limit
HANG_TIMEOUT_S = 120.0


#: tasks in one batch, at most
BATCH_MAX = 3


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True):
    """How a task behaves.

    Attributes:
        deps: names of what it requires.
        more: names of what it requires while it runs.
        duration_s: of each run.
        endings: of its runs, in order; the last one holds for all that follow.
        appears_s: it is external, and its output appears at this time.
        stubborn: its process takes no notice of SIGTERM.
        gives_back: after half of its time it gives back half of its resources; all, when that is one.
        batched: it may run in one batch with others of this kind, for as long as the longest of them.
        retry_count: failures that disable it.
    """

    name: str
    deps: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    duration_s: float = 1.0
    priority: int = 0
    resources: dict[str, int] = {}
    endings: tuple[Ending, ...] = ("ok",)
    appears_s: float | None = None
    stubborn: bool = False
    gives_back: bool = False
    batched: bool = False
    retry_count: int | None = None
    timeout_s: float | None = None

    @property
    def can_end(self) -> bool:
        """Whether one of its runs ends well, if it is tried often enough."""
        return self.appears_s is not None or self.endings[-1] == "ok"

    def ending_of(self, number: int) -> Ending:
        """How its run of this number ends, from 1."""
        return self.endings[min(number, len(self.endings)) - 1]


def world() -> World:
    """The world of the simulation that is under way."""
    found: World = active_hub().world
    return found


def work(name: str) -> Work:
    """The task of this name.

    Raises:
        ConfigError: no plan has the name.
    """
    plan = world().plans.get(name)
    if plan is None:
        raise ConfigError(f"no plan is called {name!r}; plans: {', '.join(list(world().plans)[:10])}, …")
    if plan.appears_s is not None:
        return AwaitedWork(name=name)
    if plan.more:
        return GrowingWork(name=name)
    return BatchedWork(name=name) if plan.batched else Work(name=name)


class Work(Task):
    """Behaves by its plan."""

    name: str

    @property
    def plan(self) -> Plan:
        found: Plan = world().plans[self.name]
        return found

    @property
    def priority(self) -> int:
        return self.plan.priority

    @property
    def resources(self) -> Mapping[str, int]:
        return self.plan.resources

    @property
    def retry_count(self) -> int | None:
        return self.plan.retry_count

    @property
    def worker_timeout(self) -> float | None:
        if self.plan.timeout_s is None and "hang" in self.plan.endings:
            return HANG_TIMEOUT_S + self.plan.duration_s
        return self.plan.timeout_s

    def requires(self) -> Any:
        return [work(name) for name in self.plan.deps]

    def complete(self) -> bool:
        return world().has(self.name)

    def run(self) -> Any:
        self._perform()

    def _perform(self) -> None:
        plan, child = self.plan, current_child()
        assert child.job is not None
        child.stubborn = plan.stubborn
        with world().running(plan, child) as attempt:
            if plan.gives_back and plan.resources:
                sleep(plan.duration_s / 2)
                given = {name: (amount + 1) // 2 for name, amount in plan.resources.items()}
                self.decrease_running_resources(given)
                attempt.holds = {name: amount - given[name] for name, amount in plan.resources.items()}
                sleep(plan.duration_s / 2)
            else:
                sleep(plan.duration_s)
            attempt.ending = plan.ending_of(attempt.number)
            self._end(attempt.ending)

    def _end(self, ending: Ending) -> None:
        match ending:
            case "ok":
                self._put()
            case "fail":
                raise RuntimeError(f"{self.name} was told to fail")
            case "exit":
                raise SystemExit(3)
            case "die":
                current_child().end(-signal.SIGKILL)
            case "hang":
                while True:
                    sleep(3600)
            case "lie":
                return
            case "ruin":
                world().ruin(current_child())
                sleep(3600)

    def _put(self) -> None:
        world().put(self.name)


class GrowingWork(Work):
    """Finds out while it runs what else it needs."""

    def run(self) -> Any:
        yield [work(name) for name in self.plan.more]
        self._perform()


class BatchedWork(Work):
    """May run together with others; then it ends well if all of them do."""

    name: str = param(batch=",".join)

    max_batch_size = BATCH_MAX

    @property
    def parts(self) -> list[Plan]:
        return [world().plans[name] for name in self.name.split(",")]

    @property
    def plan(self) -> Plan:
        parts = self.parts
        if len(parts) == 1:
            return parts[0]
        return Plan(
            name=self.name,
            deps=tuple(dict.fromkeys(dep for part in parts for dep in part.deps)),
            duration_s=max(part.duration_s for part in parts),
            priority=max(part.priority for part in parts),
            resources=parts[0].resources,
            endings=tuple(ending for part in parts for ending in part.endings),
            stubborn=any(part.stubborn for part in parts),
        )

    def complete(self) -> bool:
        return all(world().has(part.name) for part in self.parts)

    def _perform(self) -> None:
        plan, child = self.plan, current_child()
        child.stubborn = plan.stubborn
        with ExitStack() as stack:
            attempts = [
                stack.enter_context(
                    world().running(part, child, BatchedWork(name=part.name).task_id, holds=not number)
                )
                for number, part in enumerate(self.parts)
            ]
            sleep(plan.duration_s)
            endings = [
                part.ending_of(attempt.number) for part, attempt in zip(self.parts, attempts, strict=True)
            ]
            ending: Ending = next((each for each in endings if each != "ok"), "ok")
            for attempt in attempts:
                attempt.ending = ending
            self._end(ending)

    def _put(self) -> None:
        for part in self.parts:
            world().put(part.name)


class AwaitedWork(Work):
    """Somebody else makes its output."""

    run = None  # type: ignore[assignment]  # Luigi's way to say that somebody else makes it
