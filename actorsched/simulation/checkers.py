"""Checkers: each watches from outside for one thing that must never happen, or must be so at the end.

They know the truth (`World`), the wire, and what was done to the nodes, and nothing of what is inside the
actors. What they find is a `Violation`; the first one ends a simulation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from actorsched.config import SchedulerSettings
from actorsched.core.statuses import LIVE
from actorsched.rpc.errors import StaleRequestError
from actorsched.rpc.methods import READ_ONLY
from actorsched.simulation.checker import Checker, Lives
from actorsched.simulation.decisions import (
    Members,
    epoch_of,
    was_taken,
)
from actorsched.simulation.wire import Served, was_put_off
from actorsched.simulation.world import Attempt

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: a run that was given to somebody else has to end within this, when its worker can hear of it
STALE_S = 40.0
#: a wish for a task that comes sooner after its end is from who looked before
STABLE_S = SchedulerSettings().stable_done_cooldown_secs
#: the scheduler looks at the time twice in a second, and gives a full lease when it stood still for 5 s
LEASE_SLACK_S = 10.0


class OneLiveRun(Checker):
    """At most one live run a task.

    A second one may begin only when the scheduler could know nothing of the first: its worker was
    silent for a lease, or the scheduler has lost its state since. And then the first one has to end
    soon after its worker can hear of it.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.lives = Lives()
        #: node → when the scheduler answered it last
        self.heard: dict[str, float] = {}
        #: node → when it was heard again after a silence for which it may be given up
        self.silent_until: dict[str, float] = {}
        self.state_lost_at = -1.0

    def served(self, call: Served) -> None:
        if self.lives.renewed_by(call):
            if self._is_silent(call.node):
                self.silent_until[call.node] = self.hub.now
            self.heard[call.node] = self.hub.now
            if call.fresh and was_taken(call, "RUNNING", "BATCH_RUNNING"):
                self._taken_back(call.params["task_id"], call.params.get("run_id"))

    def _taken_back(self, task_id: str, run_id: str | None) -> None:
        """A run that was given up is the live one again: nobody else had the task when it was heard of."""
        live = self.world.live.get(task_id, ())
        mine = [attempt for attempt in live if attempt.run_id == run_id]
        others = [attempt for attempt in live if attempt.run_id != run_id and attempt.superseded_at is None]
        if mine and not others:
            mine[0].superseded_at = None

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.state_lost_at = self.hub.now

    def run_started(self, attempt: Attempt) -> None:
        for other in self.world.live[attempt.task_id]:
            if other is attempt:
                continue
            if other.superseded_at is None:
                other.superseded_at = self.hub.now
                if not self.may_be_given_up(other):
                    silent_s = self.hub.now - self.heard.get(other.node.name, 0.0)
                    self.fail(
                        f"{attempt} began while {other} is live; its worker was heard {silent_s:.1f} s ago"
                    )

    def may_be_given_up(self, attempt: Attempt) -> bool:
        lost_at = max(self.state_lost_at, self.silent_until.get(attempt.node.name, -1.0))
        return attempt.started_at <= lost_at or self._is_silent(attempt.node.name)

    def _is_silent(self, node: str) -> bool:
        options = self.simulation.options
        silent_s = self.simulation.troubles.listening_for(self.heard.get(node, 0.0))
        # two clocks disagree, and a run may be given up while the request that renews it is on its way
        return silent_s >= options.lease_s * (1 - 2 * options.skew) - 0.5

    def each_second(self) -> None:
        for attempt in self.world.all_live():
            at = attempt.superseded_at
            if at is None:
                continue
            calm_since = max(at, self.simulation.troubles.last_at(attempt.node.name))
            if self.hub.now - calm_since > STALE_S:
                self.fail(f"{attempt} was given to somebody else {self.hub.now - at:.0f} s ago and goes on")
                attempt.superseded_at = None


