"""Checkers of how runs end: what is told of them is true, and what was told is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.statuses import DISABLED, DONE, FAILED, PENDING, SUSPENDED
from actorsched.simulation.checker import Checker
from actorsched.simulation.decisions import was_taken
from actorsched.simulation.wire import Served
from actorsched.simulation.world import Attempt

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation


class FailuresAreTrue(Checker):
    """A run that is reported as failed has failed: it counts against its task.

    So it is not one that never began, or that its worker has ended for reasons of its own. But any run may be
    cancelled, or take too long; and it may find that what it needs has gone, or no process to run in.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: run → how it ended, of a batch that of each member; "" from outside
        self.endings: dict[str, list[str]] = {}
        #: tasks that somebody has cancelled
        self.cancelled: set[str] = set()

    def run_started(self, attempt: Attempt) -> None:
        self.endings.setdefault(attempt.run_id, [])

    def run_ended(self, attempt: Attempt) -> None:
        self.endings.setdefault(attempt.run_id, []).append(attempt.ending)

    def served(self, call: Served) -> None:
        if call.method == "cancel_task":
            self.cancelled.add(str(call.params.get("task_id")))
        run_id = call.params.get("run_id")
        if call.method != "add_task" or not call.fresh or not run_id or call.params.get("status") != FAILED:
            return
        why = str(call.params.get("expl"))
        if "timed out" in why or "cancelled" in why or run_id in self.simulation.troubles.killed:
            return
        endings, task_id = self.endings.get(run_id), call.params["task_id"]
        if endings is None:
            excused = "unfulfilled" in why or "no child process could be had" in why
            if not excused and task_id not in self.cancelled:
                self.fail(f"run {run_id} of {task_id} is reported as failed, and never began: {why}")
        elif all(ending in ("", "ok") for ending in endings):
            self.fail(f"run {run_id} of {task_id} is reported as failed, and has not: {why}")


class EndsAreHeard(Checker):
    """When the end of a run was acknowledged, the scheduler does not believe any more that it goes on."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: (task, run)
        self.over: set[tuple[str, str]] = set()

    def served(self, call: Served) -> None:
        run_id = call.params.get("run_id")
        if run_id and call.fresh and was_taken(call, DONE, FAILED, PENDING, SUSPENDED, DISABLED):
            self.over.add((call.params["task_id"], run_id))

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.over.clear()

    def each_second(self) -> None:
        for machine in self.simulation.machines():
            for worker in machine.workers.values():
                for record in worker.runs:
                    if (record.task_id, record.run_id or "") in self.over:
                        self.fail(
                            f"the end of {record.run_id} of {record.task_id} was acknowledged; it is live"
                        )
                        return
