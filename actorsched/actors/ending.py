"""Why a run is being ended, if it is, and what that makes of its outcome. No actor."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from actorsched.tasks.event import Event
from actorsched.tasks.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """For one run.

    Attributes:
        cause: why it is being ended; "" while nobody ends it.
        lost: the event of that; "" for none.
    """

    cause: str = ""
    lost: str = ""

    def judge(self, said: Outcome) -> Outcome:
        """How the run ended: what the task makes of being ended is not its cause, unless it was done."""
        if not self.cause or said.status == "DONE":
            return said
        error = f"{self.cause}\n\n{said.error}" if said.error else self.cause
        return msgspec.structs.replace(
            failed(self.cause), error=error, elapsed_s=said.elapsed_s, lost=self.lost
        )

    def judge_lost(self, how: str) -> Outcome:
        """The child has ended without a word, in this way."""
        if self.cause:
            return msgspec.structs.replace(failed(self.cause), lost=self.lost)
        return msgspec.structs.replace(failed(how), lost=Event.PROCESS_FAILURE)


#: nobody ends it
NONE = Ending()


def failed(cause: str) -> Outcome:
    """A failure of which nothing else is known."""
    return Outcome(status="FAILED", cause=cause, error=cause)
