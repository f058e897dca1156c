"""What each scenario rests on, taken away: one rule of the shipped code, or several that do the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from actorsched.actors.duties import Duties
from actorsched.actors.inquiry import Inquiry
from actorsched.actors.keeping import Keeper
from actorsched.actors.messages import Call
from actorsched.actors.patience import NoAnswerError, Patience
from actorsched.actors.slot import SlotActor
from actorsched.actors.staff import Run
from actorsched.actors.worker import WorkerActor
from actorsched.core import granting, leases, registering
from actorsched.core.instant import Instant
from actorsched.core.machine import SchedulerMachine
from actorsched.core.state import State
from actorsched.errors import SchedulerUnreachableError
from actorsched.rpc.replies import ReplyMemory
from actorsched.simulation.disk import SimulatedStore
from actorsched.store.memory import MemoryStore
from actorsched.tasks.outcome import Outcome


def fences(patch: pytest.MonkeyPatch) -> None:
    """Whatever run a report is of, it is taken for one of the live run."""
    add_task = SchedulerMachine.add_task

    def unfenced(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        record = machine.tasks.get(params.get("task_id", ""))
        if params.get("run_id") and record is not None and record.run_id is not None:
            params |= {"run_id": record.run_id, "worker": record.worker_running, "incarnation": None}
        return add_task(machine, now, *args, **params)

    patch.setattr(SchedulerMachine, "add_task", unfenced)


def proofs_of_life(patch: pytest.MonkeyPatch) -> None:
    """A life that nobody has seen before is taken for the newest."""
    meet = leases._meet

    def believing(state: State, worker: Any, incarnation: Any, replaces: Any, now: Instant) -> Any:
        return meet(state, worker, incarnation, worker.incarnation, now)

    patch.setattr(leases, "_meet", believing)


def giving_back_while_draining(patch: pytest.MonkeyPatch) -> None:
    """A worker that was told to stop begins what is handed to it."""
    begin = WorkerActor._begin

    def heedless(worker: WorkerActor, *args: Any) -> None:
        stopping, worker._stopping = worker._stopping, False
        begin(worker, *args)
        worker._stopping = stopping

    patch.setattr(WorkerActor, "_begin", heedless)


def reply_memory(patch: pytest.MonkeyPatch) -> None:
    """A request that comes twice takes effect twice."""
    patch.setattr(ReplyMemory, "recall", lambda *_: None)


def second_handing_out(patch: pytest.MonkeyPatch) -> None:
    """Neither is an answer given again, nor are runs compared that the two sides believe in."""
    reply_memory(patch)
    patch.setattr(granting, "_reconcile", lambda *_: [])


def signs_of_life(patch: pytest.MonkeyPatch) -> None:
    """Only a ping is one."""
    hear = leases.hear

    def deaf(state: State, worker_id: str, incarnation: Any, now: Instant, replaces: Any = None) -> Any:
        known = state.workers.get(worker_id)
        before = known.last_active if known is not None else now
        heard = hear(state, worker_id, incarnation, now, replaces)
        heard[0].last_active = before
        return heard

    patch.setattr(registering, "hear", deaf)
    patch.setattr(granting, "hear", deaf)


def declining(patch: pytest.MonkeyPatch) -> None:
    """What a worker cannot load has failed."""
    report = Duties.report

    def strict(duties: Duties, run: Run, outcome: Outcome, loaded: Any) -> list[Call]:
        return report(duties, run, msgspec.structs.replace(outcome, unloadable=""), loaded)

    patch.setattr(Duties, "report", strict)


def returning_the_queue(patch: pytest.MonkeyPatch) -> None:
    """What waits behind a long run goes on waiting."""
    patch.setattr(SlotActor, "_return_queue", lambda *_: None)


def asking_unasked(patch: pytest.MonkeyPatch) -> None:
    """A worker asks for work when somebody says that there is some, and never else."""
    patch.setattr(Inquiry, "rest", lambda *_: None)


def counting_of_deaths(patch: pytest.MonkeyPatch) -> None:
    """Each death of a worker is the first one."""
    lose = leases.lose

    def innocent(state: State, record: Any, now: Instant, *, silent: bool) -> None:
        record.get_trouble().deaths = 0
        lose(state, record, now, silent=silent)

    patch.setattr(leases, "lose", innocent)


def registering_again(patch: pytest.MonkeyPatch) -> None:
    """A worker that is not known does not tell what it owes."""
    patch.setattr(WorkerActor, "_register_again", lambda *_: None)


def cooldown(patch: pytest.MonkeyPatch) -> None:
    """PENDING is a wish for another run, however soon after the end."""
    add_task = SchedulerMachine.add_task

    def eager(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        record = machine.tasks.get(params.get("task_id", ""))
        if record is not None and record.done_at is not None and params.get("status") == "PENDING":
            record.done_at = -1e9
        return add_task(machine, now, *args, **params)

    patch.setattr(SchedulerMachine, "add_task", eager)


def absorbing_ends(patch: pytest.MonkeyPatch) -> None:
    """Whoever says that a run goes on is believed, whatever is known of the task."""
    patch.setattr(registering, "_can_be_claimed", lambda _, status: status == "RUNNING")


def patience(patch: pytest.MonkeyPatch) -> None:
    """A request is sent once."""

    def once(self: Patience, attempt: Callable[[float], Any], patience_s: float | None = None) -> Any:
        try:
            return attempt(self._settings.connect_timeout)
        except NoAnswerError as error:
            raise SchedulerUnreachableError(str(error)) from None

    patch.setattr(Patience, "keep_trying", once)


def commits_in_time(patch: pytest.MonkeyPatch) -> None:
    """What is told is stored some time later, with other things."""
    commit, due = Keeper.commit, itertools.count()

    def lazy(keeper: Keeper, *, only_if_due: bool = False) -> None:
        if next(due) % 8 == 0:
            commit(keeper, only_if_due=only_if_due)

    patch.setattr(Keeper, "commit", lazy)


def refusing_what_cannot_be_stored(patch: pytest.MonkeyPatch) -> None:
    """A scheduler that cannot store something goes on all the same."""
    written = SimulatedStore.commit

    def unstored(self: SimulatedStore, *args: Any) -> None:
        if not self.hard.full:
            written(self, *args)

    patch.setattr(SimulatedStore, "commit", unstored)


def fences_of_the_store(patch: pytest.MonkeyPatch) -> None:
    """A commit does not look who has the place."""
    patch.setattr(MemoryStore, "hold", lambda *_: None)


def replies_in_the_store(patch: pytest.MonkeyPatch) -> None:
    """Answers are remembered until the scheduler ends."""
    patch.setattr(Keeper, "remember", lambda keeper, *frame: keeper.replies.remember(*frame))


def notes_on_workers(patch: pytest.MonkeyPatch) -> None:
    """What changes in a worker is not written."""
    patch.setattr(State, "touch_worker", lambda *_: None)
