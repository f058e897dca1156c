"""The slots of a worker and the runs in them: who is free, who does what. No rules of scheduling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pykka import ActorRef

from actorsched.actors.messages import CancelRun, RunJob, TaskMessage
from actorsched.actors.pace import Pace
from actorsched.tasks.outcome import Outcome
from actorsched.tasks.registration import Registration


@dataclass(slots=True)
class Run:
    """One attempt that this worker holds.

    Attributes:
        run_id: the scheduler's, or one of our own where the scheduler gives none.
        fenced: whether the scheduler knows `run_id`.
        task_id: for a batch, the id of the batch until its combined task is known.
        batch: ids of the members, for a batch.
        combined: registration of the combined task of a batch, when it is known.
        scattered: the scheduler does not know the batch, only its members, and takes nothing else.
        given_back: why the run is ended without a word on its task; "" while it goes on.
        superseded: the scheduler no longer takes this run for that of the task.
        task: the task, or its registration where the worker has only its bytes; None where it has neither.
        since: when it was taken, on a monotonic clock.
    """

    run_id: str
    fenced: bool
    task_id: str
    slot: int = -1
    batch: tuple[str, ...] = ()
    combined: Registration | None = None
    scattered: bool = False
    given_back: str = ""
    superseded: bool = False
    task: Any = None
    since: float = 0.0

    @property
    def known_as(self) -> tuple[str, ...]:
        """What the scheduler may believe to run: a task, and the members of a batch that it has forgotten."""
        return (self.task_id, *self.batch) if self.scattered else (self.task_id,)


class Staff:
    """Keeps as many slots as are wanted.

    Args:
        make_slot: starts the slot of a number; this object stops it.
        queueing: whether a slot may hold runs that wait for their turn.
    """

    def __init__(self, make_slot: Callable[[int], ActorRef[Any]], *, queueing: bool = False) -> None:
        self._make_slot = make_slot
        self._slots: dict[int, ActorRef[Any]] = {}
        self._held: dict[int, int] = {}  # slot → runs that it holds
        self._last: dict[int, str] = {}  # slot → the run that was seated last, while it holds that
        self._pace = Pace() if queueing else None
        self._successes: set[str] = set()
        self.wanted = 0
        #: what runs or waits in a slot, by run id
        self.runs: dict[str, Run] = {}

    @property
    def n_free(self) -> int:
        """Slots that have nothing to do."""
        return sum([not held for number, held in self._held.items() if number < self.wanted])

    @property
    def n_busy(self) -> int:
        return sum([held > 0 for held in self._held.values()])

    @property
    def room(self) -> int:
        """How many runs can be seated now."""
        depth = 1 if self._pace is None else self._pace.depth
        wanted = self.wanted
        return sum([depth - held for number, held in self._held.items() if held < depth and number < wanted])

    @property
    def ahead(self) -> dict[str, int]:
        """How many runs may follow which, one after the other; "" stands for each run that is seated next."""
        if self._pace is None or self._pace.depth == 1:
            return {}
        depth, held = self._pace.depth, self._held
        found = {"": depth - 1}
        for number, run_id in self._last.items():
            if held[number] < depth and number < self.wanted:
                found[run_id] = depth - held[number]
        return found

    def resize(self, wanted: int) -> int:
        """Have so many slots from now on; returns their number."""
        self.wanted = max(0, wanted)
        self.fit()
        return self.wanted

    def fit(self) -> None:
        """Have as many slots as are wanted; a busy one that is too many goes when it is free."""
        for number in range(self.wanted):
            if number not in self._slots:
                self._slots[number] = self._make_slot(number)
                self._held[number] = 0
        for number in [number for number, held in self._held.items() if number >= self.wanted and not held]:
            del self._held[number]
            self._slots.pop(number).stop(block=False)

    def forget_successes(self) -> None:
        """What is handed out from now on does not follow what is over already."""
        self._successes.clear()

    def refusal(self, after: str) -> str:
        """Why a run cannot be seated, behind the run `after` if there is one; "" when it can."""
        if not self.room:
            return "no slot was free any more"
        if after and after not in self.runs and after not in self._successes:
            return "what it waits for was not done"
        return ""

    def seat(self, run: Run, job: RunJob) -> None:
        """Put a run behind the one that it is to follow, else into the slot that holds the fewest."""
        held, follows = self._held, self.runs.get(job.after)
        if follows is not None:
            run.slot = follows.slot
        else:
            run.slot = min([number for number in held if number < self.wanted], key=held.__getitem__)
        held[run.slot] += 1
        self._last[run.slot] = run.run_id
        self.runs[run.run_id] = run
        self._slots[run.slot].tell(job)

    def leave(self, slot: int, run_id: str, outcome: Outcome | None = None) -> Run | None:
        """A run has left its slot, and ended so; None: it was never begun. Returns it."""
        if slot in self._held:
            self._held[slot] -= 1
            if self._last.get(slot) == run_id:
                del self._last[slot]
            if slot >= self.wanted:
                self.fit()
        if outcome is not None and outcome.status == "DONE":
            self._successes.add(run_id)
        if self._pace is not None:
            if outcome is not None:
                self._pace.note(outcome.elapsed_s)
            else:
                self._pace.doubt()
        return self.runs.pop(run_id, None)

    def cancel(self, run: Run, cause: str, *, at_once: bool = False) -> None:
        self._slots[run.slot].tell(CancelRun(run_id=run.run_id, cause=cause, at_once=at_once))

    def of_task(self, task_id: str) -> Iterator[Run]:
        """The runs of a task, or of the batch that it is in."""
        return (run for run in self.runs.values() if run.task_id == task_id or task_id in run.batch)

    def cancel_task(self, task_id: str, run_id: str, cause: str) -> None:
        """End this run of a task. A wish that comes late may find another one, and leaves it alone."""
        for run in self.of_task(task_id):
            if run.run_id == run_id:
                self.cancel(run, cause)

    def give_back(self, reason: str, *, at_once: bool) -> None:
        """End what runs; the first reason counts."""
        for run in self.runs.values():
            run.given_back = run.given_back or reason
            self.cancel(run, reason, at_once=at_once)

    def deliver(self, task_id: str, message_id: str, content: Any, **ignored: Any) -> None:
        """Pass a message on to whatever runs of a task."""
        for run in self.of_task(task_id):
            message = TaskMessage(run_id=run.run_id, message_id=message_id, content=str(content))
            self._slots[run.slot].tell(message)

    def dismiss(self, grace_s: float) -> None:
        """Stop all slots and wait for them."""
        for slot in self._slots.values():
            slot.stop(block=False)
        for slot in self._slots.values():
            slot.actor_stopped.wait(grace_s)
