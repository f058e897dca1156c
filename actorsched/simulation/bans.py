"""Checkers of tasks that the scheduler disables in time: those that fail too often or kill their workers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actorsched.config import SchedulerSettings
from actorsched.core.statuses import DONE, FAILED, LIVE, PENDING, SUSPENDED
from actorsched.simulation.checker import Checker, Lives
from actorsched.simulation.decisions import Members, granted_in, grants_in, is_alive, was_taken
from actorsched.simulation.wire import Served, was_put_off

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: workers that die with a task in a row before it is disabled
DEATHS = SchedulerSettings().max_worker_deaths


class DisabledInTime(Checker):
    """A task with which so many workers have died in a row, or that has failed so often, is handed out to
    nobody for a while.

    Who was silent and is heard again has not died; who said goodbye has not, either. What was handed out in
    advance, and cancelled, and what could not be answered, does not count here.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.members = Members()
        self.lives = Lives()
        self.restarted_at = 0.0
        self._forget()
        #: life → when it was heard last
        self.heard: dict[str, float] = {}
        #: lives that said goodbye
        self.left: set[str] = set()
        #: tasks with an end that is no failure, or a failure that nobody has told: cancelled, or declined
        self.unclear: set[str] = set()
        #: runs whose failure was counted; it may be told again, to another life of the scheduler
        self.counted: set[str] = set()
        #: runs of which something was said that could not be answered
        self.unanswered_runs: set[str] = set()

    def _forget(self) -> None:
        #: task → lives of workers that had it one after the other without an end → when they got it
        self.rows: dict[str, dict[str, float]] = {}
        #: task → how many failures disable it, as it was registered
        self.limits: dict[str, float] = {}
        #: task → its failures so far
        self.failures: dict[str, int] = {}
        #: task → until when it is disabled
        self.until: dict[str, float] = {}

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self._forget()

    def unanswered(self, call: Served) -> None:
        self.unanswered_runs.add(str(call.params.get("run_id")))

    def served(self, call: Served) -> None:
        self.members.note(call)
        task_id, life = str(call.params.get("task_id")), str(call.params.get("incarnation", ""))
        if call.method == "remove_worker":
            self.left.add(life)
        if self.lives.renewed_by(call):
            self._heard(life)
        if call.method == "cancel_task":
            self.rows.pop(task_id, None)
            self.until.pop(task_id, None)
            self.unclear.add(task_id)
        if call.params.get("declined"):
            self.unclear.add(task_id)
        if was_put_off(call):
            self.unanswered_runs.add(str(call.params.get("run_id")))
        if not call.fresh:
            return
        if call.method == "add_task" and call.error is None:
            policy = call.params.get("retry_policy_dict") or {}
            if policy.get("retry_count") is not None:
                self.limits[task_id] = policy["retry_count"]
        if was_taken(call, DONE, FAILED):
            self._ended(call, task_id)
        elif was_taken(call, PENDING, SUSPENDED) and call.params.get("run_id"):
            for each in self.members.ended_by(call):
                self.rows.get(each, {}).pop(life, None)
        elif was_taken(call, *LIVE):
            self.rows.setdefault(task_id, {})[life] = self.hub.now
        for grant in grants_in(call):
            for each in granted_in(grant):
                self._granted(each, life, call)
                if not grant.get("after"):
                    self.rows.setdefault(each, {})[life] = call.taken_at

    def _heard(self, life: str) -> None:
        options = self.simulation.options
        silent_s = self.hub.now - self.heard.get(life, self.hub.now)
        given_up = silent_s >= options.lease_s * (1 - 2 * options.skew) - 0.5
        self.heard[life] = self.hub.now
        for row in self.rows.values():
            if life in row and (given_up or next(reversed(row)) != life):
                del row[life]

    def _ended(self, call: Served, task_id: str) -> None:
        run_id = call.params.get("run_id")
        for each in self.members.ended_by(call) if run_id else (task_id,):
            row = self.rows.get(each, {})
            self.rows[each] = {life: at for life, at in row.items() if at > call.taken_at}
        status, limit = call.params.get("status"), self.limits.get(task_id)
        if status != FAILED or not run_id or limit is None or run_id in self.counted:
            return
        if task_id in self.unclear:
            return
        if run_id in self.unanswered_runs:  # it may have disabled the task, and nothing counts after that
            self.failures.pop(task_id, None)
            return
        self.counted.add(run_id)
        self.failures[task_id] = self.failures.get(task_id, 0) + 1
        if self.failures[task_id] >= limit:
            self.failures[task_id] = 0
            self.until[task_id] = call.taken_at + self._banned_s()

    def _banned_s(self) -> float:
        options = self.simulation.options
        return options.disable_s * (1 - 2 * options.skew) - 1.0

    def _granted(self, task_id: str, life: str, call: Served) -> None:
        until = self.until.get(task_id, -math.inf)
        if call.taken_at < until:
            self.fail(f"{task_id} has failed too often, and is handed out to {call.node} within {until:.1f}")
        row = self.rows.get(task_id, {})
        if row and call.taken_at >= max(row.values()) + self._banned_s():
            self.rows[task_id] = {}  # it may have been disabled, and enabled again
            return
        dead = [
            other
            for other in row
            if other != life and other not in self.left and not is_alive(self.simulation, other)
        ]
        if len(dead) >= DEATHS:
            self.rows[task_id] = {}
            self.fail(f"{task_id} goes to {call.node}, though {len(dead)} workers in a row died with it")
