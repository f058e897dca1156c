"""What comes after the present run of a slot: runs that wait, and those that lie ready.

The first of them may be laid ready for the child (`children/shelf.py`), which goes on with them by itself.
Until that is heard they count as waiting, and each can be taken back until the child has taken it.

A run that may only follow the success of another one waits behind that one, in the same slot. Whatever has
become of it, when its turn comes it is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from actorsched.actors.child_link import ChildLink
from actorsched.actors.messages import RunJob
from actorsched.actors.pace import HELD_MAX
from actorsched.children.nursery import Nursery
from actorsched.children.speech import encode

#: successes that are remembered for what may follow them; a slot holds fewer runs than that
SUCCESSES_MAX = 2 * HELD_MAX


class Upcoming:
    """See the top of the module; its length counts what waits and what lies ready.

    Args:
        child: whose shelf is used.
        nursery: what is suspended there needs another child.
        now: the runtime's monotonic clock.
    """

    def __init__(self, child: ChildLink, nursery: Nursery, now: Callable[[], float]) -> None:
        self._child = child
        self._nursery = nursery
        self._now = now
        self._queue: deque[RunJob] = deque()
        #: by number, what lies ready for the child, before the queue
        self._ahead: dict[int, RunJob] = {}
        self._n_laid = 0
        self._successes: deque[str] = deque(maxlen=SUCCESSES_MAX)

    def __len__(self) -> int:
        return len(self._queue) + len(self._ahead)

    def add(self, message: RunJob) -> None:
        self._queue.append(message)

    def add_first(self, message: RunJob) -> None:
        self._queue.appendleft(message)

    def next(self) -> RunJob | None:
        """Take the first that waits; not what lies ready."""
        return self._queue.popleft() if self._queue else None

    def note_success(self, run_id: str) -> None:
        """This run ended as DONE: what waits for that may begin."""
        self._successes.append(run_id)

    def may_begin(self, message: RunJob) -> bool:
        """Whether the run that this one is to follow was a success. What has not ended is none yet."""
        return not message.after or message.after in self._successes

    def expects(self, run_id: str) -> bool:
        """Whether this run has yet to begin."""
        return any(each.job.run_id == run_id for each in (*self._ahead.values(), *self._queue))

    def remove(self, run_id: str) -> RunJob | None:
        """Take this run out of those that wait, if it is there."""
        for waiting in self._queue:
            if waiting.job.run_id == run_id:
                self._queue.remove(waiting)
                return waiting
        return None

    # -- what lies ready ------------------------------------------------------------------------

    @property
    def ahead(self) -> RunJob | None:
        """The first of those that lie ready."""
        return next(iter(self._ahead.values()), None)

    def is_ahead(self, run_id: str) -> bool:
        """Whether this run lies ready, or was taken and has not been heard of."""
        return any(message.job.run_id == run_id for message in self._ahead.values())

    def lay_ready(self, present: str) -> None:
        """Let the child find what is next after the present run, as far as that is possible."""
        while self._queue and len(self._ahead) < self._child.room:
            before = next(reversed(self._ahead.values())).job.run_id if self._ahead else present
            if not self._lay_ready(self._queue[0], before):
                return
            self._ahead[self._n_laid] = self._queue.popleft()
            self._n_laid += 1

    def _lay_ready(self, message: RunJob, before: str) -> bool:
        job = message.job
        if self._nursery.keeps(job.task_id):
            return False
        if message.after == before:
            job = msgspec.structs.replace(job, after=before)  # the child knows first how that ends
        elif not self.may_begin(message):
            return False
        within_s = message.start_by - self._now()
        return within_s > 0 and self._child.lay_ready(encode(job), within_s, self._n_laid)

    def taken(self, run_id: str) -> RunJob | None:
        """The child has gone on with this run; returns it if it lay ready."""
        for number, message in self._ahead.items():
            if message.job.run_id == run_id:
                return self._ahead.pop(number)
        return None

    def take_back(self) -> bool:
        """Let what lies ready wait in the queue; false when the child has taken some of it."""
        if self._ahead:
            left = self._child.clear_shelf()
            self._put_back(number for number in self._ahead if number in left)
        return not self._ahead

    def put_back(self) -> None:
        """The child does not run what lay ready, or not any more: let it wait in the queue."""
        self.take_back()
        self._put_back(self._ahead)

    def _put_back(self, numbers: Iterable[int]) -> None:
        self._queue.extendleft([self._ahead.pop(number) for number in sorted(numbers, reverse=True)])
