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

What is next is laid ready for the child (`upcoming.py`), which goes on with it by itself and says so with the
end of the run before; the slot hears of it later, and may be some runs behind.

A run that waits for dynamic requirements stays in its child, which goes to the nursery; the slot goes
on with another one. When the task comes again, to whichever slot, its child is taken from there.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterable
from typing import Any

import msgspec
from pykka import ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.child_link import (
    ChildEnded,
    ChildEvent,
    ChildHasRoom,
    ChildLink,
    ChildPrinted,
    ChildSpoke,
)
from actorsched.actors.ending import NONE, Ending, failed
from actorsched.actors.inbox import Timer
from actorsched.actors.letters import Letters
from actorsched.actors.messages import CancelRun, RunJob, TaskMessage
from actorsched.actors.reminders import EndRun, GraceOver, Lingered, TimedOut, TryAgain
from actorsched.actors.runtime import Runtime
from actorsched.actors.telling import Telling
from actorsched.actors.upcoming import Upcoming
from actorsched.children.launcher import Child, Launcher
from actorsched.children.nursery import Nursery
from actorsched.children.runlog import RunLogs
from actorsched.children.speech import Ended, Notice, decode_for_slot, encode
from actorsched.config import WorkerSettings
from actorsched.tasks.event import Event
from actorsched.tasks.outcome import Outcome

