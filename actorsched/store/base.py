"""What a store does for the scheduler that holds it.

One scheduler at a time has the *place* in a store: it is named by an epoch, and every commit says the
epoch and fails when another one stands in the store by now. That check is part of the transaction, so a
scheduler that was paused and replaced cannot change anything any more, whatever it believes.

Who has the place renews a *beat* with each commit, and commits at least once in a third of its lease.
Another one takes the place when the beat stood still for a whole lease, by its own clock (no two clocks
are compared), or at once when the place was given back, or when the lock that goes with it is free,
because its holder's process has ended.

A store belongs to one thread. Its methods raise

    StoreUnavailableError   it cannot be reached or written now; nothing of the commit is stored, or,
                            where a connection broke in the middle, all of it is
    FencedError             another scheduler has the place
    StoreError              it cannot be used: damaged, of a newer version, not ours
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from actorsched.core.rows import Changes, Rows

#: rows that nobody changed
NO_CHANGES = Changes([], [], [], [])


class Holder(msgspec.Struct, frozen=True):
    """Who has the place, to tell people."""

    host: str = ""
    pid: int = 0

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.pid else "another scheduler"


@dataclass(frozen=True, slots=True)
class Place:
    """The place as it is seen: equal to an earlier look if nobody renewed it in between."""

    epoch: str
    beat: int
    holder: Holder
    #: nobody has it: it was given back, or the process that had it is gone
    free: bool


class Reply(msgspec.Struct, frozen=True):
    """The last answer to a client; `answer` None: this client is forgotten."""

    client: str
    seq: int
    answer: bytes | None


@dataclass(slots=True)
class Stored:
    """All that is in a store. `rows` is read while it is iterated."""

    rows: Rows
    #: the longest unanswered first
    replies: Iterable[Reply]
    #: on the scale of the rows (see core/rows.py): when the last commit was made
    clock: float


class Store(Protocol):
    url: str

    def open(self, *, create: bool = True) -> None:
        """Connect, check, and bring the schema up to date; after an error, try again.

        Args:
            create: whether a store may be made where there is none.
        """

    def look(self) -> Place:
        """See who has the place."""

    def take(self, seen: Place, epoch: str) -> bool:
        """Take the place under a new epoch, if it is still as it was seen."""

    def give_back(self) -> None:
        """Leave the place, so that the next one need not wait. Never raises."""

    def read(self) -> Stored:
        """All of it, as of one moment; iterate all tasks before anything else is done."""

    def commit(self, changes: Changes, replies: Iterable[Reply], clock: float) -> None:
        """Write all of it in one transaction, if we still have the place.

        Raises:
            InvalidParamsError: something in it cannot be written as JSON; nothing is stored.
        """

    def try_out(self, size: int) -> None:
        """See whether so many bytes could be written, after a commit that failed."""

    def vacuum(self) -> tuple[int, int]:
        """Give unused room back; bytes before and after.

        Raises:
            StoreHeldError: a scheduler has the place, and would have to wait.
        """

    def close(self) -> None:
        """Let go of everything; `open()` may follow. Never raises."""
