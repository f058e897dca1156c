"""Who a worker is: its incarnation, whether it is known, how long it may be silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched.core.instant import Instant
from actorsched.core.transitions import lose
from actorsched.core.worker import WorkerRecord

if TYPE_CHECKING:
    from actorsched.core.state import State


def meet(state: State, worker: WorkerRecord, incarnation: Any, now: Instant) -> bool:
    """Look at the incarnation that a message carries.

    Messages without one (stock clients) are of the present life. One that was never seen begins a new
    life: what the former life ran is lost, what it left unread is void, and it has to register again.

    Returns:
        False when the message comes from an earlier life and must be refused.
    """
    known = worker.incarnation
    if incarnation is None or incarnation == known:
        return True
    if known is not None:
        if incarnation in worker.former_incarnations:
            return False
        worker.former_incarnations.append(known)
        lose_runs(state, worker, now)
        worker.rpc_messages.clear()
        worker.known = False
    worker.incarnation = incarnation
    state.touch_worker(worker)
    return True


def renew_all(state: State, now: Instant) -> None:
    """Give every worker one full lease from now: nobody listened for a while, so nobody could be heard."""
    for worker in state.workers.values():
        worker.last_active = now


def lose_runs(state: State, worker: WorkerRecord, now: Instant) -> None:
    """All that the worker ran is lost with it."""
    for record in list(worker.runs):
        lose(state, record, now)