#: how long the end of a run may be on its way when the child was seen to have gone on with the next, seconds
CROSSING_S = 1.0
#: what waits behind a run that takes so long (up to twice that) is given back, seconds
LINGER_S = 0.01
#: a run for which no child can be had tries again, each time after so much longer; seconds, and times
NO_CHILD_PAUSE_S = 1.0
NO_CHILD_TRIES = 5


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
        self._telling = Telling(number, worker)
        self._nursery = (
            launcher if isinstance(launcher, Nursery) else Nursery(launcher, settings.suspended_max)
        )
        self._logs = logs
        self._settings = settings
        self._child = ChildLink(number, self.actor_inbox, self._nursery, settings)
        self._upcoming = Upcoming(self._child, self._nursery, self._runtime.clock.monotonic)
        self._letters = Letters(self._child)
        self._job: RunJob | None = None
        self._tries = 0  # of the present run, to get a child
        self._resuming = False  # whether the child has yet to say that it goes on with a suspended run
        self._ending = NONE  # of the present run
        self._limit_s = 0.0
        self._timer: Timer | None = None
        self._lingering: RunJob | None = None  # the run that was on when the timer below was set
        self._linger_timer: Timer | None = None

    def on_start(self) -> None:
        self._child.replace()

    def on_stop(self) -> None:
        if self._child and self._worker.is_alive():
            self._hear_all(self._child.all_said())  # how runs have ended that the child went on from
        job = self._job
        self._drop_child()
        if job is not None:
            self._finish(failed(self._ending.cause or "the worker stopped"))
        self._telling.tell_ends()
        self._return_queue("the worker stopped")

    def handle(self, message: object) -> Any:
        match message:
            case RunJob():
                self._upcoming.add(message)
            case ChildSpoke(life=life) if life == self._child.life:
                self._hear_all(self._child.said())
            case ChildEnded(life=life) if life == self._child.life:
                self._child_ended()
            case ChildPrinted(life=life, fd=fd) if life == self._child.life:
                if not self._child.read_page(fd):
                    self._hear_all(self._child.all_said())
                    self._child.keep_early()
            case ChildHasRoom(life=life) if life == self._child.life:
                self._letters.post_on()
            case ChildEvent():
                pass  # of a child that is not here any more
            case CancelRun(run_id=run_id, cause=cause, at_once=at_once):
                self._end_run(EndRun(run_id, cause, at_once=at_once))
            case TimedOut(run_id=run_id):
                cause = f"timed out after {self._limit_s:g} s and was ended"
                self._end_run(EndRun(run_id, cause, lost=Event.TIMEOUT))
            case EndRun():
                self._end_run(message)
            case TaskMessage():
                self._pass_on(message)
            case GraceOver(run_id=run_id):
                if self._is_present(run_id):
                    self._child.kill(signal.SIGKILL)
            case TryAgain(run_id=run_id):
                if self._is_present(run_id):
                    self._try_again()
            case Lingered():
                self._lingered()
            case _:
                self.refuse(message)
        self._go_on()

    # -- runs that wait -------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Begin what is next, tell what there is to tell."""
        while self._job is None and (message := self._upcoming.next()) is not None:
            if self._runtime.clock.monotonic() >= message.start_by:
                self._telling.returned(message, "its lease may have run out before it could begin")
            elif not self._upcoming.may_begin(message):
                self._telling.returned(message, "what it waits for was not done")
            else:
                self._begin(message)
        if self._job is not None and not self._ending.cause and not self._resuming:
            self._upcoming.lay_ready(self._job.job.run_id)
        if len(self._telling) >= len(self._upcoming):
            self._telling.tell_ends()
        if self._linger_timer is None and (self._upcoming or self._telling):
            self._lingering = self._job
            self._linger_timer = self.actor_inbox.after(LINGER_S, Lingered())

    def _lingered(self) -> None:
        self._linger_timer = None
        if self._job is self._lingering:
            self._upcoming.take_back()
            self._return_queue("a run before it takes long")
        self._telling.tell_ends()

    def _return_queue(self, why: str) -> None:
        while (message := self._upcoming.next()) is not None:
            self._telling.returned(message, why)

    # -- a run ----------------------------------------------------------------------------------

    def _begin(self, message: RunJob) -> None:
        self._enter(message)
        job = message.job
        try:
            suspended = self._nursery.resume(job.task_id)
            if suspended is not None:
                if self._child:
                    self._nursery.lay_aside(self._release_child())
                self._child.adopt(suspended)
                self._resuming = True
                job = msgspec.structs.replace(job, resume=True)
            elif not self._child:
                self._child.open()
            self._child.send(encode(job))
        except Exception as error:  # whatever it is: else this run would have no end
            if self._resuming:
                self._begin_again()
                return
            self._drop_child()
            if self._tries == NO_CHILD_TRIES:
                self._finish(failed(f"no child process could be had: {error}"))
                return
            # Not at once: a slot that can have no child would fail one task after the other.
            self.actor_inbox.after(self._tries * NO_CHILD_PAUSE_S, TryAgain(message.job.run_id))
            self._tries += 1
            return
        self._entered(message)

    def _is_present(self, run_id: str) -> bool:
        return self._job is not None and self._job.job.run_id == run_id

    def _enter(self, message: RunJob) -> None:
        assert self._job is None, f"slot {self._number} is busy with {self._job}"
        self._job = message
        self._ending = NONE
        self._resuming = False
        if self._logs is not None:
            self._child.log = self._logs.open(message.job.task_id, message.job.run_id, message.name)

    def _entered(self, message: RunJob) -> None:
        """The child has the job."""
        self._limit_s = 0.0
        self._limit(message.job.run_id, message.timeout_s)
        self._pass_letters_on()

    def _begin_again(self) -> None:
        """The child that kept the run had died before it could go on: begin from the beginning."""
        self._drop_child()
        self._try_again()

    def _try_again(self) -> None:
        """Let the present run wait as the next one."""
        assert self._job is not None
        self._upcoming.add_first(self._job)
        self._job = None
        self._stop_timer()
        if self._child.log is not None:
            self._child.log.close()
            self._child.log = None

    def _limit(self, run_id: str, limit_s: float) -> None:
        """Let the run take so long from now on. Its task may say so, when whoever sent it did not know."""
        if limit_s == self._limit_s or self._ending.cause:
            return
        self._stop_timer()
        self._limit_s = limit_s
        if limit_s > 0:
            self._timer = self.actor_inbox.after(limit_s, TimedOut(run_id))

    def _pass_letters_on(self) -> None:
        for letter in self._letters.take():
            self._pass_on(letter)

    def _pass_on(self, letter: TaskMessage) -> None:
        is_present = self._is_present(letter.run_id)
        # a child that is to resume a run may be gone already
        if self._upcoming.expects(letter.run_id) or (is_present and (not self._child or self._resuming)):
            self._letters.keep(letter)
        elif is_present:
            self._letters.send(letter)

    def _end_run(self, end: EndRun) -> None:
        all_back = self._upcoming.take_back()
        waiting = self._upcoming.remove(end.run_id)
        if waiting is not None:
            self._telling.ended(waiting, failed(end.cause))
            return
        is_present, ahead = self._is_present(end.run_id), self._upcoming.ahead
        if not is_present and not self._upcoming.is_ahead(end.run_id):
            return  # it is over
        if not all_back and is_present and ahead is end.ahead:
            self._upcoming.put_back()  # the child stands still between the two
        elif not all_back:
            # the present run has ended, and what lay ready has begun; it will be known in a moment
            self.actor_inbox.after(CROSSING_S, dataclasses.replace(end, ahead=ahead))
            return
        if not self._child:
            self._finish(failed(end.cause))  # it waits for one
            return
        if end.at_once and self._ending.cause:  # it had its grace, and somebody cannot wait any longer
            self._child.kill(signal.SIGKILL)
        if self._ending.cause:
            return
        self._ending = Ending(end.cause, end.lost)
        self._stop_timer()
        if end.at_once or not self._settings.kill_grace:
            self._child.kill(signal.SIGKILL)
            return
        # a stopped process does not notice a polite signal
        self._child.kill(signal.SIGTERM, signal.SIGCONT)
        self._timer = self.actor_inbox.after(self._settings.kill_grace, GraceOver(end.run_id))

    def _finish(self, outcome: Outcome, ended: Ended | None = None) -> None:
        job, self._job = self._job, None
        self._tries = 0
        self._stop_timer()
        if self._child.log is not None:
            self._child.log.close(outcome.error if outcome.status == "FAILED" else "")
            self._child.log = None
        if job is not None:
            if outcome.status == "DONE":
                self._upcoming.note_success(job.job.run_id)
            self._telling.ended(job, outcome, ended)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- the child ------------------------------------------------------------------------------

    def _release_child(self) -> Child:
        self._upcoming.put_back()
        return self._child.release()

    def _drop_child(self) -> None:
        self._upcoming.put_back()
        self._child.drop()

    def _replace_child(self) -> None:
        self._upcoming.put_back()
        self._child.replace()

    def _hear_all(self, frames: Iterable[bytes]) -> None:
        for frame in frames:
            self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        try:
            said = decode_for_slot(frame)
        except msgspec.MsgspecError as error:
            nonsense = f"the child process said something that is no message: {error}"
            self._replace_child()
            self._finish(failed(self._ending.cause or nonsense))
            return
        if self._job is None or not self._is_present(said.run_id):
            return  # a word about a run that is over
        match said:
            case Notice(kind="resumed"):
                self._resuming = False
                self._pass_letters_on()
            case Notice(kind="limit", value=limit_s):
                self._limit(said.run_id, limit_s)
            case Notice(kind="named", value=str(name)):
                if self._child.log is not None:
                    self._child.log.rename(name)
            case Notice():
                self._telling.noticed(said)
            case Ended() if (following := self._upcoming.taken(said.took)) is not None:
                self._child.read_log()
                self._finish(self._ending.judge(said.outcome), said)
                self._enter(following)
                self._child.turn_page()
                self._entered(following)
            case Ended():
                self._upcoming.put_back()
                self._child.read_logs()
                if said.suspended and not self._ending.cause:
                    self._nursery.suspend(self._job.job.task_id, self._release_child())
                    self._replace_child()
                elif reason := said.tainted or self._ending.cause or (said.suspended and "suspended"):
                    log.info("a new child replaces one", slot=self._number, reason=reason)
                    self._replace_child()
                self._finish(self._ending.judge(said.outcome), said)

    def _child_ended(self) -> None:
        """The status has come. What the child said before it ended still counts."""
        life = self._child.life
        self._hear_all(self._child.all_said())
        if self._child.life != life:
            return
        if self._resuming and not self._ending.cause:
            self._begin_again()
            return
        self._child.read_logs()
        outcome = self._ending.judge_lost(self._child.how_it_ended())
        self._drop_child()
        if self._job is not None:  # else the next run takes another one: this may be what becomes of all
            self._finish(outcome)
            self._replace_child()
