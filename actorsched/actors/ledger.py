"""What became of each task that a worker had to do with; pure bookkeeping.

The worker writes down what it sees, and the summary and the exit code are read from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What became of a task, from the point of view of one worker."""

    ALREADY_COMPLETE = "already_complete"
    RAN = "ran"
    RUN_BY_OTHERS = "run_by_others"
    FAILED = "failed"
    SCHEDULING_FAILED = "scheduling_failed"
    MISSING_EXTERNAL = "missing_external"
    NOT_RUN = "not_run"


@dataclass(slots=True)
class Entry:
    """One task in the ledger.

    Attributes:
        name: how people call it, without private parameters.
        deps: ids of what it requires, as far as it was discovered.
        cause: one line on why it failed, or was not run.
        detail: the whole story, a traceback as a rule.
        failures: how often it failed here.
    """

    task_id: str
    name: str
    family: str
    fate: Fate
    deps: tuple[str, ...] = ()
    cause: str = ""
    detail: str = ""
    failures: int = 0
    elapsed_s: float = 0.0


@dataclass
class Ledger:
    """Task id → entry, in order of discovery.

    Attributes:
        abandoned: the worker was told to end, and did so without its scheduler, which was away.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    #: how many have each fate; kept, not recounted
    counts: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))
    abandoned: bool = False

    def add(self, entry: Entry) -> None:
        """Write down a task; what was known of it before gives way, but its failures stay."""
        before = self.entries.get(entry.task_id)
        if before is not None:
            self.counts[before.fate] -= 1
            entry.failures += before.failures
        self.entries[entry.task_id] = entry
        self.counts[entry.fate] += 1

    def settle(self, task_id: str, fate: Fate, *, cause: str = "", detail: str = "") -> None:
        """Note the fate of a task that is in the ledger."""
        entry = self.entries[task_id]
        self.counts[entry.fate] -= 1
        self.counts[fate] += 1
        entry.fate = fate
        entry.cause = cause
        entry.detail = detail
        if fate is Fate.FAILED:
            entry.failures += 1

    def forget(self, task_id: str) -> None:
        """Strike out the line of a task; it stays in the counts."""
        self.entries.pop(task_id, None)
