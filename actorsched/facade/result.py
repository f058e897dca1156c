"""What came of a run: status, counts, the tasks by outcome, and the same in words.

The names of the status are those of Luigi's status codes. What is success is decided by the tasks
that were asked for: all of them are complete, or it is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from actorsched.actors.ledger import Entry, Fate

#: where nothing better is known
GIVEN_TO_NOBODY = "it did not come to its turn before the run ended"
#: of each outcome so many tasks are named in the summary
NAMED = 5


class RunStatus(Enum):
    """How a run came out; the value is a sentence."""

    SUCCESS = "everything that was asked for is complete"
    SUCCESS_WITH_RETRY = "everything that was asked for is complete; some tasks failed at first"
    FAILED = "some tasks failed"
    FAILED_AND_SCHEDULING_FAILED = "some tasks failed, others could not be scheduled"
    SCHEDULING_FAILED = "some tasks could not be scheduled"
    NOT_RUN = "some tasks were not run"
    MISSING_EXT = "external data is missing"


#: documented in docs/exit-codes.md; the numbers that Luigi recommends
EXIT_CODES = {
    RunStatus.SUCCESS: 0,
    RunStatus.SUCCESS_WITH_RETRY: 0,
    RunStatus.MISSING_EXT: 20,
    RunStatus.NOT_RUN: 25,
    RunStatus.FAILED: 30,
    RunStatus.FAILED_AND_SCHEDULING_FAILED: 30,
    RunStatus.SCHEDULING_FAILED: 35,
}


class TaskOutcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One task: `cause` is one line, `detail` the whole story (a traceback as a rule)."""

    task_id: str
    name: str
    family: str
    cause: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a run; true in a condition when everything that was asked for is complete.

    Attributes:
        status: how it came out.
        tasks: outcome → tasks, in order of discovery. Outcomes: "ran", "already_complete", "run_by_others",
            "failed", "scheduling_failed", "missing_external", "not_run".
        elapsed_s: from the first discovery to the end, seconds.
    """

    status: RunStatus
    tasks: Mapping[str, list[TaskOutcome]] = field(default_factory=dict)
    elapsed_s: float = 0.0

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0

    def __bool__(self) -> bool:
        return self.succeeded

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status]

    @property
    def counts(self) -> dict[str, int]:
        """Outcome → number of tasks; every outcome is there."""
        return {fate.value: len(self.tasks.get(fate.value, ())) for fate in Fate}

    @property
    def summary_text(self) -> str:
        """The summary for people."""
        return "\n".join(_summary(self))

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-shaped data."""
        return {
            "status": self.status.name,
            "succeeded": self.succeeded,
            "exit_code": self.exit_code,
            "elapsed_s": round(self.elapsed_s, 3),
            "counts": self.counts,
            "tasks": {
                outcome: [
                    {"task_id": task.task_id, "name": task.name, "family": task.family}
                    | ({"cause": task.cause} if task.cause else {})
                    | ({"detail": task.detail} if task.detail else {})
                    for task in tasks
                ]
                for outcome, tasks in self.tasks.items()
                if tasks
            },
        }


def judge(entries: Iterable[Entry], *, complete: bool) -> RunStatus:
    """The status of a run.

    Args:
        entries: the ledger.
        complete: whether everything that was asked for is complete.
    """
    fates: set[Fate] = set()
    failures = 0
    for entry in entries:
        fates.add(entry.fate)
        failures += entry.failures
    if complete:
        return RunStatus.SUCCESS_WITH_RETRY if failures else RunStatus.SUCCESS
    if Fate.FAILED in fates:
        both = Fate.SCHEDULING_FAILED in fates
        return RunStatus.FAILED_AND_SCHEDULING_FAILED if both else RunStatus.FAILED
    if Fate.SCHEDULING_FAILED in fates:
        return RunStatus.SCHEDULING_FAILED
    if Fate.MISSING_EXTERNAL in fates:
        return RunStatus.MISSING_EXT
    return RunStatus.NOT_RUN


def result_of(entries: Mapping[str, Entry], *, complete: bool, elapsed_s: float) -> RunResult:
    """Make the result from the ledger (task id → entry); says of each task that did not run why."""
    tasks: dict[str, list[TaskOutcome]] = {fate.value: [] for fate in Fate}
    reasons = _reasons(entries)
    for entry in entries.values():
        tasks[entry.fate.value].append(
            TaskOutcome(
                task_id=entry.task_id,
                name=entry.name,
                family=entry.family,
                cause=entry.cause or reasons.get(entry.task_id, ""),
                detail=entry.detail,
            )
        )
    return RunResult(status=judge(entries.values(), complete=complete), tasks=tasks, elapsed_s=elapsed_s)


_ROOT_CAUSES = {
    Fate.FAILED: "failed",
    Fate.SCHEDULING_FAILED: "could not be scheduled",
    Fate.MISSING_EXTERNAL: "is external and missing",
}


def _reasons(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Why tasks were not run: what first stands in the way, carried downstream breadth first."""
    dependents: dict[str, list[str]] = {}
    for entry in entries.values():
        if entry.fate is Fate.NOT_RUN:
            for dep in entry.deps:
                dependents.setdefault(dep, []).append(entry.task_id)
    reasons: dict[str, str] = {}
    frontier = [
        (entry.task_id, f"{entry.name} {_ROOT_CAUSES[entry.fate]}")
        for entry in entries.values()
        if entry.fate in _ROOT_CAUSES
    ]
    while frontier:
        following = []
        for task_id, reason in frontier:
            for dependent in dependents.get(task_id, ()):
                if dependent not in reasons:
                    reasons[dependent] = reason
                    following.append((dependent, reason))
        frontier = following
    for entry in entries.values():
        if entry.fate is Fate.NOT_RUN:
            reasons.setdefault(entry.task_id, GIVEN_TO_NOBODY)
    return reasons


_TITLES = {
    Fate.RAN: "ran",
    Fate.ALREADY_COMPLETE: "complete already",
    Fate.RUN_BY_OTHERS: "run by other workers",
    Fate.FAILED: "failed",
    Fate.SCHEDULING_FAILED: "could not be scheduled",
    Fate.MISSING_EXTERNAL: "external and missing",
    Fate.NOT_RUN: "not run",
}


def _summary(result: RunResult) -> Iterable[str]:
    yield f"{result.status.name}: {result.status.value}"
    total = sum(result.counts.values())
    yield f"{total} task{'s' if total != 1 else ''} in {result.elapsed_s:.1f} s"
    for fate, title in _TITLES.items():
        tasks = result.tasks.get(fate.value, [])
        if not tasks:
            continue
        yield f"  {len(tasks):>6} {title}"
        if fate in (Fate.RAN, Fate.ALREADY_COMPLETE, Fate.RUN_BY_OTHERS):
            families: dict[str, int] = {}
            for task in tasks:
                families[task.family] = families.get(task.family, 0) + 1
            for family, count in sorted(families.items(), key=lambda item: -item[1])[:NAMED]:
                yield f"         {count:>6} {family}"
            if len(families) > NAMED:
                more = len(families) - NAMED
                yield f"                … and {more} more famil{'y' if more == 1 else 'ies'}"
            continue
        for task in tasks[:NAMED]:
            yield f"         {task.name}" + (f": {task.cause}" if task.cause else "")
        if len(tasks) > NAMED:
            yield f"         … and {len(tasks) - NAMED} more"
