"""What came of a simulation."""

from __future__ import annotations

from dataclasses import dataclass

from actorsched.simulation.case import Case
from actorsched.simulation.checker import Finding

#: lines of the trace that a report has
LAST_LINES = 40
#: tasks and faults that are described
SHOWN = 20


@dataclass(frozen=True)
class Report:
    """What came of a simulation.

    Attributes:
        case: what was simulated.
        findings: of the checkers; none is good.
        now_s: virtual time at the end.
        steps: of strands and of the clock.
        counts: events of the trace by kind.
        exits: (node, success) of each program that ended.
        digest: a name for the whole trace.
        states: of the tasks that the scheduler knows of at the end: state → how many.
        complete: tasks that are complete in truth.
        last_lines: the end of the trace.
    """

    case: Case
    findings: list[Finding]
    now_s: float
    steps: int
    counts: dict[str, int]
    exits: list[tuple[str, bool]]
    digest: str
    states: dict[str, int]
    complete: int
    last_lines: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.findings

    def describe(self) -> str:
        """What was found, in what, and what happened last; for the message of a test that fails."""
        case = self.case
        lines = [f"{found.checker} at {found.at_s:.3f} s: {found.text}" for found in self.findings]
        lines = lines or ["nothing was found"]
        lines += [f"options: {case.options.describe()}"]
        lines += [f"task: {plan}" for plan in (case.plans or ())[:SHOWN]]
        lines += [f"{node} submits {', '.join(names)}" for node, names in (case.submissions or {}).items()]
        lines += [f"fault: {fault}" for fault in (case.faults or ())[:SHOWN]]
        lines += [f"the last {len(self.last_lines)} lines of the trace:", *self.last_lines]
        return "\n".join(lines)
