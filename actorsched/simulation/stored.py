"""Checkers of what is stored: the state, the place of who writes it, and the history of the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from actorsched.core import rows
from actorsched.core.journal import CANCELLED
from actorsched.core.rows import Rows, RunRow
from actorsched.core.statuses import DONE, FAILED
from actorsched.simulation.checker import Checker
from actorsched.simulation.decisions import Members, was_taken
from actorsched.simulation.faults import SCHEDULERS
from actorsched.simulation.wire import Served, was_put_off
from actorsched.store.url import LEASE_S

if TYPE_CHECKING:
    from actorsched.core.machine import SchedulerMachine
    from actorsched.simulation.disk import SimulatedStore
    from actorsched.simulation.simulation import Simulation
    from actorsched.simulation.world import Attempt

#: the history is written so much later, at most: what comes within half a second is collected
WRITTEN_S = 5.0
#: a run of the history took so much longer or shorter than it did, at most: its child does more than the run
TIMED_S = 1.0
#: so many commits in a row are looked at; then, as that costs a millisecond, one of so many others
FIRST, ONE_OF = 200, 10


class StoredIsMemory(Checker):
    """What is stored is what the scheduler has in memory, after each commit.

    It is compared as a next life would read it: with workers in place of the numbers of their sets.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.commits = 0

    def committed(self, machine: SchedulerMachine, store: SimulatedStore) -> None:
        self.commits += 1
        if self.commits > FIRST and self.commits % ONE_OF:
            return
        memory, stored = _plain(machine.export()), _plain(store.stored())
        if memory != stored:
            keys = [key for key in memory | stored if memory.get(key) != stored.get(key)]
            key = keys[0]
            self.fail(
                f"commit {self.commits}: {len(keys)} rows differ, the first is {key}:"
                f" {memory.get(key)} in memory, {stored.get(key)} in the store"
            )


class PlaceIsKept(Checker):
    """Nobody takes the place of a scheduler that is there and has written something within its lease.

    The fences of the store make even that safe. But two schedulers that take the place from each other do
    nothing else.
    """

    def place_taken(self, store: SimulatedStore, former: SimulatedStore | None, silent_s: float) -> None:
        if former is None or former is store or not former.is_held:
            return
        lease_s = LEASE_S * (1 - 2 * self.simulation.options.skew) - 0.5
        if silent_s < lease_s:
            self.fail(
                f"{store.node.name} took the place of {former.node.name}, which wrote {silent_s:.1f} s ago;"
                f" its lease is {LEASE_S:.1f} s"
            )


class HistoryIsWhole(Checker):
    """Each acknowledged end of a run is in the history, a good one once; of a batch, that of each member.

    And it took as long as it says there, by the clock of its worker: however late its end was reported.

    It is written a moment later, when there is room again at last, and what is on its way then is lost with
    the process; so is what was in a commit that failed, and was written all the same, when the scheduler ends
    before it knows, or another one takes the place. And what the state has lost with the power, the history
    may have kept.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.read = 0
        #: (task, run) of good ends in the history, and of others
        self.known: set[tuple[str, str]] = set()
        self.failed: set[tuple[str, str]] = set()
        #: (task, run) of what has to be in it soon → whether it is a good end, and since when
        self.owed: dict[tuple[str, str], tuple[bool, float]] = {}
        self.members = Members()
        #: runs whose end was in a commit that failed, as far as this scheduler was told
        self.put_off: set[str] = set()
        #: runs whose end was in one of which nobody knows any more, or was answered before
        self.doubtful: set[str] = set()
        #: run → seconds that it took
        self.took: dict[str, float] = {}

    def run_ended(self, attempt: Attempt) -> None:
        if attempt.ended_at is not None:
            self.took[attempt.run_id] = attempt.ended_at - attempt.started_at

    def served(self, call: Served) -> None:
        self.members.note(call)
        run_id = call.params.get("run_id")
        if was_put_off(call) and run_id:
            (self.doubtful if "standby" in self.simulation.nodes else self.put_off).add(run_id)
        if not was_taken(call, DONE, FAILED) or not run_id or run_id in self.doubtful:
            return
        self.doubtful.add(run_id)
        good = was_taken(call, DONE)
        for task_id in self.members.ended_by(call):
            self.owed.setdefault((task_id, run_id), (good, self.hub.now))

    def unanswered(self, call: Served) -> None:
        if call.params.get("run_id"):
            self.doubtful.add(call.params["run_id"])

    def restarted(self, node: str) -> None:
        if node in SCHEDULERS:
            self.owed.clear()
            self.doubtful |= self.put_off
            self.put_off.clear()
        if not self.simulation.durable:  # the state forgot the end of a run, and it may end once more
            self.known.clear()
            disk = self.simulation.disk
            self.read = len(disk.history) if disk is not None else 0

    def each_second(self) -> None:
        disk = self.simulation.disk
        if disk is None or not self.simulation.options.history:
            return
        for row in disk.history[self.read :]:
            key = row.task_id, str(row.run_id)
            if row.outcome == DONE and key in self.known:
                self.fail(f"the history has the good end of {row.task_id}, run {row.run_id}, twice")
            if row.outcome == DONE:
                self.known.add(key)
                self._check_time(row)
            elif row.outcome in (FAILED, CANCELLED):
                self.failed.add(key)
        self.read = len(disk.history)
        nodes = [self.simulation.nodes[name] for name in SCHEDULERS if name in self.simulation.nodes]
        if any(not node.up for node in nodes):
            self.owed.clear()
        waits = disk.full or any(node.paused or node.sluggish_s for node in nodes)
        for key, (good, since) in list(self.owed.items()):
            if key in (self.known if good else self.failed):
                del self.owed[key]
            elif waits:
                self.owed[key] = good, self.hub.now
            elif self.hub.now - since > WRITTEN_S:
                del self.owed[key]
                how = "good" if good else "bad"
                self.fail(f"the {how} end of {key[0]}, run {key[1]}, is not in the history")

    def _check_time(self, row: RunRow) -> None:
        took_s = self.took.get(str(row.run_id))
        if not took_s or row.started is None:  # nobody tells of no time at all
            return
        told_s = row.ended - row.started
        if abs(told_s - took_s) > took_s * 2 * self.simulation.options.skew + TIMED_S:
            self.fail(
                f"run {row.run_id} of {row.task_id} took {took_s:.1f} s, and {told_s:.1f} by the history"
            )


def _plain(all_rows: Rows) -> dict[Any, Any]:
    """Rows by key, with nothing in them that says how they are numbered."""
    items = {(kind, key): msgspec.to_builtins(row) for kind, key, row in all_rows.items}
    sets = {"0": [[]]} | {key: row for (kind, key), row in items.items() if kind == rows.WORKER_SET}
    known = {row[0]: (key, row[4]) for (kind, key), row in items.items() if kind == rows.WORKER}
    plain: dict[Any, Any] = {key: row for key, row in items.items() if key[0] != rows.WORKER_SET}
    for seq, task, progress in all_rows.tasks:
        values = msgspec.structs.asdict(task)
        values["crew"] = [known[n][0] for n in sets[str(task.crew)][0] if n in known and not known[n][1]]
        values["stake"] = [known[n][0] for n in sets[str(task.stake)][0] if n in known]
        step = msgspec.to_builtins(progress)
        if step is not None and step == ["PENDING", values["start_time"], *[None] * 10]:
            step = None  # it has done nothing since it was registered, and a row may say so
        plain["task", seq] = msgspec.to_builtins(values), step
    return plain
