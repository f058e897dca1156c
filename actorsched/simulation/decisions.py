"""Checkers of what the scheduler decides, as it is seen on the wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from actorsched.actors.scheduler import SIGNS_OF_LIFE
from actorsched.actors.worker import WorkerActor
from actorsched.core.origin import DECLINED_S
from actorsched.core.statuses import DISABLED, DONE, FAILED, LIVE, PENDING, SUSPENDED
from actorsched.simulation.checker import Checker
from actorsched.simulation.faults import SCHEDULERS
from actorsched.simulation.wire import Served, was_put_off
from actorsched.simulation.work import BATCH_MAX
from actorsched.simulation.world import Attempt

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: a worker may be given a task that it cannot load so often within half of the time in which it is not to be
#: asked: twice, when others of the module and family have failed in between, and it was running
DECLINED_MAX = 2


def grants_in(call: Served) -> Iterator[Mapping[str, Any]]:
    """What an answer to `get_work` hands out."""
    if call.method == "get_work" and isinstance(call.result, dict):
        for grant in call.result.get("tasks") or [call.result]:
            if grant.get("run_id"):
                yield grant


def granted_in(grant: Mapping[str, Any]) -> list[str]:
    """The tasks that are handed out by it; several, if it is a batch."""
    return list(grant.get("batch_task_ids") or [grant["task_id"] or ""])


def epoch_of(run_id: str) -> str:
    """The life of the scheduler's state in which a run was granted."""
    return run_id.rpartition("-")[0]


def was_taken(call: Served, *statuses: str) -> bool:
    """Whether it is an `add_task` with one of these statuses, and was not refused."""
    if call.method != "add_task" or call.error is not None or call.result is not None:
        return False
    return call.params.get("status", "PENDING") in statuses


def is_alive(simulation: Simulation, life: str) -> bool:
    """Whether some worker actor has this life."""
    return any(
        isinstance(strand.owner, WorkerActor) and strand.owner._incarnation == life
        for node in simulation.nodes.values()
        for strand in node.strands
    )


class Members:
    """Which tasks end with a run: those of its batch, but for those that have gone another way by then."""

    def __init__(self) -> None:
        self._of: dict[str, list[str]] = {}

    def note(self, call: Served) -> None:
        """To be told of each call, once."""
        for grant in grants_in(call):
            if grant.get("batch_task_ids"):
                self._of[grant["run_id"]] = granted_in(grant)
        if call.method == "add_task" and isinstance(call.result, dict) and call.result.get("refused"):
            members = self._of.get(call.params.get("run_id", ""), [])
            if call.params["task_id"] in members:
                members.remove(call.params["task_id"])

    def ended_by(self, call: Served) -> tuple[str, ...]:
        """What ends by a report that names a run: the task, and the members of the batch."""
        return (call.params["task_id"], *self._of.get(call.params["run_id"], ()))


