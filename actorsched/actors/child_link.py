"""A slot's link to its child process: what is sent to it, what it says and prints, how it ended.

The mechanism only: what is said, and what becomes of a run when a child is lost, is the slot's. The inbox of
the slot listens to the descriptors of the child and delivers a `ChildEvent` for each; one that names
an earlier life belongs to a child that is not linked any more.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from actorsched.actors.inbox import Inbox
from actorsched.actors.log import log
from actorsched.children.frames import FrameReader, pack_frame, read_available
from actorsched.children.launcher import Child
from actorsched.children.nursery import Nursery
from actorsched.children.runlog import RunLog
from actorsched.children.speech import Prepare, encode
from actorsched.config import WorkerSettings
from actorsched.errors import ChildLostError

#: bytes that are read from a child's output at once: what a pipe holds, mostly
LOG_CHUNK = 1 << 16
#: so many times at the end of a run: a pipe holds no more (16 pages, of 64 KiB at most), and some never end
LOG_CHUNKS_MAX = 16
#: seconds that a child may need to take a job; an idle one is ready for it
SEND_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ChildEvent:
    """The child of this life of the link is to be looked at."""

    life: int


class ChildSpoke(ChildEvent):
    """It has said something, on its socket."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ChildPrinted(ChildEvent):
    """It has printed something, here."""

    fd: int


class ChildHasRoom(ChildEvent):
    """It has read some of what it was sent."""

    __slots__ = ()


class ChildEnded(ChildEvent):
    """Its status has come."""

    __slots__ = ()


