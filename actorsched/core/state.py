"""All that a scheduler knows, and the few operations that keep its parts in step.

The methods of the machine live beside this, grouped by what they are for; each works on a `State`. A
record changes its crew, stake, demand and priority only here, its status only in transitions.py, its
dependencies only in edges.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from actorsched.config import SchedulerSettings
from actorsched.core.batches import BatchIndex
from actorsched.core.deaths import forget_deaths
from actorsched.core.demands import Demand, Resources
from actorsched.core.edges import attach, cut_off, detach, look_again
from actorsched.core.facets import (
    ABSENT,
    F_COUNTABLE,
    F_DEMANDING,
    F_HOPEFUL,
    F_PENDING,
    F_READY,
    F_RETRIED,
    F_SPREADING,
    account,
    lift,
    requeue,
    settle,
    spread,
)
from actorsched.core.instant import Instant
from actorsched.core.journal import Journal
from actorsched.core.policy import RetryPolicy, said_of
from actorsched.core.ready import ReadyQueue
from actorsched.core.record import TaskRecord
from actorsched.core.rows import AnnouncedRow, Changes
from actorsched.core.statuses import FAILED, PENDING, RUNNING, STATUSES
from actorsched.core.timers import Kind, Timers
from actorsched.core.worker import WorkerRecord
from actorsched.core.workersets import WorkerSet, WorkerSets

#: of workers that were given up, and of what nobody can load, so many are told of when nobody asks for long
GIVEN_UP_MAX = 1000
#: of the announced scheduling failures, so many are kept
ANNOUNCED_MAX = 100
#: so many retry policies are shared, before it begins anew
POLICIES_MAX = 1_000


class State:
    def __init__(
        self,
        settings: SchedulerSettings,
        *,
        resources: Mapping[str, int] | None = None,
        epoch: str = "",
        journal: bool = False,
    ) -> None:
        self.settings = settings
        #: one life of this state; part of every run id
        self.epoch = epoch
        #: in order of registration
        self.tasks: dict[str, TaskRecord] = {}
        self.by_status: dict[str, dict[str, TaskRecord]] = {status: {} for status in STATUSES}
        #: the same in a list, for pages: sorted by seq, may hold records that are gone
        self.by_seq: list[TaskRecord] = []
        self.workers: dict[str, WorkerRecord] = {}
        self.crews = WorkerSets(attrgetter("crew"))
        self.stakes = WorkerSets(attrgetter("stake"))
        self.resources = Resources(resources)
        #: capacities that it was started with
        self.configured: dict[str, int] = dict(resources or {})
        self.ready = ReadyQueue(self.resources)
        self.batches = BatchIndex(self.resources)
        self.timers = Timers()
        #: who waits for a task that has no record, by its id
        self.awaited: dict[str, dict[TaskRecord, None]] = {}
        #: records that close a dependency cycle (see edges.py)
        self.cyclic: dict[TaskRecord, None] = {}
        #: perhaps barred by nothing but a cycle; looked at before the call ends (see facets.py)
        self.suspects: list[TaskRecord] = []
        #: runnable, but only an assistant could run them now
        self.unserved: dict[TaskRecord, None] = {}
        #: FAILED with their worker, due again at the next look at time
        self.lost: dict[TaskRecord, None] = {}
        #: FAILED because nobody could load it, and whether somebody has come since the last look at time
        #: (declining.py)
        self.stranded: dict[TaskRecord, None] = {}
        self.newcomers = False
        #: id of a worker that may come back → records against which its death counts (deaths.py)
        self.silent: dict[str, dict[TaskRecord, None]] = {}
        #: whom time has taken since somebody asked: worker, seconds of silence, runs; to tell people
        self.given_up: deque[tuple[str, float, int]] = deque(maxlen=GIVEN_UP_MAX)
        #: what has failed since then because nobody can load it: module, family, tasks, why; to tell people
        self.unloadable: deque[tuple[str | None, str, int, str]] = deque(maxlen=GIVEN_UP_MAX)
        #: perhaps without stakeholder and removal time; looked at when time is looked at
        self.unwanted: list[TaskRecord] = []
        self.n_hopeful = 0
        #: somebody may have nothing left to wait for since the last look (waking.py)
        self.despaired = False
        #: workers that got less work than they asked for: how much less, and how many tasks can still become
        #: DONE for them; and workers with messages that they may not know of
        self.hungry: dict[str, tuple[int, int]] = {}
        self.told: dict[str, None] = {}
        #: workers that are assistants
        self.assistants = 0
        self.paused = False
        #: scheduling failures that clients announced, newest last; for the outside to report
        self.scheduling_failures: list[dict[str, Any]] = []
        self.n_announced = 0
        self.policy = RetryPolicy(
            settings.retry_count, settings.disable_hard_timeout, settings.disable_window, settings.retry_delay
        )
        self._policies: dict[RetryPolicy, RetryPolicy] = {self.policy: self.policy}
        #: what has changed since it was looked at; None: nobody will ever look
        self.journal: Journal | None = Journal() if journal else None
        self.touch_control()
        self._words: dict[str, str] = {}
        self._seq = 0
        self._tickets = 0
        self._serials = 0

    def word(self, text: str) -> str:
        """The same text as one string for all records: families and modules are few."""
        return self._words.setdefault(text, text)

    def ticket(self, kind: str = "") -> str:
        """A new id, unique in all epochs."""
        self._tickets += 1
        return f"{self.epoch}-{kind}{self._tickets}"

    # -- changes, for a store (see journal.py)

    def touch(self, record: TaskRecord) -> None:
        """Something in its progress row is changed."""
        if self.journal is not None:
            self.journal.moved[record] = None

    def touch_definition(self, record: TaskRecord) -> None:
        if self.journal is not None:
            self.journal.defined[record] = None

    def touch_worker(self, worker: WorkerRecord) -> None:
        if self.journal is not None:
            self.journal.touch_worker(worker)

    def touch_batchers(self, worker_id: str) -> None:
        if self.journal is not None:
            self.journal.touch_batchers(worker_id)

    def touch_control(self) -> None:
        if self.journal is not None:
            self.journal.touch_control()

    def take_changes(self) -> Changes:
        """The rows of all that has changed since the last look. Only for a state with a journal."""
        assert self.journal is not None
        return self.journal.take(self)

    # -- workers

    def worker(self, worker_id: str, now: Instant) -> WorkerRecord:
        """The worker's record; a new one if there is none."""
        found = self.workers.get(worker_id)
        if found is None:
            self._serials += 1
            found = self.workers[worker_id] = WorkerRecord(worker_id, now, self._serials)
            self.touch_worker(found)
            self.timers.arm(now.monotonic + self.settings.worker_disconnect_delay, Kind.SILENCE, found)
        return found

    def skip_serials(self, last: int) -> None:
        """Give no new worker a serial number up to this one."""
        self._serials = max(self._serials, last)

    def renew(self, worker: WorkerRecord, now: Instant) -> None:
        """The worker is alive."""
        worker.last_active = now

    def tell(self, worker: WorkerRecord, name: str, **kwargs: Any) -> None:
        """Leave a message that the worker gets with its next ping."""
        worker.rpc_messages.append({"name": name, "kwargs": kwargs})
        self.told[worker.worker_id] = None
        self.touch_worker(worker)

    def set_assistant(self, worker: WorkerRecord, assistant: bool) -> None:
        """Count assistants; tasks that only an assistant can run depend on whether there is one."""
        if worker.assistant != assistant:
            worker.assistant = assistant
            self.newcomers |= assistant
            had_any = bool(self.assistants)
            self.assistants += 1 if assistant else -1
            if had_any != bool(self.assistants):
                for record in list(self.unserved):
                    settle(self, record)

    # -- records

    def create(self, task_id: str, status: str, priority: float, now: Instant) -> TaskRecord:
        """A new record, in all indexes, with nothing accounted: the caller settles it."""
        self._seq += 1
        nobody = self.crews.nobody, self.stakes.nobody
        record = TaskRecord(
            task_id,
            self._seq,
            status,
            priority,
            now.wall,
            *nobody,
            self.resources.nothing,
            self.policy,
            ABSENT,
        )
        self.tasks[task_id] = self.by_status[status][task_id] = record
        self.by_seq.append(record)
        if self.awaited:
            attach(self, record)
        if self.journal is not None:
            self.journal.create(record)
        return record

    def enter(self, record: TaskRecord) -> None:
        """Put a record that was read into the indexes by id, status and order; they come in order."""
        self._seq = record.seq
        self.tasks[record.task_id] = self.by_status[record.status][record.task_id] = record
        self.by_seq.append(record)

    def remove(self, record: TaskRecord) -> None:
        """Forget the record. It must not be live."""
        cut_off(self, record)
        old = record.facets
        account(self, record, ABSENT)
        if (old ^ ABSENT) & F_SPREADING and record.dependents is not None:
            spread(self, record, old, ABSENT)
        detach(self, record)
        del self.tasks[record.task_id]
        del self.by_status[record.status][record.task_id]
        if self.cyclic:
            look_again(self)
        if self.suspects:
            lift(self)
        self.lost.pop(record, None)
        self.stranded.pop(record, None)
        if record.trouble is not None and record.trouble.deaths:
            forget_deaths(self, record, record.trouble)
        if self.journal is not None:
            self.journal.remove(record)
        self.crews.leave(record.crew)
        self.stakes.leave(record.stake)
        record.crew, record.stake = self.crews.nobody, self.stakes.nobody
        if len(self.by_seq) > 2 * len(self.tasks) + 64:
            self.by_seq = [known for known in self.by_seq if self.has(known)]

    def has(self, record: TaskRecord) -> bool:
        return self.tasks.get(record.task_id) is record

    def set_crew(self, record: TaskRecord, crew: WorkerSet) -> None:
        """Change who can run it. The caller settles the record."""
        facets, old = record.facets, record.crew
        if facets & F_READY:
            self.ready.discard(record)
        if old is not self.crews.nobody:
            self.crews.leave(old)
        if facets & F_PENDING:
            old.pending -= 1
            crew.pending += 1
        if facets & F_COUNTABLE:
            old.countable -= 1
            crew.countable += 1
        if facets & F_DEMANDING:
            old.demanding -= 1
            crew.demanding += 1
        if facets & F_RETRIED:
            old.retried -= 1
            crew.retried += 1
        record.crew = crew
        self.touch_definition(record)
        self.crews.join(record, crew)
        if facets & F_READY:
            requeue(self, record)

    def set_stake(self, record: TaskRecord, stake: WorkerSet) -> None:
        old = record.stake
        if old is not self.stakes.nobody:
            self.stakes.leave(old)
        if record.facets & F_HOPEFUL:
            old.hopeful -= 1
            self.despaired = True
            stake.hopeful += 1
        record.stake = stake
        self.touch_definition(record)
        self.stakes.join(record, stake)

    def set_demand(self, record: TaskRecord, demand: Demand) -> None:
        """Change what it needs. The caller settles the record."""
        booked = record.status == RUNNING and record.resources_running is None
        if booked:
            self.resources.release(record.demand.needs)
        if record.facets & F_READY:
            self.ready.discard(record)
        record.demand = demand
        self.touch_definition(record)
        if record.facets & F_READY:
            requeue(self, record)
        if booked:
            self.resources.charge(demand.needs)

    def raise_priority(self, record: TaskRecord, priority: float) -> None:
        """Raise it, and that of everything upstream; nothing is ever lowered."""
        if priority > record.priority:
            self._reprioritise(record, priority)
        tasks = self.tasks
        stack = [record]
        while stack:
            known = stack.pop()
            priority = known.priority
            for dep in known.deps:
                upstream = tasks.get(dep)
                if upstream is not None and priority > upstream.priority:
                    self._reprioritise(upstream, priority)
                    if upstream.deps:
                        stack.append(upstream)

    def _reprioritise(self, record: TaskRecord, priority: float) -> None:
        queued = record.facets & F_READY
        if queued:
            self.ready.discard(record)
        record.priority = priority
        self.touch_definition(record)
        if queued:
            requeue(self, record)

    def schedule_removal(self, record: TaskRecord, at: float) -> None:
        record.remove_at = at
        self.touch(record)
        self.timers.arm(at, Kind.REMOVE, record)

    def policy_from(self, wanted: Mapping[str, Any] | None) -> RetryPolicy:
        """The policy with the settings for what is not said.

        Raises:
            InvalidParamsError: a value that makes no sense.
        """
        if not wanted:
            return self.policy
        said = said_of(wanted)
        return self.intern_policy(self.policy._replace(**said)) if said else self.policy

    def intern_policy(self, policy: RetryPolicy) -> RetryPolicy:
        """The same policy as one object for all records."""
        if len(self._policies) >= POLICIES_MAX:
            self._policies = {self.policy: self.policy}
        return self._policies.setdefault(policy, policy)

    def announce(self, failure: dict[str, Any]) -> None:
        """Remember a scheduling failure; the newest ones are kept."""
        self.n_announced += 1
        self.scheduling_failures.append(failure)
        del self.scheduling_failures[:-ANNOUNCED_MAX]
        if self.journal is not None:
            self.journal.announce(str(self.n_announced), AnnouncedRow(failure))
            if self.n_announced > ANNOUNCED_MAX:
                self.journal.announce(str(self.n_announced - ANNOUNCED_MAX), None)

    def configure_resources(self, capacities: Mapping[str, int]) -> None:
        flipped = self.resources.configure(capacities)
        self.touch_control()
        if flipped:  # rare: a human changed what there is
            for status in (PENDING, FAILED):
                for record in list(self.by_status[status].values()):
                    if record.demand in flipped:
                        settle(self, record)
