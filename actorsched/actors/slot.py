"""One place on a worker where a run can happen: a warm child process.

Accepts (all by `tell`, from its worker)
    RunJob      run this now; the slot must be free
    CancelRun   end the run, with this cause; ignored when that run is over
Tells its worker
    SlotNoticed something that `run()` said about itself
    SlotEnded   the run is over, exactly once for each RunJob, whatever happened to the child
On stop
    the child's process group is killed and everything of it closed; a run that was on is told as ended.
On crash
    the guard of the base class logs and goes on; the child is replaced before the next run.

The child may answer, die, hang, or say nonsense. Each of these is one message here, from the socket,
from the status pipe or from a timer, and each ends in `_finish`. A run that must end gets SIGTERM
first, and SIGKILL when the grace is over; both go to the whole process group.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

import msgspec
from pykka import ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.inbox import Timer
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded, SlotNoticed
from actorsched.actors.runtime import Runtime
from actorsched.children.frames import FrameReader, pack_frame, read_available
from actorsched.children.launcher import Child, Launcher
from actorsched.children.speech import Ended, Notice, Prepare, decode_for_slot, encode
from actorsched.config import WorkerSettings
from actorsched.errors import ChildLostError
from actorsched.tasks.running import Outcome


@dataclass(frozen=True, slots=True)
class _Readable:
    """The child of this life of the slot has said something."""

    life: int


@dataclass(frozen=True, slots=True)
class _StatusReadable:
    """The child of this life has ended."""

    life: int


@dataclass(frozen=True, slots=True)
class _TimedOut:
    run_id: str


@dataclass(frozen=True, slots=True)
class _GraceOver:
    run_id: str


class SlotActor(Actor):
    """Owns one child process and at most one run.

    Args:
        number: the number of this slot on its worker, from 0.
        worker: who is told.
        launcher: where children come from.
        settings: timeouts, and how runs are to be done.
        runtime: the clock of the timeouts.
    """

    def __init__(
        self,
        number: int,
        worker: ActorRef[Any],
        launcher: Launcher,
        settings: WorkerSettings,
        runtime: Runtime | None = None,
    ) -> None:
        super().__init__(runtime)
        self._number = number
        self._worker = worker
        self._launcher = launcher
        self._settings = settings
        self._child: Child | None = None
        self._life = 0
        self._frames = FrameReader()
        self._job: RunJob | None = None
        self._cause = ""  # why the present run is being ended, if it is
        self._timer: Timer | None = None

    def on_start(self) -> None:
        try:
            self._open_child()
        except ChildLostError as error:
            log.warning("no child yet", slot=self._number, error=str(error))

    def on_stop(self) -> None:
        job = self._job
        self._drop_child()
        if job is not None:
            self._finish(_failed(self._cause or "the worker stopped"))

    def handle(self, message: object) -> Any:
        match message:
            case RunJob():
                self._begin(message)
            case _Readable(life=life):
                if life == self._life:
                    self._read()
            case _StatusReadable(life=life):
                if life == self._life:
                    self._child_ended()
            case CancelRun(run_id=run_id, cause=cause):
                self._end_run(run_id, cause)
            case _TimedOut(run_id=run_id):
                limit = self._job.timeout_s if self._job else 0
                self._end_run(run_id, f"timed out after {limit:g} s and was ended")
            case _GraceOver(run_id=run_id):
                if self._job is not None and self._job.job.run_id == run_id and self._child is not None:
                    self._child.kill(signal.SIGKILL)
            case _:
                self.refuse(message)

    # -- a run ----------------------------------------------------------------------------------

    def _begin(self, message: RunJob) -> None:
        assert self._job is None, f"slot {self._number} is busy with {self._job}"
        self._job = message
        self._cause = ""
        try:
            if self._child is None:
                self._open_child()
            self._send(encode(message.job))
        except (ChildLostError, OSError) as error:
            self._drop_child()
            self._finish(_failed(f"no child process could be had: {error}"))
            return
        if message.timeout_s > 0:
            self._timer = self.actor_inbox.after(message.timeout_s, _TimedOut(message.job.run_id))

    def _end_run(self, run_id: str, cause: str) -> None:
        if self._job is None or self._job.job.run_id != run_id or self._child is None or self._cause:
            return
        self._cause = cause
        self._stop_timer()
        self._child.kill(signal.SIGTERM)
        self._child.kill(signal.SIGCONT)  # a stopped process does not notice a polite signal
        self._timer = self.actor_inbox.after(self._settings.kill_grace, _GraceOver(run_id))

    def _finish(self, outcome: Outcome, ended: Ended | None = None) -> None:
        job, self._job = self._job, None
        self._stop_timer()
        if job is not None and self._worker.is_alive():
            self._worker.tell(
                SlotEnded(
                    slot=self._number,
                    run_id=job.job.run_id,
                    outcome=outcome,
                    registration=ended.registration if ended else None,
                )
            )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the child ------------------------------------------------------------------------------

    def _open_child(self) -> None:
        child = self._launcher.launch()
        self._life += 1
        self._child = child
        self._frames = FrameReader()
        self._send(encode(Prepare(settings=self._settings)))
        self.actor_inbox.listen(child.connection.fileno(), _Readable(self._life))
        self.actor_inbox.listen(child.status_fd, _StatusReadable(self._life))

    def _drop_child(self) -> None:
        if self._child is None:
            return
        self.actor_inbox.unlisten(self._child.connection.fileno())
        self.actor_inbox.unlisten(self._child.status_fd)
        self._child.close()
        self._child = None
        self._life += 1  # what is still said of the old child is for nobody

    def _replace_child(self) -> None:
        self._drop_child()
        try:
            self._open_child()
        except ChildLostError as error:
            log.warning("no child for now", slot=self._number, error=str(error))

    def _send(self, payload: bytes) -> None:
        assert self._child is not None
        connection = self._child.connection
        connection.settimeout(self._settings.kill_grace or None)
        try:
            connection.sendall(pack_frame(payload))
        finally:
            connection.setblocking(False)

    def _read(self) -> None:
        """Take what the child has said, unless it has said its last."""
        assert self._child is not None
        try:
            frames = self._frames.feed(read_available(self._child.connection))
        except EOFError:
            # the status follows; listening on would only say the same again and again
            self.actor_inbox.unlisten(self._child.connection.fileno())
            return
        for frame in frames:
            self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        try:
            said = decode_for_slot(frame)
        except msgspec.MsgspecError as error:
            self._cause = self._cause or f"the child process said something that is no message: {error}"
            self._replace_child()
            self._finish(_failed(self._cause))
            return
        if self._job is None or said.run_id != self._job.job.run_id:
            return  # a word about a run that is over
        match said:
            case Notice():
                self._worker.tell(
                    SlotNoticed(slot=self._number, run_id=said.run_id, kind=said.kind, value=said.value)
                )
            case Ended():
                if said.tainted:
                    log.info("a new child replaces one", slot=self._number, reason=said.tainted)
                    self._replace_child()
                self._finish(said.outcome, said)

    def _child_ended(self) -> None:
        """The status has come. What the child said before it ended still counts."""
        assert self._child is not None
        life = self._life
        try:
            while self._life == life and (received := read_available(self._child.connection)):
                for frame in self._frames.feed(received):
                    self._hear(frame)
        except EOFError:
            pass
        if self._life != life or self._child is None:
            return
        status = self._child.read_status()
        had_run = self._job is not None
        cause = self._cause or how_it_ended(status)
        self._drop_child()
        if had_run:
            self._finish(_failed(cause))
        self._replace_child()


def how_it_ended(status: int | None) -> str:
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


def _failed(cause: str) -> Outcome:
    return Outcome(status="FAILED", cause=cause, error=cause)