class RequirementsFirst(Checker):
    """No run before its requirements are done; nor is a task handed out before, which a child would see.

    But for what is handed out in advance: that may wait for one run of the same life of a worker, and for no
    other. Who names all that a task needs replaces what a run has asked for, unless it is whose run that was:
    that life of a worker names this, too. Of what could not be answered nobody knows whether that was before
    or after.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.names: dict[str, str] = {}
        #: run → task, and the life of the worker that has it
        self.runs: dict[str, tuple[str, str]] = {}
        #: task → what its runs have asked for, and the life of the worker that had the last of them
        self.more: dict[str, list[str]] = {}
        self.asked_by: dict[str, str] = {}
        #: run → when something was said of it first that could not be answered
        self.put_off: dict[Any, float] = {}
        #: task → when all that it needs was named last, perhaps
        self.named_at: dict[str, float] = {}

    def run_started(self, attempt: Attempt) -> None:
        plan = self.world.plans[attempt.name]
        missing = [name for name in (*plan.deps, *plan.more) if not self.world.has(name)]
        if missing:
            self.fail(f"{attempt} began without {', '.join(missing)}")

    def served(self, call: Served) -> None:
        if not call.fresh:
            return
        if call.method == "add_task" and "name" in (call.params.get("params") or {}):
            self.names[call.params["task_id"]] = call.params["params"]["name"]
        if call.method == "add_task":
            self._needs(call, call.params.get("task_id", ""), str(call.params.get("incarnation", "")))
        if was_taken(call, "FAILED") and "unfulfilled" in str(call.params.get("expl")):
            self.fail(f"{call.params['run_id']} was begun without what it needs, and its child did not go on")
        life = str(call.params.get("incarnation", ""))
        for grant in grants_in(call):
            name = self.names.get(grant["task_id"] or "")
            if name not in self.world.plans:  # a batch, which has the needs of all its members
                continue
            self.runs[grant["run_id"]] = name, life
            before, holder = self.runs.get(grant.get("after", ""), ("", life))
            needed = [*self.world.plans[name].deps]
            needed += [self.names[task_id] for task_id in self.more.get(grant["task_id"], ())]
            missing = [known for known in needed if known != before and not self.world.has(known)]
            if missing:
                self.fail(f"{name} was handed out as {grant['run_id']} without {', '.join(missing)}")
            if holder != life:
                self.fail(f"{name} was handed out as {grant['run_id']} to follow {grant['after']} of another")

    def unanswered(self, call: Served) -> None:
        if call.method == "add_task":
            self.put_off.setdefault(call.params.get("run_id"), self.hub.now)
            if call.params.get("deps") is not None:
                self.named_at[call.params.get("task_id", "")] = inf

    def _needs(self, call: Served, task_id: str, life: str) -> None:
        """Take note of what is said that a task needs."""
        run_id, deps = call.params.get("run_id"), call.params.get("deps")
        if was_put_off(call):
            self.put_off.setdefault(run_id, call.taken_at)
        if deps is not None and (was_taken(call, PENDING, FAILED) or was_put_off(call)):
            asked = self.more.get(task_id, ())
            lost = [self.names.get(need, need) for need in asked if need not in deps]
            if lost and self.asked_by.get(task_id) == life and was_taken(call, PENDING):
                self.fail(
                    f"{call.node} names {task_id} anew, without {', '.join(lost)}, which its run asked for"
                )
            self.more.pop(task_id, None)
            self.named_at[task_id] = inf if was_put_off(call) else self.hub.now
        known_when = run_id not in self.put_off or self.named_at.get(task_id, -inf) < self.put_off[run_id]
        if known_when and was_taken(call, PENDING, SUSPENDED) and call.params.get("new_deps"):
            self.more.setdefault(task_id, []).extend(call.params["new_deps"])
            self.asked_by[task_id] = life

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.more.clear()


class BatchesAreAlike(Checker):
    """What is handed out in one batch needs the same resources, and is no more than may be."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: task → what it needs, as it was registered last
        self.needs: dict[str, Mapping[str, float]] = {}

    def served(self, call: Served) -> None:
        # who gives a run back need not say
        said = "resources" in call.params or not call.params.get("run_id")
        if was_taken(call, "PENDING") and call.fresh and said:
            self.needs[call.params["task_id"]] = call.params.get("resources") or {}
        for grant in grants_in(call):
            members = list(grant.get("batch_task_ids") or ())
            needs = [self.needs[task_id] for task_id in members if task_id in self.needs]
            if any(other != needs[0] for other in needs):
                self.fail(f"a batch of what needs {needs}: {members}")
            if len(members) > BATCH_MAX:
                self.fail(f"a batch of {len(members)}, and no more than {BATCH_MAX} are allowed: {members}")


class ClaimsAreTaken(Checker):
    """A worker that says that its run goes on is believed, unless the task went to somebody else or is over.

    So a scheduler that has lost its memory ends no work that is under way.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: tasks of which the scheduler may rightly say that another run, or none, is the live one
        self.settled: set[str] = set()

    def served(self, call: Served) -> None:
        self.settled.update(task_id for grant in grants_in(call) for task_id in granted_in(grant))
        task_id = call.params.get("task_id", "")
        if call.method == "cancel_task" or was_taken(call, "DONE", "FAILED", "DISABLED", *LIVE):
            self.settled.add(task_id)
        refused = isinstance(call.result, dict) and call.result.get("refused") == "stale_run"
        claims = call.method == "add_task" and call.params.get("status") in LIVE
        if claims and call.params.get("incarnation") is not None and not call.params.get("run_id"):
            self.fail(f"{call.node} says that {task_id} runs, and not in which run")
        if claims and refused and task_id not in self.settled:
            run_id = call.params.get("run_id")
            self.fail(f"{call.node} runs {task_id} as {run_id}, and was refused; nobody else does, or did")

    def restarted(self, node: str) -> None:
        if node == "scheduler" and self.simulation.disk is None:  # with one, the last part is lost at most
            self.settled.clear()


class DeclinedIsForOthers(Checker):
    """Who has declined a task, because it cannot load it, is not given it again and again.

    But once more after a while, or when the task has failed in between because nobody was left, or somebody
    new has come, or the scheduler has begun anew; and another life of the worker may be able to.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: life of a worker, life of the scheduler, task, its failures so far → times at which it was declined
        self.declined: dict[tuple[str, str, str, int], list[float]] = {}
        self.restarts = 0
        self.lives: set[str] = set()

    def restarted(self, node: str) -> None:
        self.restarts += node in SCHEDULERS

    def served(self, call: Served) -> None:
        self.lives.add(str(call.params.get("incarnation")))
        if not (call.fresh and call.params.get("declined") and was_taken(call, "PENDING")):
            return
        task_id = call.params["task_id"]
        for machine in self.simulation.machines():
            record = machine.tasks.get(task_id)
            failures = record.trouble.streak if record is not None and record.trouble is not None else 0
            key = (
                str(call.params["incarnation"]),
                f"{machine.epoch} {self.restarts} {len(self.lives)}",
                task_id,
                failures,
            )
            since = self.hub.now - DECLINED_S / 2
            times = self.declined[key] = [at for at in self.declined.get(key, ()) if at > since]
            times.append(self.hub.now)
            if len(times) > DECLINED_MAX:
                self.fail(f"{call.node} was given {task_id} {len(times)} times, and cannot load it")


