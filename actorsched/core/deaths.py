"""The deaths of workers in a row while they ran a task, and those that may turn out to be none.

A worker that is silent for a lease is taken for dead, and that is all that can be known then: it may have
been killed by what it ran, or be cut off, or stand still. When that very life is heard of again, it was not
killed, and its death does not count against the tasks any more. (A client that names no incarnation cannot
show that it is the one that was silent; its deaths stay counted.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from actorsched.core.record import TaskRecord, Trouble

if TYPE_CHECKING:
    from actorsched.core.state import State


def suspect(state: State, record: TaskRecord, trouble: Trouble, worker_id: str, incarnation: Any) -> None:
    """Note that the last death that was counted is only a silence so far."""
    trouble.silent.append((worker_id, incarnation))
    state.silent.setdefault(worker_id, {})[record] = None


def forget_deaths(state: State, record: TaskRecord, trouble: Trouble) -> None:
    """Begin the count anew: the task has ended, or is gone."""
    trouble.deaths = 0
    for worker_id, _ in trouble.silent:
        known = state.silent.get(worker_id)
        if known is not None:
            known.pop(record, None)
            if not known:
                del state.silent[worker_id]
    trouble.silent.clear()


def take_back_deaths(state: State, worker_id: str, incarnation: Any) -> Iterator[TaskRecord]:
    """A life of this worker has come, or has come back: its own silence does not count any more.

    What earlier lives of it left is settled: they are gone.

    Yields:
        the records whose count was lowered.
    """
    for record in list(state.silent.pop(worker_id, ())):
        trouble = record.get_trouble()
        mine = [life for who, life in trouble.silent if who == worker_id]
        trouble.silent = [death for death in trouble.silent if death[0] != worker_id]
        state.touch(record)
        if incarnation in mine:
            trouble.deaths -= mine.count(incarnation)
            yield record