class ChildLink:
    """Links one child at a time.

    Args:
        number: of the slot, for messages.
        inbox: of the slot; it is told of the child.
        nursery: where children come from.
        settings: what a new child is prepared with.
    """

    def __init__(self, number: int, inbox: Inbox, nursery: Nursery, settings: WorkerSettings) -> None:
        self._number = number
        self._inbox = inbox
        self._nursery = nursery
        # a task has no business with the password of the mail server
        self._settings = msgspec.structs.replace(settings, smtp="")
        self._child: Child | None = None
        self._frames = FrameReader()
        #: counts the children that there were, so that words about one are not taken for another's
        self.life = 0
        #: takes what is printed; None: it is thrown away
        self.log: RunLog | None = None
        #: where something was printed before it was known in which run, and what
        self._early = (-1, b"")

    def __bool__(self) -> bool:
        """Whether there is a child."""
        return self._child is not None

    # -- having a child -------------------------------------------------------------------------

    def open(self) -> None:
        """Link a new child, or one that is free.

        Raises:
            ChildLostError: none could be started.
            OSError: it was lost at once.
        """
        spare = self._nursery.spare()
        self.adopt(spare or self._nursery.launch())
        if spare is None:
            self.send(encode(Prepare(settings=self._settings, luggage=self._nursery.luggage())))

    def adopt(self, child: Child) -> None:
        self.life += 1
        self._child = child
        self._frames = FrameReader()
        try:
            self._inbox.listen(child.connection.fileno(), ChildSpoke(self.life))
            self._inbox.listen(child.status_fd, ChildEnded(self.life))
            for log_fd in child.log_fds:
                self._inbox.listen(log_fd, ChildPrinted(self.life, log_fd))
        except OSError:  # the inbox needs a descriptor for that, once
            self.drop()
            raise

    def release(self) -> Child:
        """Give the child away; what is still said of it is for nobody here."""
        assert self._child is not None
        self.read_log()
        child, self._child = self._child, None
        self._early = (-1, b"")
        self._inbox.unlisten(child.connection.fileno())
        self._inbox.unlisten(child.status_fd)
        for log_fd in child.log_fds:
            self._inbox.unlisten(log_fd)
        self.life += 1
        return child

    def drop(self) -> None:
        """End the child, if there is one, with its whole process group."""
        if self._child is not None:
            self.release().close()

    def replace(self) -> None:
        """Have another child; where none can be had, the next run tries again."""
        self.drop()
        try:
            self.open()
        except (ChildLostError, OSError) as error:
            log.warning("no child for now", slot=self._number, error=str(error))

    def kill(self, *numbers: signal.Signals) -> None:
        """Send signals to its process group."""
        for number in numbers:
            if self._child is not None:
                self._child.kill(number)

    # -- what is said ---------------------------------------------------------------------------

    def send(self, payload: bytes) -> None:
        """Say something to the child, which is idle and listens.

        Raises:
            OSError: it does not listen.
        """
        assert self._child is not None
        connection = self._child.connection
        if self.post(payload):
            return
        rest, self._child.unsent = self._child.unsent, b""
        connection.settimeout(SEND_TIMEOUT_S)
        try:
            connection.sendall(rest)
        finally:
            connection.setblocking(False)

    def post(self, payload: bytes) -> bool:
        """Say something to the child, which may be busy; false when `post_on` has to go on with it, later."""
        assert self._child is not None
        self._child.unsent += pack_frame(payload)
        return self.post_on()

    def post_on(self) -> bool:
        """Send what has room now of what is still to be sent; whether that was all.

        Raises:
            OSError: it is gone.
        """
        assert self._child is not None
        unsent = self._child.unsent
        try:
            sent = self._child.connection.send(unsent) if unsent else 0
        except BlockingIOError:
            sent = 0
        self._child.unsent = unsent[sent:]
        return sent == len(unsent)

    def await_room(self) -> None:
        """The slot is told, once, when `post_on` can go on; not if the child has ended."""
        assert self._child is not None
        self._inbox.await_room(self._child.connection.fileno(), ChildHasRoom(self.life))

    def said(self) -> list[bytes]:
        """The frames that have come since the last time; none when the child has said its last."""
        assert self._child is not None
        try:
            return self._frames.feed(read_available(self._child.connection))
        except EOFError:
            # the status follows; listening on would only say the same again and again
            self._inbox.unlisten(self._child.connection.fileno())
            return []

    def all_said(self) -> Iterator[bytes]:
        """All frames that the child has sent until now, for as long as it is this one's turn."""
        life = self.life
        try:
            while self._child is not None and (received := read_available(self._child.connection)):
                for frame in self._frames.feed(received):
                    yield frame
                    if self.life != life:
                        return
        except EOFError:
            pass

    def read_log(self) -> None:
        """Take all that was printed in the present run until now."""
        self._read(self._child.log_fd if self._child is not None else -1)

    def read_logs(self) -> None:
        """Take all that was printed until now; the child has not gone on to another run."""
        self.keep_early()
        for log_fd in self._child.log_fds if self._child is not None else ():
            self._read(log_fd)

    def _read(self, fd: int) -> None:
        for _ in range(LOG_CHUNKS_MAX):
            printed = self._take(fd)
            self._write(printed)
            if len(printed) < LOG_CHUNK:
                return

    def read_page(self, fd: int) -> bool:
        """Take something that was printed here; false when it is kept, as the present run prints elsewhere.

        What is printed in the next run, which the child has begun by itself, comes after the word that it
        has. So when all that was said is heard, either `turn_page` has got it, or nobody will: then it
        comes from a copy of standard output that a run before has made and that was used just now.
        """
        assert self._child is not None
        printed = self._take(fd)
        if printed and fd != self._child.log_fd:
            self._early = (fd, printed)
            return False
        self._write(printed)
        return True

    def keep_early(self) -> None:
        """What was printed elsewhere is of the present run."""
        (_, printed), self._early = self._early, (-1, b"")
        self._write(printed)

    def _take(self, fd: int) -> bytes:
        try:
            printed = os.read(fd, LOG_CHUNK) if fd >= 0 else b""
        except BlockingIOError:
            return b""
        if not printed and fd >= 0:  # nobody has the other end any more
            self._inbox.unlisten(fd)
        return printed

    def _write(self, printed: bytes) -> None:
        if printed and self.log is not None:
            self.log.write(printed)

    # -- what lies ready ------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """How many jobs may lie ready for the child."""
        shelf = self._child.shelf if self._child is not None else None
        return shelf.room if shelf is not None else 0

    def lay_ready(self, payload: bytes, within_s: float, number: int) -> bool:
        """Let the child go on with this job by itself, if it does so within this time; false if it cannot."""
        shelf = self._child.shelf if self._child is not None else None
        return shelf is not None and shelf.put(payload, within_s, number)

    def clear_shelf(self) -> set[int]:
        """Take back what lies ready; the numbers of those jobs that the child has not taken."""
        shelf = self._child.shelf if self._child is not None else None
        return shelf.clear() if shelf is not None else set()

    def turn_page(self) -> None:
        """The child went on to the present run by itself."""
        assert self._child is not None
        self._child.turn_page()
        if self._early[0] == self._child.log_fd:
            self.keep_early()

    # -- the end --------------------------------------------------------------------------------

    def how_it_ended(self) -> str:
        """The end of a child that has ended without a word, in words."""
        assert self._child is not None
        return cause_of(self._child.read_status())


def cause_of(status: int | None) -> str:
    """The end of a child process without a result, in words.

    Args:
        status: exit code, negative for minus a signal's number, None when it is not known.
    """
    if status is None:
        return "the process of the task was lost together with its fork server"
    if status >= 0:
        return f"the process of the task exited with code {status} before the task ended"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (by somebody, or by the kernel for want of memory)" if name == "SIGKILL" else ""
    return f"the process of the task was killed by {name}{hint}"
