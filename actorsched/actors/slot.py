"""One place on a worker where a run can happen: a warm child process.

Accepts (all by `tell`, from its worker)
    RunJob      run this, when everything that came before it is over
    CancelRun   end the run, with this cause; ignored when that run is over
    TaskMessage pass this on to the task that runs; ignored when that run is over
Tells its worker
    SlotNoticed something that `run()` said about itself
    SlotEnded   the run is over, whatever happened to the child
    SlotReturned the run was never begun; for each RunJob there is one of these two, exactly once
On stop
    the child's process group is killed and everything of it closed; a run that was on is told as ended.
On crash
    the guard of the base class logs and goes on; the child is replaced before the next run.

The child may answer, die, hang, or say nonsense. Each of these is one message here, from the socket,
from the status pipe or from a timer, and each ends in `_finish`. A run that must end gets SIGTERM
first, and SIGKILL when the grace is over; both go to the whole process group.

Short runs come several at a time. Their ends are told by the handful: when as many have ended as still
wait, so that more can be asked for before the last is over. What waits behind a run that takes longer
than `LINGER_S` is given back, for others to run; the same time bounds how long an end is kept.

What is next is laid ready for the child (`children/shelf.py`), which goes on with it by itself and says so
with the end of the run before. It counts as waiting until that is heard, and can be taken back.

A run that waits for dynamic requirements stays in its child, which goes to the nursery; the slot goes
on with another one. When the task comes again, to whichever slot, its child is taken from there.

What the child prints comes on a third descriptor and goes to the log of the run.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from dataclasses import dataclass
from typing import Any

import msgspec
from pykka import ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.inbox import Timer
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded, SlotNoticed, SlotReturned, TaskMessage
from actorsched.actors.runtime import Runtime
from actorsched.children.frames import FrameReader, pack_frame, read_available
from actorsched.children.launcher import Child, Launcher
from actorsched.children.nursery import Nursery
from actorsched.children.runlog import RunLog, RunLogs
from actorsched.children.speech import Ended, Message, Notice, Prepare, decode_for_slot, encode
from actorsched.config import WorkerSettings
from actorsched.errors import ChildLostError
from actorsched.tasks.event import Event
from actorsched.tasks.running import Outcome

#: bytes that are read from a child's output at once
LOG_CHUNK = 1 << 16
#: seconds that a child may need to take a job; an idle one is ready for it
SEND_TIMEOUT_S = 10.0
#: a larger job is not laid ready, bytes
SHELF_MAX = 1 << 15
#: how long the end of a run may be on its way when the child was seen to have gone on with the next, seconds
CROSSING_S = 1.0
#: what waits behind a run that takes so long (up to twice that) is given back, seconds
LINGER_S = 0.01


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
class _LogReadable:
    """The child of this life has printed something."""

    life: int
    fd: int


@dataclass(frozen=True, slots=True)
class _GraceOver:
    run_id: str


@dataclass(frozen=True, slots=True)
class _EndAgain:
    """The end of a run that was to be ended should have come by now."""

    run_id: str
    cause: str
    at_once: bool
    lost: str
    ahead: RunJob


@dataclass(frozen=True, slots=True)
class _Lingered:
    """A while ago something waited."""


class SlotActor(Actor):
    """Owns one child process, one run in it, and the runs that wait for their turn.

    Args:
        number: the number of this slot on its worker, from 0.
        worker: who is told.
        launcher: where children come from; slots that share a nursery can take over each other's
            suspended runs.
        settings: timeouts, and how runs are to be done.
        runtime: the clock of the timeouts.
        logs: what becomes of the output of the runs; None: it is thrown away.
    """

    def __init__(
        self,
        number: int,
        worker: ActorRef[Any],
        launcher: Launcher,
        settings: WorkerSettings,
        runtime: Runtime | None = None,
        logs: RunLogs | None = None,
    ) -> None:
        super().__init__(runtime)
        self._number = number
        self._worker = worker
        self._nursery = (
            launcher if isinstance(launcher, Nursery) else Nursery(launcher, settings.suspended_max)
        )
        self._logs = logs
        self._log: RunLog | None = None
        self._settings = settings
        self._child: Child | None = None
        self._life = 0
        self._frames = FrameReader()
        self._job: RunJob | None = None
        self._resuming = False  # whether the child has yet to say that it goes on with a suspended run
        self._cause = ""  # why the present run is being ended, if it is
        self._lost = ""  # the event of that
        self._limit_s = 0.0
        self._timer: Timer | None = None
        self._queue: deque[RunJob] = deque()  # what comes after the present run
        self._ahead: RunJob | None = None  # what lies ready for the child, before the queue
        self._letters: list[TaskMessage] = []  # for tasks that wait
        self._untold: list[SlotEnded] = []
        self._lingering: RunJob | None = None  # the run that was on when the timer below was set
        self._linger_timer: Timer | None = None

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
        self._tell_ends()
        self._return_queue()

    def handle(self, message: object) -> Any:
        match message:
            case RunJob():
                self._queue.append(message)
            case _Readable(life=life):
                if life == self._life:
                    self._read()
            case _StatusReadable(life=life):
                if life == self._life:
                    self._child_ended()
            case CancelRun(run_id=run_id, cause=cause, at_once=at_once):
                self._end_run(run_id, cause, at_once=at_once)
            case _TimedOut(run_id=run_id):
                cause = f"timed out after {self._limit_s:g} s and was ended"
                self._end_run(run_id, cause, lost=Event.TIMEOUT)
            case _LogReadable(life=life, fd=fd):
                if life == self._life and self._child is not None and fd != self._child.log_fd:
                    self._read()  # it is of the next run, and says so
                if life == self._life:
                    self._read_log(fd)
            case TaskMessage():
                self._pass_on(message)
            case _GraceOver(run_id=run_id):
                if self._job is not None and self._job.job.run_id == run_id and self._child is not None:
                    self._child.kill(signal.SIGKILL)
            case _EndAgain(run_id=run_id, cause=cause, at_once=at_once, lost=lost, ahead=ahead):
                if self._ahead is ahead:  # the child stands still between the two
                    self._put_back()
                self._end_run(run_id, cause, at_once=at_once, lost=lost)
            case _Lingered():
                self._lingered()
            case _:
                self.refuse(message)
        self._go_on()

    # -- runs that wait -------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Begin what is next, tell what there is to tell."""
        while self._job is None and self._queue:
            message = self._queue.popleft()
            if self._runtime.clock.monotonic() < message.start_by:
                self._begin(message)
            else:
                self._return(message)
        if self._job is not None and self._queue and self._ahead is None:
            self._lay_ready()
        if self._untold and len(self._untold) >= len(self._queue) + (self._ahead is not None):
            self._tell_ends()
        if self._linger_timer is None and (self._queue or self._untold or self._ahead is not None):
            self._lingering = self._job
            self._linger_timer = self.actor_inbox.after(LINGER_S, _Lingered())

    def _lingered(self) -> None:
        self._linger_timer = None
        if self._job is self._lingering:
            self._take_back()
            self._return_queue()
        self._tell_ends()

    def _tell_ends(self) -> None:
        untold, self._untold = self._untold, []
        if self._worker.is_alive():
            for message in untold:
                self._worker.tell(message)

    def _return_queue(self) -> None:
        while self._queue:
            self._return(self._queue.popleft())

    def _return(self, message: RunJob) -> None:
        if self._worker.is_alive():
            self._worker.tell(SlotReturned(slot=self._number, run_id=message.job.run_id))

    # -- what lies ready ------------------------------------------------------------------------

    def _lay_ready(self) -> None:
        message = self._queue[0]
        shelf = self._child.shelf if self._child is not None else None
        if shelf is None or self._cause or self._resuming or self._nursery.keeps(message.job.task_id):
            return
        within_s = message.start_by - self._runtime.clock.monotonic()
        payload = encode(message.job)
        if within_s > 0 and len(payload) <= SHELF_MAX and shelf.put(payload, within_s):
            self._ahead = self._queue.popleft()

    def _take_back(self) -> bool:
        """Let what lies ready wait in the queue; false when the child has taken it."""
        assert self._child is not None or self._ahead is None
        if self._ahead is not None and self._child is not None and self._child.shelf is not None:
            if not self._child.shelf.clear():
                return False
            self._queue.appendleft(self._ahead)
            self._ahead = None
        return True

    def _put_back(self) -> None:
        """The child does not run what lay ready, or not any more: let it wait in the queue."""
        if not self._take_back() and self._ahead is not None:
            self._queue.appendleft(self._ahead)
            self._ahead = None

    # -- a run ----------------------------------------------------------------------------------

    def _begin(self, message: RunJob) -> None:
        self._enter(message)
        job = message.job
        try:
            suspended = self._nursery.resume(job.task_id)
            if suspended is not None:
                if self._child is not None:
                    self._nursery.lay_aside(self._release_child())
                self._adopt(suspended)
                self._resuming = True
                job = msgspec.structs.replace(job, resume=True)
            elif self._child is None:
                self._open_child()
            self._send(encode(job))
        except (ChildLostError, OSError) as error:
            if self._resuming:
                self._begin_again()
                return
            self._drop_child()
            self._finish(_failed(f"no child process could be had: {error}"))
            return
        self._entered(message)

    def _enter(self, message: RunJob) -> None:
        assert self._job is None, f"slot {self._number} is busy with {self._job}"
        self._job = message
        self._cause = self._lost = ""
        self._resuming = False
        if self._logs is not None:
            self._log = self._logs.open(message.job.task_id, message.job.run_id, message.name)

    def _entered(self, message: RunJob) -> None:
        """The child has the job."""
        self._limit_s = 0.0
        self._limit(message.job.run_id, message.timeout_s)
        letters, self._letters = self._letters, []
        for letter in letters:
            self._pass_on(letter)

    def _begin_again(self) -> None:
        """The child that kept the run had died before it could go on: begin from the beginning."""
        assert self._job is not None
        message, self._job = self._job, None
        self._stop_timer()
        self._drop_child()
        if self._log is not None:
            self._log.close()
        self._begin(message)

    def _limit(self, run_id: str, limit_s: float) -> None:
        """Let the run take so long from now on. Its task may say so, when whoever sent it did not know."""
        if limit_s == self._limit_s or self._cause:
            return
        self._stop_timer()
        self._limit_s = limit_s
        if limit_s > 0:
            self._timer = self.actor_inbox.after(limit_s, _TimedOut(run_id))

    def _pass_on(self, message: TaskMessage) -> None:
        waiting = self._queue if self._ahead is None else (self._ahead, *self._queue)
        if any(each.job.run_id == message.run_id for each in waiting):
            self._letters.append(message)
            return
        if self._job is None or self._job.job.run_id != message.run_id or self._child is None:
            return
        try:
            self._send(
                encode(Message(run_id=message.run_id, message_id=message.message_id, content=message.content))
            )
        except OSError as error:
            log.warning("a message did not reach its task", run=message.run_id, error=str(error))

    def _end_run(self, run_id: str, cause: str, *, at_once: bool = False, lost: str = "") -> None:
        ahead = self._ahead
        if ahead is not None and not self._take_back():
            # the present run has ended, and what lay ready has begun; it will be known in a moment
            again = _EndAgain(run_id, cause, at_once, lost, ahead)
            self.actor_inbox.after(CROSSING_S, again)
            return
        for waiting in self._queue:
            if waiting.job.run_id == run_id:
                self._queue.remove(waiting)
                self._note_end(waiting, _failed(cause))
                return
        if self._job is None or self._job.job.run_id != run_id or self._child is None:
            return
        if at_once and self._cause:  # it had its grace, and somebody cannot wait any longer
            self._child.kill(signal.SIGKILL)
        if self._cause:
            return
        self._cause, self._lost = cause, lost
        self._stop_timer()
        if at_once or not self._settings.kill_grace:
            self._child.kill(signal.SIGKILL)
            return
        self._child.kill(signal.SIGTERM)
        self._child.kill(signal.SIGCONT)  # a stopped process does not notice a polite signal
        self._timer = self.actor_inbox.after(self._settings.kill_grace, _GraceOver(run_id))

    def _finish(self, outcome: Outcome, ended: Ended | None = None) -> None:
        job, self._job = self._job, None
        self._stop_timer()
        if self._log is not None:
            self._log.close(outcome.error if outcome.status == "FAILED" else "")
            self._log = None
        if job is not None:
            self._note_end(job, outcome, ended)

    def _note_end(self, job: RunJob, outcome: Outcome, ended: Ended | None = None) -> None:
        registration = ended.registration if ended else None
        self._untold.append(
            SlotEnded(slot=self._number, run_id=job.job.run_id, outcome=outcome, registration=registration)
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the child ------------------------------------------------------------------------------

    def _open_child(self) -> None:
        spare = self._nursery.spare()
        self._adopt(spare or self._nursery.launch())
        if spare is None:
            # a task has no business with the password of the mail server
            settings = msgspec.structs.replace(self._settings, smtp="")
            self._send(encode(Prepare(settings=settings)))

    def _adopt(self, child: Child) -> None:
        self._life += 1
        self._child = child
        self._frames = FrameReader()
        self.actor_inbox.listen(child.connection.fileno(), _Readable(self._life))
        self.actor_inbox.listen(child.status_fd, _StatusReadable(self._life))
        for log_fd in child.log_fds:
            self.actor_inbox.listen(log_fd, _LogReadable(self._life, log_fd))

    def _release_child(self) -> Child:
        """Give the child away; what is still said of it is for nobody here."""
        assert self._child is not None
        self._put_back()
        self._read_log()
        child, self._child = self._child, None
        self.actor_inbox.unlisten(child.connection.fileno())
        self.actor_inbox.unlisten(child.status_fd)
        for log_fd in child.log_fds:
            self.actor_inbox.unlisten(log_fd)
        self._life += 1
        return child

    def _drop_child(self) -> None:
        if self._child is not None:
            self._release_child().close()

    def _read_log(self, fd: int = -1) -> None:
        """Take all that was printed so far, in the present run if nobody says where."""
        if fd < 0 and self._child is not None:
            fd = self._child.log_fd
        while fd >= 0:
            try:
                printed = os.read(fd, LOG_CHUNK)
            except BlockingIOError:
                return
            if not printed:  # nobody has the other end any more
                self.actor_inbox.unlisten(fd)
                return
            if self._log is not None:
                self._log.write(printed)

    def _replace_child(self) -> None:
        self._drop_child()
        try:
            self._open_child()
        except ChildLostError as error:
            log.warning("no child for now", slot=self._number, error=str(error))

    def _send(self, payload: bytes) -> None:
        assert self._child is not None
        connection = self._child.connection
        frame = pack_frame(payload)
        try:
            sent = connection.send(frame)
        except BlockingIOError:
            sent = 0
        if sent == len(frame):
            return
        connection.settimeout(SEND_TIMEOUT_S)
        try:
            connection.sendall(memoryview(frame)[sent:])
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
            case Notice(kind="resumed"):
                self._resuming = False
            case Notice(kind="limit", value=limit_s):
                self._limit(said.run_id, limit_s)
            case Notice():
                self._worker.tell(
                    SlotNoticed(slot=self._number, run_id=said.run_id, kind=said.kind, value=said.value)
                )
            case Ended() if (
                self._child is not None and self._ahead is not None and said.took == self._ahead.job.run_id
            ):
                following, self._ahead = self._ahead, None
                self._read_log()
                self._finish(self._outcome(said.outcome), said)
                self._child.turn_page()
                self._enter(following)
                self._entered(following)
            case Ended():
                self._put_back()
                self._read_log()
                if said.suspended and not self._cause:
                    self._nursery.suspend(self._job.job.task_id, self._release_child())
                    self._replace_child()
                elif said.tainted or said.suspended or self._cause:
                    log.info(
                        "a new child replaces one", slot=self._number, reason=said.tainted or self._cause
                    )
                    self._replace_child()
                self._finish(self._outcome(said.outcome), said)

    def _outcome(self, said: Outcome) -> Outcome:
        """How the run ended: what the task makes of being ended is not its cause, unless it was done."""
        if not self._cause or said.status == "DONE":
            return said
        error = f"{self._cause}\n\n{said.error}" if said.error else self._cause
        return msgspec.structs.replace(
            _failed(self._cause), error=error, elapsed_s=said.elapsed_s, lost=self._lost
        )

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
        if self._resuming and not self._cause:
            self._begin_again()
            return
        self._read_log()
        status = self._child.read_status()
        had_run = self._job is not None
        cause = self._cause or how_it_ended(status)
        lost = self._lost if self._cause else Event.PROCESS_FAILURE
        self._drop_child()
        if had_run:
            self._finish(msgspec.structs.replace(_failed(cause), lost=lost))
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
