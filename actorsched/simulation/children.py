"""Child processes of the simulation: they speak the real protocol and run real tasks, as strands.

What a slot sees of a child (a socket, a status pipe, a process group to kill) is replaced, one for one;
what a child does with a job (`children/performing.py`) is not. A task lets time pass with
`simulation.sleep`, and dies like a process: its strand ends where it stands.
"""

from __future__ import annotations

import signal
from typing import Any

import msgspec

from actorsched.children.frames import FrameReader, pack_frame
from actorsched.children.performing import Performer
from actorsched.children.speech import Ended, Job, Notice, Prepare, decode_for_child, encode
from actorsched.config import WorkerSettings
from actorsched.errors import ChildLostError
from actorsched.simulation.actors import Source
from actorsched.simulation.hub import Killed, Signal, current_strand
from actorsched.simulation.node import Node


class SimulatedLauncher:
    """Starts children on one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._children: list[SimulatedChild] = []

    def launch(self) -> Any:
        node = self._node
        if node.no_children and node.hub.random.random() < node.no_children:
            raise ChildLostError("the simulated machine has no room for another process")
        self._children = [child for child in self._children if child.status is None]
        child = SimulatedChild(node)
        self._children.append(child)
        return child

    def close(self) -> None:
        for child in self._children:
            child.end(-signal.SIGKILL)


class SimulatedChild:
    """A child process, seen from its slot (see `children/launcher.py`) and from inside.

    Attributes:
        status: exit code, or minus the number of a signal; None while it lives.
        job: what it runs now.
        stubborn: it takes no notice of SIGTERM.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.pid = node.urn("child")
        self.connection = _Connection(self)
        self.status_fd = Source(node.hub)
        self.log_fds: tuple[int, ...] = ()
        self.log_fd = -1
        self.shelf = None
        self.unsent = b""
        self.status: int | None = None
        self.job: Job | None = None
        self.stubborn = False
        self.heard = bytearray()
        self.wake = Signal(node.hub)
        self._performer = Performer(WorkerSettings())
        self.strand = node.spawn(self._serve, f"child:{self.pid.rpartition(':')[2]}", self)

    # -- what its slot uses -----------------------------------------------------------------------

    def kill(self, number: signal.Signals) -> None:
        if number == signal.SIGKILL or (number == signal.SIGTERM and not self.stubborn):
            self.end(-number)

    def has_ended(self) -> bool:
        return self.status is not None

    def read_status(self) -> int | None:
        return self.status

    def close(self) -> None:
        self.end(-signal.SIGKILL)

    # -- the process ------------------------------------------------------------------------------

    def end(self, status: int) -> None:
        """The process ends; may be called by itself."""
        if self.status is not None:
            return
        self.status = int(status)
        self.connection.source.readable = True
        self.status_fd.readable = True
        self.strand.kill()

    def _serve(self) -> None:
        reader = FrameReader()
        while True:
            self.wake.wait_for(lambda: bool(self.heard))
            received, self.heard = bytes(self.heard), bytearray()
            for frame in reader.feed(received):
                said = decode_for_child(frame)
                if isinstance(said, Prepare):
                    self._performer = Performer(said.settings)
                elif isinstance(said, Job):
                    self._do(said)

    def _do(self, job: Job) -> None:
        self.job = job
        clock = self.node.clock
        started = clock.monotonic()
        if job.resume:
            self._report("resumed", None)
        outcome, registration = self._performer.perform(job, self._report)
        if self.strand.killed:
            raise Killed  # the guard around the task took it for an error of the task
        outcome = msgspec.structs.replace(outcome, elapsed_s=round(clock.monotonic() - started, 6))
        self.job = None
        suspended = self._performer.suspended
        self._say(Ended(run_id=job.run_id, outcome=outcome, registration=registration, suspended=suspended))

    def _report(self, kind: str, value: Any) -> None:
        assert self.job is not None
        self._say(Notice(run_id=self.job.run_id, kind=kind, value=value))

    def _say(self, said: Notice | Ended) -> None:
        if not self.strand.killed:
            self.connection.received += pack_frame(encode(said))
            self.connection.source.readable = True


class _Connection:
    """The slot's end of the socket to its child, with the methods of a socket that are used."""

    def __init__(self, child: SimulatedChild) -> None:
        self._child = child
        self.source = Source(child.node.hub)
        self.received = bytearray()

    def fileno(self) -> Source:
        return self.source

    def recv(self, size: int) -> bytes:
        received = bytes(self.received[:size])
        del self.received[:size]
        if not received and self._child.status is None:
            raise BlockingIOError
        self.source.readable = bool(self.received) or self._child.status is not None
        return received

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        if self._child.status is not None:
            raise BrokenPipeError(f"{self._child.pid} has ended")
        self._child.heard += data
        self._child.wake.give()

    def settimeout(self, seconds: float | None) -> None: ...
    def setblocking(self, flag: bool) -> None: ...
    def close(self) -> None: ...


def current_child() -> SimulatedChild:
    """The child process in which the current strand runs.

    Raises:
        InternalError: it runs in none.
    """
    child: SimulatedChild = current_strand().owner
    return child
