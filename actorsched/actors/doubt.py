"""What was in a commit that failed: where a connection broke, it may have been written all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from actorsched.core import SchedulerMachine
from actorsched.core.rows import RunRow
from actorsched.rpc.replies import ReplyMemory
from actorsched.store.base import Reply


class Doubt(NamedTuple):
    """A failed commit in which runs ended, which the history was not told of.

    Attributes:
        runs: these.
        reply: the last answer that was in it, if there was one.
    """

    runs: tuple[RunRow, ...]
    reply: Reply | None

    @classmethod
    def of(cls, runs: Iterable[RunRow], replies: Iterable[Reply]) -> Doubt | None:
        """None when no run has ended in it."""
        ended = tuple(runs)
        last = [reply for reply in replies if reply.answer is not None][-1:]
        return cls(ended, last[0] if last else None) if ended else None

    def written(self, machine: SchedulerMachine, replies: ReplyMemory) -> tuple[RunRow, ...]:
        """The runs that have ended, as the store says, which nobody has written to since.

        Args:
            machine, replies: as they were read.
        """
        if self.reply is not None:
            known = replies.recall(self.reply.client, self.reply.seq)
            return self.runs if known == self.reply.answer else ()
        return tuple(row for row in self.runs if not _is_live(machine, row))


def _is_live(machine: SchedulerMachine, row: RunRow) -> bool:
    record = machine.tasks.get(row.task_id)
    return record is not None and record.run_id == row.run_id
