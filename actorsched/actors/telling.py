"""What a slot tells its worker of its runs. No actor.

Ends are told by the handful. Whatever else is told comes behind the ends before it.
"""

from __future__ import annotations

from typing import Any

from pykka import ActorRef

from actorsched.actors.messages import RunJob, SlotEnded, SlotNoticed, SlotReturned
from actorsched.children.speech import Ended, Notice
from actorsched.tasks.outcome import Outcome


class Telling:
    """Its length counts the ends that have yet to be told.

    Args:
        number: of the slot.
        worker: is told, while it lives.
    """

    def __init__(self, number: int, worker: ActorRef[Any]) -> None:
        self._number = number
        self._worker = worker
        self._untold: list[SlotEnded] = []

    def __len__(self) -> int:
        return len(self._untold)

    def ended(self, message: RunJob, outcome: Outcome, said: Ended | None = None) -> None:
        """A run is over; to be told with others."""
        registration = said.registration if said else None
        self._untold.append(
            SlotEnded(
                slot=self._number, run_id=message.job.run_id, outcome=outcome, registration=registration
            )
        )

    def tell_ends(self) -> None:
        untold, self._untold = self._untold, []
        for message in untold:
            self._tell(message)

    def returned(self, message: RunJob, why: str) -> None:
        """A run was never begun."""
        self.tell_ends()  # what it follows comes before it
        self._tell(SlotReturned(slot=self._number, run_id=message.job.run_id, why=why))

    def noticed(self, said: Notice) -> None:
        """A run has said something about itself."""
        self._tell(SlotNoticed(slot=self._number, run_id=said.run_id, kind=said.kind, value=said.value))

    def _tell(self, message: SlotEnded | SlotReturned | SlotNoticed) -> None:
        if self._worker.is_alive():
            self._worker.tell(message)