class AcknowledgedReports(Checker):
    """No acknowledged report is lost: what was reported as done, and acknowledged, is not run again.

    Nor is it taken for a run that goes on, because another one says so that was given up long ago.
    The end of a batch is that of its members, but for those that have gone another way by then.
    Somebody may ask for it again, later than `stable_done_cooldown_secs` after its end; that is Luigi's
    meaning of PENDING. It may come between the report and its acknowledgement, when the first answers to
    the report were lost, or the scheduler stood still in between. What the scheduler refused is no such wish;
    what it could not answer may be one: a commit that failed may have been written all the same.
    A scheduler that keeps nothing does not know what it handed out before a crash; such a run may begin until
    its worker hears of that, though another one has done the task in between.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: task → its run that was reported, and that nobody has asked for again since
        self.reported: dict[str, str] = {}
        #: task → when that was
        self.reported_at: dict[str, float] = {}
        #: run → when its report came first, and could not be answered; it may have been written all the same
        self.put_off_at: dict[str, float] = {}
        #: task → when somebody asked for it last
        self.asked_at: dict[str, float] = {}
        self.done: dict[str, float] = {}
        #: frames with reports; another scheduler on the same store answers them from that
        self.answered: set[tuple[str, int]] = set()
        #: claims of runs, by frame and place
        self.claims: set[tuple[tuple[str, int] | None, int]] = set()
        self.members = Members()

    def delivered(self, call: Served) -> None:
        if call.method == "add_task" and _was_accepted(call):
            for task_id in self.members.ended_by(call):
                if self.reported.get(task_id) == call.params["run_id"]:
                    self.done.setdefault(task_id, self.hub.now)

    def served(self, call: Served) -> None:
        self.members.note(call)
        if call.method != "add_task" or (isinstance(call.result, dict) and call.result.get("refused")):
            return
        if was_put_off(call) and call.params.get("run_id"):
            self.put_off_at.setdefault(call.params["run_id"], call.taken_at)
        single = not call.params.get("batch_id")  # there may be another batch of the same tasks
        if single and call.fresh and was_taken(call, *LIVE) and (call.frame, call.place) not in self.claims:
            self.claims.add((call.frame, call.place))
            self._claimed(call, call.params["task_id"])
        if _was_accepted(call):
            ended_at = self.put_off_at.get(call.params["run_id"], call.taken_at)
            anew = call.fresh and call.frame not in self.answered
            if call.frame is not None:
                self.answered.add(call.frame)
            if anew:
                for task_id in self.members.ended_by(call):
                    # what was done already is not done anew by a late report of another run
                    if task_id not in self.reported and self.asked_at.get(task_id, -math.inf) <= ended_at:
                        self.reported[task_id] = call.params["run_id"]
                        self.reported_at[task_id] = ended_at
        elif call.params.get("status") != "DONE" and not call.params.get("run_id"):
            # it counts when it is done, which may be some commits after it was taken
            since_s = self.hub.now - self.reported_at.get(call.params.get("task_id", ""), -math.inf)
            asked = call.params.get("status", "PENDING") == "PENDING"
            if asked and since_s < STABLE_S * (1 - 2 * self.simulation.options.skew) - 0.5:
                return  # it comes from who looked before the end, and is ignored
            self.asked_at[call.params.get("task_id", "")] = call.taken_at
            self.reported.pop(call.params.get("task_id", ""), None)
            self.done.pop(call.params.get("task_id", ""), None)

    def _claimed(self, call: Served, task_id: str) -> None:
        done = self.reported.get(task_id)
        if done and call.params.get("run_id") != done and call.taken_at > self.reported_at[task_id]:
            self.fail(f"{call.node} claims {task_id}, and is believed; {done} has done it")

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.reported.clear()
            self.done.clear()
            self.answered.clear()

    def run_started(self, attempt: Attempt) -> None:
        at = self.done.get(attempt.task_id)
        if at is not None and not self._is_forgotten(attempt):
            self.fail(f"{attempt} began, but the task was reported as done and acknowledged at {at:.3f}")

    def _is_forgotten(self, attempt: Attempt) -> bool:
        """Whether the scheduler has lost its state between the grant of this run and the run that is done."""
        done = self.reported[attempt.task_id]
        return not self.simulation.durable and epoch_of(attempt.run_id) != epoch_of(done)


def _was_accepted(call: Served) -> bool:
    """Whether it reports the good end of a run, and is acknowledged."""
    reports = call.params.get("status") == "DONE" and call.params.get("run_id")
    return bool(reports) and call.error is None and call.result is None


def _is_refused_as_stale(call: Served) -> bool:
    """Whether the answer is that a later frame of the same client came before, so that this one is void."""
    return isinstance(call.error, dict) and call.error.get("code") == StaleRequestError.rpc_code


class NoEffectTwice(Checker):
    """A frame that comes again gets the answer that it got the first time: it took effect once.

    Methods without any effect are done again, and may say something else then. A copy of an earlier frame
    than the last one is refused. The last one may be known by its refusal only: a commit that failed may have
    been written all the same. With a standby the first scheduler may stand still between a commit and the
    answer to it, and send that, the same one, when later frames have long been carried out by the other.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: client → number of the last frame that was carried out, and of the last one that perhaps was
        self.last: dict[str, tuple[int, int]] = {}
        #: client → frame → what was answered to each call in it; of all frames where answers may be that late
        self.answers: dict[str, dict[int, dict[int, object]]] = {}

    def served(self, call: Served) -> None:
        if call.frame is None or call.method in READ_ONLY:
            return
        client, number = call.frame
        last, latest = self.last.get(client, (-1, -1))
        if was_put_off(call):
            self.last[client] = last, max(latest, number)
            return
        if _is_refused_as_stale(call):
            if number >= latest:
                self.fail(
                    f"{call.method} of {client}, frame {number}, was refused, and no later one has come"
                )
            return
        if number > last and "standby" not in self.simulation.nodes:
            self.answers.pop(client, None)
        self.last[client] = max(last, number), max(latest, number)
        answers = self.answers.setdefault(client, {}).setdefault(number, {})
        answer = call.result, call.error
        known = answers.setdefault(call.place, answer)
        if number < last and known is answer:
            self.fail(f"{call.method} of {client}, frame {number}, was carried out after frame {last}")
        elif known != answer:
            self.fail(
                f"{call.method} of {client}, frame {number}, was answered by {known} and then by {answer}"
            )

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.last.clear()
            self.answers.clear()


