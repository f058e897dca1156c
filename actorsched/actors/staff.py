"""The slots of a worker and the runs in them: who is free, who does what. No rules of scheduling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pykka import ActorRef

from actorsched.actors.messages import CancelRun, RunJob, TaskMessage


@dataclass(slots=True)
class Run:
    """One attempt that this worker holds.

    Attributes:
        run_id: the scheduler's, or one of our own where the scheduler gives none.
        fenced: whether the scheduler knows `run_id`.
        task_id: for a batch, the id of the batch until its combined task is known.
        batch: ids of the members, for a batch.
        scattered: the scheduler does not know the batch, only its members.
        given_back: why the run is ended without a word on its task; "" while it goes on.
        superseded: the scheduler no longer takes this run for that of the task.
        task: the task or its bytes; None for one that is known by name only.
    """

    run_id: str
    fenced: bool
    task_id: str
    slot: int = -1
    batch: tuple[str, ...] = ()
    scattered: bool = False
    given_back: str = ""
    superseded: bool = False
    task: Any = None


class Staff:
    """Keeps as many slots as are wanted.

    Args:
        make_slot: starts the slot of a number; this object stops it.
    """

    def __init__(self, make_slot: Callable[[int], ActorRef[Any]]) -> None:
        self._make_slot = make_slot
        self._slots: dict[int, ActorRef[Any]] = {}
        self._free: list[int] = []
        self.wanted = 0
        #: what runs, by run id
        self.runs: dict[str, Run] = {}

    @property
    def n_free(self) -> int:
        return len(self._free)

    def fit(self) -> None:
        """Have as many slots as are wanted; a busy one that is too many goes when it is free."""
        for number in range(self.wanted):
            if number not in self._slots:
                self._slots[number] = self._make_slot(number)
                self._free.append(number)
        for number in [number for number in self._free if number >= self.wanted]:
            self._free.remove(number)
            self._slots.pop(number).stop(block=False)

    def seat(self, run: Run, job: RunJob) -> None:
        """Put a run into a free slot; there must be one."""
        run.slot = self._free.pop(0)
        self.runs[run.run_id] = run
        self._slots[run.slot].tell(job)

    def leave(self, slot: int, run_id: str) -> Run | None:
        """A slot is free again; returns the run that was in it."""
        if slot in self._slots:
            self._free.append(slot)
        self.fit()
        return self.runs.pop(run_id, None)

    def cancel(self, run: Run, cause: str, *, at_once: bool = False) -> None:
        self._slots[run.slot].tell(CancelRun(run_id=run.run_id, cause=cause, at_once=at_once))

    def of_task(self, task_id: str) -> Iterator[Run]:
        """The runs of a task, or of the batch that it is in."""
        return (run for run in self.runs.values() if run.task_id == task_id or task_id in run.batch)

    def pass_on(self, run: Run, message: TaskMessage) -> None:
        self._slots[run.slot].tell(message)

    def dismiss(self, grace_s: float) -> None:
        """Stop all slots and wait for them."""
        for slot in self._slots.values():
            slot.stop(block=False)
        for slot in self._slots.values():
            slot.actor_stopped.wait(grace_s)
