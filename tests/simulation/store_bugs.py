"""Bugs of how a scheduler keeps its state, of a standby, and of a history; see `bugs.py`."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.actors.doubt import Doubt
from actorsched.actors.history_writer import HistoryWriter
from actorsched.actors.keeping import Keeper
from actorsched.core.journal import UNTOLD, Journal
from actorsched.core.transitions import change
from actorsched.errors import StoreUnavailableError
from actorsched.simulation.disk import SimulatedDisk
from actorsched.store.memory import MemoryStore


def answers_are_stored_later(patch: pytest.MonkeyPatch) -> None:
    """What was answered is not in the commit that holds its effect, but in the next one."""
    commit = Keeper.commit
    late: dict[Keeper, list[Any]] = {}

    def apart(keeper: Keeper, **how: Any) -> None:
        answers = keeper._new_replies
        keeper._new_replies = late.pop(keeper, [])
        try:
            commit(keeper, **how)
        finally:
            late[keeper] = answers

    patch.setattr(Keeper, "commit", apart)


def answers_are_not_stored(patch: pytest.MonkeyPatch) -> None:
    """They are remembered until the scheduler ends."""
    patch.setattr(Keeper, "remember", lambda keeper, *frame: keeper.replies.remember(*frame))


def commits_are_not_fenced(patch: pytest.MonkeyPatch) -> None:
    """A commit does not look who has the place."""
    patch.setattr(MemoryStore, "hold", lambda *_: None)


def restored_runs_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A scheduler that reads its state takes no notice of who runs what."""
    load = Keeper._load

    def careless(keeper: Keeper, *args: Any) -> None:
        load(keeper, *args)
        machine = keeper.peek()
        assert machine is not None
        for worker in machine.workers.values():
            for record in list(worker.runs):
                change(machine, record, "PENDING", keeper.now())

    patch.setattr(Keeper, "_load", careless)


def failed_commits_are_taken_for_good(patch: pytest.MonkeyPatch) -> None:
    """What could not be stored is answered as if it were."""
    commit = Keeper.commit

    def trusting(keeper: Keeper, **how: Any) -> None:
        machine = keeper.peek()
        try:
            commit(keeper, **how)
        except StoreUnavailableError:
            keeper._machine = machine

    patch.setattr(Keeper, "commit", trusting)


def a_standby_is_hasty(patch: pytest.MonkeyPatch) -> None:
    """It takes the place of a scheduler that has shown no sign of life since the last look."""
    patch.setattr(Keeper, "_has_stood_still", lambda *_: True)


def torn_commits_are_read(patch: pytest.MonkeyPatch) -> None:
    """Of a commit that was cut off by a power cut, that part is taken which is there."""
    lose_power = SimulatedDisk.lose_power

    def torn(disk: SimulatedDisk) -> int:
        before = list(disk._unsynced)
        lost = lose_power(disk)
        if lost:
            commit = before[len(before) - lost]
            half = commit._replace(progress=commit.progress[::2], items=commit.items[::2], replies=[])
            disk._safe.write(half)
            disk.written.copy(disk._safe)
        return lost

    patch.setattr(SimulatedDisk, "lose_power", torn)


def state_has_no_time_of_its_own(patch: pytest.MonkeyPatch) -> None:
    """A standby goes by its own clock, and not by that of the state that it has read."""
    load = Keeper._load

    def timeless(keeper: Keeper, *args: Any) -> None:
        load(keeper, *args)
        keeper._shift_s = 0.0

    patch.setattr(Keeper, "_load", timeless)


def histories_lose_what_comes_together(patch: pytest.MonkeyPatch) -> None:
    """Of what is collected before it is written, the last is written."""
    collect = HistoryWriter._collect

    def hasty(writer: HistoryWriter, runs: Any) -> None:
        writer._collected.clear()
        collect(writer, runs)

    patch.setattr(HistoryWriter, "_collect", hasty)


def histories_have_no_batches(patch: pytest.MonkeyPatch) -> None:
    """The end of a member of a batch is not noted."""
    end_run = Journal.end_run

    def single(journal: Journal, state: Any, record: Any, *args: Any) -> None:
        if record.batch_id is None:
            end_run(journal, state, record, *args)

    patch.setattr(Journal, "end_run", single)


def runs_end_with_their_report(patch: pytest.MonkeyPatch) -> None:
    """A run took until its report."""
    deaf = property(lambda journal: UNTOLD, lambda journal, told: None)
    patch.setattr(Journal, "told_times", deaf, raising=False)


def ends_in_doubt_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A history is not told of runs whose end was in a commit that failed, and was written all the same."""
    patch.setattr(Doubt, "written", lambda *_: ())


def ends_in_doubt_are_told(patch: pytest.MonkeyPatch) -> None:
    """A history is told of runs whose end was in a commit that failed, also when it was not written."""
    patch.setattr(Doubt, "written", lambda doubt, *_: doubt.runs)