#: a task is looked at when it has been seen disabled for so long, in seconds
DISABLED_S = 5.0


class DisabledForAReason(Checker):
    """A task is disabled when so many that had it in a row are dead or silent, or when it failed so often.

    A row ends with an end of the task, good or bad; and who said goodbye has not died. Who was told that
    nobody can say now may have been given anything, and told anything: a commit that failed may have been
    written all the same.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: task → lives of workers that had it since its last end, and when they got it
        self.holders: dict[str, dict[str, float]] = {}
        #: lives of workers whose question for work could not be answered, and tasks whose end could not be
        self.doubtful: set[str] = set()
        #: life → when it was heard last; and those that said goodbye
        self.heard: dict[str, float] = {}
        self.left: set[str] = set()
        #: task → failures since it was disabled last; a run counts once
        self.failures: dict[str, int] = {}
        self.counted: set[tuple[str, str]] = set()
        #: tasks that are disabled for their failures → since when they have been seen so; inf: it is settled
        self.disabled: dict[str, float] = {}
        self.members = Members()

    def unanswered(self, call: Served) -> None:
        if call.method in ("add_task", "get_work", "remove_worker"):
            self.doubtful.add(str(call.params.get("task_id") or call.params.get("incarnation", "")))

    def restarted(self, node: str) -> None:
        if node == "scheduler" and not self.simulation.durable:
            self.failures.clear()

    def served(self, call: Served) -> None:
        self.members.note(call)
        life, task_id = str(call.params.get("incarnation", "")), str(call.params.get("task_id"))
        if self.simulation.options.failing_commits and was_put_off(call):
            self.unanswered(call)
        if call.params.get("declined"):  # the task fails when nobody is left, and nobody has said so
            self.doubtful.add(task_id)
        if call.method in SIGNS_OF_LIFE and call.fresh:
            self.heard[life] = self.hub.now
        elif call.method == "remove_worker" and call.error is None:
            options = self.simulation.options
            if self.hub.now - self.heard.get(life, -inf) < options.lease_s * (1 - 2 * options.skew) - 1.0:
                self.left.add(life)  # and else it was given up before
        for each in (task_id for grant in grants_in(call) for task_id in granted_in(grant)):
            self.holders.setdefault(each, {})[life] = call.taken_at
        if was_taken(call, *LIVE):
            self.holders.setdefault(task_id, {})[life] = self.hub.now
        elif call.fresh and call.params.get("run_id") and was_taken(call, DONE, FAILED):
            for each in self.members.ended_by(call):  # what is said without a run may be none of the live one
                self._ended(each, call.params["run_id"], call)

    def _ended(self, task_id: str, run_id: str, call: Served) -> None:
        had_it = self.holders.get(task_id, {})
        self.holders[task_id] = {life: at for life, at in had_it.items() if at > call.taken_at}
        if was_taken(call, FAILED) and (task_id, run_id) not in self.counted:
            self.failures[task_id] = self.failures.get(task_id, 0) + 1
            self.counted.add((task_id, run_id))

    def each_second(self) -> None:
        for machine in self.simulation.machines():
            held = machine.by_status[DISABLED]
            self.disabled = {key: since for key, since in self.disabled.items() if key in held}
            for record in machine.by_status[DISABLED].values():
                trouble = record.trouble
                if trouble is None or trouble.disabled_at is None or record.task_id in self.doubtful:
                    continue
                if not trouble.deaths:
                    self._failed(record.task_id, record.policy.retry_count)
                    continue
                had_it = self.holders.get(record.task_id, {}).keys() | self.doubtful
                gone = sorted(life for life in had_it - self.left if not is_alive(self.simulation, life))
                silent = {life for _, life in trouble.silent}
                back = [
                    worker.worker_id for worker in machine.workers.values() if worker.incarnation in silent
                ]
                if len({*gone, *silent} - self.left) < machine.settings.max_worker_deaths:
                    self.fail(f"{record.task_id} was disabled for {trouble.deaths} deaths; dead are {gone}")
                elif back:
                    self.fail(f"{record.task_id} is disabled for the death of {back}, who are back")

    def _failed(self, task_id: str, limit: float) -> None:
        """It is disabled for its failures; those before count no more when it is enabled again."""
        since = self.disabled.setdefault(task_id, self.hub.now)
        if not since <= self.hub.now - DISABLED_S:
            return  # the answer to who has said that it failed may be on its way, or looked at already
        self.disabled[task_id] = inf
        found = self.failures.pop(task_id, 0)
        if found < limit:
            self.fail(f"{task_id} was disabled after {found} failures, and {limit:g} are allowed")
