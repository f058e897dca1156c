"""Checkers of what people want: whose work it is, what comes first, and that a cancelled task stays so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actorsched.core.statuses import DISABLED, DONE, FAILED, LIVE, PENDING, RUNNING
from actorsched.simulation.checker import Checker
from actorsched.simulation.decisions import Members, granted_in, grants_in, was_taken
from actorsched.simulation.wire import Served, was_put_off
from actorsched.simulation.world import Attempt

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: a run that was cancelled has to end within this, when its worker can hear of it
CANCELLED_S = 40.0


def may_be_wish(call: Served) -> bool:
    """Whether it registers a task, or may have done: somebody wants it, now."""
    if call.method != "add_task" or call.params.get("run_id"):
        return False
    return not (isinstance(call.result, dict) and call.result.get("refused"))


class OwnWorkOnly(Checker):
    """A worker gets what it has registered; only an assistant gets what others have.

    As in Luigi, what others have registered may be in the same batch with that.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.known: set[tuple[str, str]] = set()

    def unanswered(self, call: Served) -> None:
        if call.method == "add_task":
            self.known.add((str(call.params.get("worker")), str(call.params.get("task_id"))))

    def served(self, call: Served) -> None:
        self.unanswered(call)
        if call.params.get("assistant"):
            return
        worker = str(call.params.get("worker"))
        for grant in grants_in(call):
            if (worker, granted_in(grant)[0]) not in self.known:
                self.fail(f"{worker} was given {granted_in(grant)[0]}, which it has not registered")


class CancelledStaysSo(Checker):
    """What was cancelled is handed out to nobody until somebody registers it again; and its run ends."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: task → since when it has been cancelled, and nobody wants it
        self.since: dict[str, float] = {}
        #: runs that have to end → since when
        self.ending: dict[Attempt, float] = {}
        #: cancellations that could not be answered at first, and were carried out nobody knows when
        self.unclear: set[object] = set()
        #: questions for work that had an answer; it comes again from the memory of another scheduler
        self.answered: set[object] = set()

    def unanswered(self, call: Served) -> None:
        if call.method == "cancel_task":
            self.unclear.add(call.frame)
        if may_be_wish(call):
            self.since.pop(str(call.params.get("task_id")), None)

    def served(self, call: Served) -> None:
        if call.method == "cancel_task" and call.fresh:
            if was_put_off(call):
                self.unanswered(call)
            elif call.error is None and call.frame not in self.unclear:
                self._cancelled(call.result)
        if may_be_wish(call) or was_taken(call, DONE, *LIVE):
            self.since.pop(str(call.params.get("task_id")), None)
        anew = call.fresh and (call.frame, call.place) not in self.answered
        for task_id in (task_id for grant in grants_in(call) for task_id in granted_in(grant)):
            since = self.since.get(task_id, math.inf)
            if anew and call.taken_at > since:
                self.fail(f"{task_id} was cancelled at {since:.3f}, and handed out to {call.node}")
            if call.frame is not None:
                self.answered.add((call.frame, call.place))

    def _cancelled(self, reply: Any) -> None:
        task_id, status = reply["task_id"], reply["status"]
        if status in (DISABLED, *LIVE):
            self.since[task_id] = self.hub.now
        elif status not in (DONE, None):
            self.fail(f"{task_id} was cancelled, and is {status}")
        if status == RUNNING:
            for attempt in self.world.live.get(task_id, ()):
                if attempt.node.name == reply["worker"] and attempt.superseded_at is None:
                    self.ending[attempt] = self.hub.now

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.since.clear()
            self.ending.clear()

    def each_second(self) -> None:
        for attempt, since in list(self.ending.items()):
            if attempt.ended_at is not None:
                del self.ending[attempt]
                continue
            calm_since = max(since, self.simulation.troubles.last_at(attempt.node.name))
            if self.hub.now - calm_since > CANCELLED_S:
                del self.ending[attempt]
                self.fail(f"{attempt} was cancelled {self.hub.now - since:.0f} s ago and goes on")


class RetriesWait(Checker):
    """What has failed is handed out again when its delay is over or somebody registers it anew, not before.

    A report that could not be answered may have been written all the same; one that comes again, to another
    life of the scheduler, tells nothing new.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: task → when its failure was reported
        self.failed: dict[str, float] = {}
        #: run → when something was reported of it first
        self.told: dict[str, float] = {}
        #: runs whose failure was taken; it may come again, to another life of the scheduler
        self.counted: set[str] = set()
        self.members = Members()

    def unanswered(self, call: Served) -> None:
        run_id = call.params.get("run_id")
        if run_id:
            self.told.setdefault(run_id, -math.inf)
        if may_be_wish(call):
            self.failed.pop(str(call.params.get("task_id")), None)

    def served(self, call: Served) -> None:
        self.members.note(call)
        run_id = call.params.get("run_id")
        if may_be_wish(call) or was_taken(call, DONE, *LIVE):
            self.failed.pop(str(call.params.get("task_id")), None)
        elif run_id and call.fresh and (was_put_off(call) or was_taken(call, FAILED)):
            at = self.told.setdefault(run_id, call.taken_at)
            if was_taken(call, FAILED) and run_id not in self.counted:
                self.counted.add(run_id)
                self.failed |= dict.fromkeys(self.members.ended_by(call), at)
        options = self.simulation.options
        delay_s = options.retry_delay_s * (1 - 2 * options.skew) - 0.5
        for task_id in (task_id for grant in grants_in(call) for task_id in granted_in(grant)):
            at = self.failed.pop(task_id, -math.inf)
            if call.fresh and at < call.taken_at < at + delay_s:
                self.fail(f"{task_id} failed at {at:.3f}, and is handed out again at {call.taken_at:.3f}")

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.failed.clear()


