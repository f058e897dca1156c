"""Checkers of how runs end: what is told of them is true, and what was told is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.statuses import DISABLED, DONE, FAILED, PENDING, SUSPENDED
from actorsched.simulation.checker import Checker
from actorsched.simulation.decisions import is_alive, was_taken
from actorsched.simulation.request_sockets import asks
from actorsched.simulation.wire import Served
from actorsched.simulation.world import Attempt

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation


#: an end has to be told within this, when nothing disturbs its worker
TOLD_S = 12.0


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


class EndsAreTold(Checker):
    """A run that ended well is reported; and when the report is refused, its task is said to be done.

    By the worker that had it, if nothing disturbs it and it has not ended itself.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: run → its attempt, and since when its end is owed
        self.owed: dict[str, tuple[Attempt, float]] = {}
        #: (worker, life, task) → since when it has known that its report is refused
        self.refused: dict[tuple[str, str, str], float] = {}
        #: tasks that are no combination of others
        self.single: set[str] = set()

    def run_ended(self, attempt: Attempt) -> None:
        if attempt.ending == "ok":
            self.owed[attempt.run_id] = attempt, self.hub.now

    def served(self, call: Served) -> None:
        if call.method == "add_task":
            if (call.params.get("params") or {}).get("name") in self.world.plans:
                self.single.add(call.params["task_id"])
            self.owed.pop(call.params.get("run_id", ""), None)
            if call.params.get("status") == DONE and not call.params.get("run_id"):
                self.refused.pop(_who(call), None)
                self._forget(call)  # whose run was refused before it ended says just that its task is done

    def _forget(self, call: Served) -> None:
        for run_id, (attempt, _) in list(self.owed.items()):
            if (attempt.node.name, attempt.task_id) == (
                call.params.get("worker"),
                call.params.get("task_id"),
            ):
                del self.owed[run_id]

    def delivered(self, call: Served) -> None:
        if call.method != "add_task" or call.params.get("status") != DONE:
            return
        refused = isinstance(call.result, dict) and call.result.get("refused") == "stale_run"
        if refused and call.params["task_id"] in self.single:  # of a combined task its members are told
            self.refused.setdefault(_who(call), self.hub.now)

    def each_second(self) -> None:
        for run_id, (attempt, since) in list(self.owed.items()):
            node = attempt.node
            if not node.up or node.lives != attempt.life or node.name not in self.simulation.programs.working:
                del self.owed[run_id]
            elif asks(node):
                self.owed[run_id] = attempt, self.hub.now
            elif self._is_late(node.name, since):
                del self.owed[run_id]
                self.fail(f"{attempt} ended well at {attempt.ended_at:.3f}, and is not reported")
        for (node_name, life, task_id), since in list(self.refused.items()):
            if not is_alive(self.simulation, life):
                del self.refused[node_name, life, task_id]
            elif asks(self.simulation.nodes[node_name]):
                self.refused[node_name, life, task_id] = self.hub.now
            elif self._is_late(node_name, since):
                del self.refused[node_name, life, task_id]
                self.fail(f"{node_name} has done {task_id}, was refused, and does not say that it is done")

    def _is_late(self, node: str, since: float) -> bool:
        calm_since = max(since, self.simulation.troubles.last_at(node))
        if self.simulation.disk is not None:
            calm_since = max(calm_since, self.simulation.disk.failed_at)
        return self.hub.now - calm_since > TOLD_S


def _who(call: Served) -> tuple[str, str, str]:
    params = call.params
    return str(params.get("worker")), str(params.get("incarnation")), str(params.get("task_id"))
