"""What comes after the present run of a slot: runs that wait, the one that lies ready, messages for them.

The first of them may be laid ready for the child (`children/shelf.py`), which goes on with it by itself.
Until that is heard it counts as waiting, and can be taken back for as long as the child has not taken it.

A run that may only follow the success of another one waits behind that one, in the same slot. Whatever has
become of it, when its turn comes it is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from actorsched.actors.child_link import ChildLink
from actorsched.actors.messages import RunJob, TaskMessage
from actorsched.actors.pace import HELD_MAX
from actorsched.children.nursery import Nursery
from actorsched.children.speech import encode

#: a larger job is not laid ready, bytes
SHELF_MAX = 1 << 15
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
        #: what lies ready for the child, before the queue
        self.ahead: RunJob | None = None
        self._letters: list[TaskMessage] = []
        self._successes: deque[str] = deque(maxlen=SUCCESSES_MAX)

    def __len__(self) -> int:
        return len(self._queue) + (self.ahead is not None)

    def add(self, message: RunJob) -> None:
        self._queue.append(message)

    def next(self) -> RunJob | None:
        """Take the first that waits; not what lies ready."""
        return self._queue.popleft() if self._queue else None

    def note_success(self, run_id: str) -> None:
        """This run ended as DONE: what waits for that may begin."""
        self._successes.append(run_id)

    def may_begin(self, message: RunJob) -> bool:
        """Whether the run that this one is to follow was a success. What has not ended is none yet."""
        return not message.after or message.after in self._successes

    def remove(self, run_id: str) -> RunJob | None:
        """Take this run out of those that wait, if it is there."""
        for waiting in self._queue:
            if waiting.job.run_id == run_id:
                self._queue.remove(waiting)
                return waiting
        return None

    # -- what lies ready ------------------------------------------------------------------------

    def lay_ready(self, present: str) -> None:
        """Let the child find what is next after the present run, where that is possible."""
        if self.ahead is not None or not self._queue:
            return
        message = self._queue[0]
        job = message.job
        if self._nursery.keeps(job.task_id):
            return
        if message.after == present:
            job = msgspec.structs.replace(job, after=present)  # the child knows first how that ends
        elif not self.may_begin(message):
            return
        within_s = message.start_by - self._now()
        payload = encode(job)
        if within_s > 0 and len(payload) <= SHELF_MAX and self._child.lay_ready(payload, within_s):
            self.ahead = self._queue.popleft()

    def taken(self, run_id: str) -> RunJob | None:
        """The child has gone on with this run; returns it if it lay ready."""
        if self.ahead is None or self.ahead.job.run_id != run_id:
            return None
        taken, self.ahead = self.ahead, None
        return taken

    def take_back(self) -> bool:
        """Let what lies ready wait in the queue; false when the child has taken it."""
        if self.ahead is not None:
            if not self._child.clear_shelf():
                return False
            self._queue.appendleft(self.ahead)
            self.ahead = None
        return True

    def put_back(self) -> None:
        """The child does not run what lay ready, or not any more: let it wait in the queue."""
        if not self.take_back() and self.ahead is not None:
            self._queue.appendleft(self.ahead)
            self.ahead = None

    # -- messages -------------------------------------------------------------------------------

    def keep(self, letter: TaskMessage) -> bool:
        """Keep a message for a run that has yet to begin; false when it is for none of these."""
        waiting = self._queue if self.ahead is None else (self.ahead, *self._queue)
        if all(each.job.run_id != letter.run_id for each in waiting):
            return False
        self._letters.append(letter)
        return True

    def take_letters(self) -> list[TaskMessage]:
        """All messages that are kept; those for runs that still wait come back through `keep`."""
        letters, self._letters = self._letters, []
        return letters