class PriorityFirst(Checker):
    """Of two tasks that a worker can have, it gets the one with the higher priority first.

    A task is as urgent as what needs it. It is looked at tasks that need no resources and run alone, and that
    nobody has had before: then it is beyond doubt that they could be had. Whose question could not be
    answered may have got something all the same.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self._forget()
        #: workers of which nobody knows what they got
        self.doubtful: set[str] = set()

    def unanswered(self, call: Served) -> None:
        self.doubtful.add(str(call.params.get("worker")))

    def _forget(self) -> None:
        #: task → what it has, at least, by all that was registered
        self.priority: dict[str, float] = {}
        self.deps: dict[str, dict[str, None]] = {}
        #: (worker, task) → since when it has waited
        self.waits: dict[tuple[str, str], float] = {}
        #: task → when it was done; and those that were ever handed out or done
        self.done: dict[str, float] = {}
        self.had: set[str] = set()

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self._forget()

    def served(self, call: Served) -> None:
        task_id = str(call.params.get("task_id"))
        if was_put_off(call):
            self.unanswered(call)
        if was_taken(call, PENDING) and call.fresh and may_be_wish(call):
            self._registered(call, task_id)
        elif call.method in ("add_task", "cancel_task"):
            self._passed(task_id)
            if was_taken(call, DONE) and call.params.get("run_id"):  # a fact ends no run that goes on
                self.done.setdefault(task_id, self.hub.now)
        for grant in grants_in(call):
            granted = granted_in(grant)
            first_time = len(granted) == 1 and not self.had & {*granted} and not grant.get("after")
            for each in granted:
                self._passed(each)
            if call.fresh and first_time and call.params.get("worker") not in self.doubtful:
                self._look(call, grant["task_id"])

    def _registered(self, call: Served, task_id: str) -> None:
        params = call.params
        self.done.pop(task_id, None)
        deps = self.deps.setdefault(task_id, {})
        deps |= dict.fromkeys((*(params.get("deps") or ()), *(params.get("new_deps") or ())))
        priority = max(self.priority.get(task_id, 0), params.get("priority") or 0)
        stack = [task_id]
        while stack:
            known = stack.pop()
            if known != task_id and known not in self.priority and params.get("assistant"):
                continue  # for an assistant, no place is held for what is not there yet, as in Luigi
            if self.priority.get(known, -math.inf) < priority:
                self.priority[known] = priority
                stack += self.deps.get(known, ())
        alone = not params.get("resources") and not params.get("batchable")
        if alone and params.get("runnable", True) and task_id not in self.had:
            self.waits.setdefault((str(params["worker"]), task_id), self.hub.now)

    def _passed(self, task_id: str) -> None:
        """It is not known any more to wait for nothing but a worker."""
        self.had.add(task_id)
        for key in [key for key in self.waits if key[1] == task_id]:
            del self.waits[key]

    def _look(self, call: Served, granted: str) -> None:
        most = self._most(granted)
        for (worker, task_id), since in self.waits.items():
            if worker != call.params.get("worker") or since >= call.taken_at or most is None:
                continue
            ready = all(self.done.get(dep, math.inf) < call.taken_at for dep in self.deps.get(task_id, ()))
            if ready and self.priority.get(task_id, 0) > most:
                self.fail(
                    f"{worker} got {granted}, of priority {most:g} at most, before {task_id} of"
                    f" {self.priority[task_id]:g}"
                )

    def _most(self, task_id: str) -> float | None:
        """The highest priority that the task can have."""
        plans = self.world.plans
        names = [
            name for name in plans if task_id.startswith(("Work_", "GrowingWork_")) and f"_{name}_" in task_id
        ]
        if len(names) != 1:
            return None
        stack, most, seen = names, 0.0, set[str]()
        while stack:
            name = stack.pop()
            most = max(most, plans[name].priority)
            seen.add(name)
            needing = (plan.name for plan in plans.values() if name in (*plan.deps, *plan.more))
            stack = [*stack, *(each for each in needing if each not in seen)]
        return most
