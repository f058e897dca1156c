"""Who a worker is: which of its lives speaks, whether it is known, how long it may be silent.

An id may be used again: by a process that begins where another one crashed, or by mistake. Each life has a
name of its own (its incarnation), and names have no order: clocks step, and what a crashed life has sent may
arrive at any time, also for the first time. So the order is made here. The life that is met first is the
present one; another one that was never seen before has to say which life it `replaces`, and can know
that only from an answer. So the words of a dead process, which hears no answers, never end the life of a
living one (the three-way handshake of TCP rests on the same thought). It costs one round trip, and only
where an id is used again within a lease. What was turned down: the time of the start in the name, because a
clock that was put back would lock a worker out; numbers given out with the first answer, because the
first message that a dead process has sent would get the highest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched.core.deaths import take_back_deaths
from actorsched.core.declining import ask_again
from actorsched.core.facets import settle
from actorsched.core.instant import Instant
from actorsched.core.record import TaskRecord
from actorsched.core.results import Refused
from actorsched.core.statuses import DISABLED, FAILED
from actorsched.core.transitions import lose, move
from actorsched.core.worker import WorkerRecord

if TYPE_CHECKING:
    from actorsched.core.state import State

#: former lives of a worker that are remembered; with so many others between, two lives do not meet
FORMER_MAX = 100


def hear(
    state: State, worker_id: str, incarnation: Any, now: Instant, replaces: Any = None
) -> tuple[WorkerRecord, Refused | None]:
    """A message of a worker has come: a sign of life, if it is from the present one.

    Messages without an incarnation (stock clients) are of the present life.

    Args:
        replaces: the life that this one knows of and takes the place of.

    Returns:
        the worker's record, and a refusal when the message comes from another life; then nothing has changed.
    """
    worker = state.worker(worker_id, now)
    if incarnation is not None and incarnation != worker.incarnation:
        refused = _meet(state, worker, incarnation, replaces, now)
        if refused is not None:
            return worker, refused
    state.renew(worker, now)
    return worker, None


def _meet(
    state: State, worker: WorkerRecord, incarnation: Any, replaces: Any, now: Instant
) -> Refused | None:
    """Begin a new life, if this is one: what the former life ran is lost, what it left unread is void, and it
    has to register again."""
    present = worker.incarnation
    if present is not None:
        if incarnation in worker.former_incarnations:
            return {"refused": "stale_incarnation"}
        if replaces != present:
            return {"refused": "unproven_incarnation", "present": present}
        worker.former_incarnations.append(present)
        del worker.former_incarnations[:-FORMER_MAX]
        lose_runs(state, worker, now)
        ask_again(state, worker.worker_id)
        state.newcomers = True
        worker.rpc_messages.clear()
        worker.known = False
    worker.incarnation = incarnation
    state.touch_worker(worker)
    for record in take_back_deaths(state, worker.worker_id, incarnation):
        _lift(state, record, now)
    return None


def _lift(state: State, record: TaskRecord, now: Instant) -> None:
    """A worker that was taken for dead is back: a task that was disabled for that is due again."""
    trouble = record.get_trouble()
    if (
        record.status == DISABLED
        and trouble.disabled_at is not None
        and trouble.deaths < state.settings.max_worker_deaths
    ):
        trouble.disabled_at = None
        trouble.lost = True
        state.lost[record] = None
        record.expl = None
        move(state, record, FAILED, now)
        settle(state, record)


def renew(state: State, worker_id: str, incarnation: Any, now: Instant) -> None:
    """Take a copy of a message that was heard before for what it is: a sign of life, and nothing else."""
    worker = state.workers.get(worker_id)
    if worker is not None and (incarnation is None or incarnation == worker.incarnation):
        state.renew(worker, now)


def renew_all(state: State, now: Instant) -> None:
    """Give every worker one full lease from now: nobody listened for a while, so nobody could be heard."""
    for worker in state.workers.values():
        worker.last_active = now


def lose_runs(state: State, worker: WorkerRecord, now: Instant, *, silent: bool = False) -> None:
    """All that the worker ran is lost with it; `silent`: it may come back."""
    for record in list(worker.runs):
        lose(state, record, now, silent=silent)