class NoLeaseWithoutHolder(Checker):
    """What a silent worker runs is taken from it when its lease is over.

    It is heard of here when it is answered, and has the run before that: while the grant is being committed.
    So a silence counts from the second in which its hold on the run was seen for the first time.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.lives = Lives()
        self.heard: dict[str, float] = {}
        #: (worker, task) → since when it has been seen to hold it
        self.held: dict[tuple[str, str], float] = {}
        self.calm_since = 0.0

    def served(self, call: Served) -> None:
        if self.lives.renewed_by(call):
            self.heard[str(call.params["worker"])] = self.hub.now

    def restarted(self, node: str) -> None:
        if node == "scheduler":
            self.calm_since = self.hub.now

    def each_second(self) -> None:
        scheduler, options = self.simulation.serving(), self.simulation.options
        if scheduler is None or scheduler.paused or scheduler.sluggish_s or not scheduler.up:
            self.calm_since = self.hub.now
            return
        patience_s = options.lease_s * (1 + 2 * options.skew) + LEASE_SLACK_S
        self.calm_since = max(self.calm_since, self.simulation.troubles.noticed_at)
        self.held = {hold: self.held.get(hold, self.hub.now) for hold in self.simulation.held_runs()}
        for (holder, task_id), since in self.held.items():
            silent_s = self.hub.now - max(self.heard.get(holder, 0.0), self.calm_since, since)
            if silent_s > patience_s:
                self.fail(f"{holder} holds {task_id}, and was not heard of for {silent_s:.1f} s")
                return


class ResourcesFit(Checker):
    """Resources are within capacity at each instant; runs that are or may be given up do not count."""

    def run_started(self, attempt: Attempt) -> None:
        may_be_given_up = self.simulation.checker(OneLiveRun).may_be_given_up
        used: dict[str, int] = {}
        for live in self.world.all_live():
            if live.superseded_at is None and not may_be_given_up(live):
                for name, amount in live.holds.items():
                    used[name] = used.get(name, 0) + amount
        for name, amount in attempt.holds.items():
            capacity = self.simulation.resources.get(name, 1)
            if used.get(name, 0) > capacity:
                holders = [live for live in self.world.all_live() if name in live.holds]
                self.fail(f"{attempt} takes {amount} of {name}: {used[name]} of {capacity} in use: {holders}")


class ExitStatus(Checker):
    """A program ends with success if and only if all that it asked for is complete."""

    def program_ended(self, node: str, succeeded: bool, wanted: tuple[str, ...]) -> None:
        missing = [name for name in wanted if not self.world.has(name)]
        if succeeded and missing:
            self.fail(f"{node} ended with success, but {', '.join(missing)} is not complete")
        if not succeeded and not missing:
            made = max(self.world.outputs.get(name, 0.0) for name in wanted)
            if self.hub.now - made > 60.0:
                self.fail(f"{node} ended without success, but all of {', '.join(wanted)} was complete")


class Heartbeats(Checker):
    """While nothing disturbs a worker, the scheduler hears of it in time.

    A scheduler whose commits fail sends everybody away for a while.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.heard: dict[str, float] = {}
        self.late: set[str] = set()

    def served(self, call: Served) -> None:
        if call.method in ("ping", "get_work", "add_task"):
            self.heard[call.node] = self.hub.now

    def each_second(self) -> None:
        lease_s = self.simulation.options.lease_s
        for node, since in self.simulation.programs.working.items():
            calm_since = max(self.simulation.troubles.last_at(node), since)
            if self.simulation.disk is not None:
                calm_since = max(calm_since, self.simulation.disk.failed_at)
            silent_s = self.hub.now - max(self.heard.get(node, 0.0), calm_since)
            if silent_s > lease_s and node not in self.late:
                self.late.add(node)
                self.fail(f"{node} was not heard of for {silent_s:.1f} s; its lease is {lease_s:.1f} s")


class EverythingEnds(Checker):
    """After the world was healed, whatever can end has ended, and nothing is held by nobody."""

    def at_end(self) -> None:
        open_ = [plan.name for plan in self.simulation.wanted_plans() if not self.world.has(plan.name)]
        if open_:
            still_s = self.hub.now - self.world.moved_at
            self.fail(
                f"{len(open_)} tasks have not ended, and nothing happened for {still_s:.0f} s: {open_[:5]}"
            )
        if self.simulation.programs.working:
            self.fail(f"programs that have not ended: {', '.join(self.simulation.programs.working)}")
        held = self.simulation.ask_scheduler("task_list", status="RUNNING", upstream_status="")
        if held:
            self.fail(f"the scheduler believes that {', '.join(held)} runs, and everybody has gone")
