"""A worker: registers tasks, asks for work, has it run in its slots, reports how it ended.

Accepts (all by `tell` unless said otherwise)
    Register, StartRun, StopWork        from its user
    ReadLedger                          ask: the ledger
    SlotEnded, SlotReturned, SlotNoticed  from its slots
    ExchangeEnded, Heard, WakeUp        from its scheduler
Tells its scheduler
    Exchange, one at a time: what is to be registered and reported, in order, and the question for
    work at its end. Whatever comes up meanwhile goes with the next one, so a busy worker sends
    batches by itself, and a scheduler that is away blocks nothing here.
    KeepAlive before the first exchange, StopKeepAlive at the end, and `remove_worker` as the last call, when
    its user has done with it.
On stop
    slots end with their children, what they ran is given back, every promise to the user is answered.
On crash
    the guard of the base class logs and goes on.

No code of a user runs in this actor: tasks are discovered by whoever registers them and run by the
slots. So nothing that a task does can keep this actor from its heartbeat.

A run of the worker is over when it holds no run of a task, owes no report, and has nothing to wait
for (`waiting.py` has the rule).

A scheduler that does not know the worker (it lost its memory, or gave the worker up) shows that in
its replies. Then everything that is owed is told again before anything else: first what runs here, so
that nobody else gets it, then what waits. A report that comes too late is refused and changes nothing;
that a task is done is still a fact, and is told as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.deadlines import GOODBYE_S, TELLING_S, DrainOver, WaitedEnough
from actorsched.actors.duties import Duties
from actorsched.actors.handout import read_handout
from actorsched.actors.inquiry import AskAgain, Inquiry
from actorsched.actors.line import Line
from actorsched.actors.messages import (
    Call,
    ExchangeEnded,
    Heard,
    ReadLedger,
    Register,
    SlotEnded,
    SlotNoticed,
    SlotReturned,
    StartRun,
    StopWork,
    WakeUp,
)
from actorsched.actors.runtime import Runtime
from actorsched.actors.staff import Run, Staff
from actorsched.actors.user import User
from actorsched.config import WorkerSettings
from actorsched.errors import SchedulerUnreachableError, WorkerReplacedError
from actorsched.tasks.outcome import Outcome

#: why runs end that are still on when the worker ends
STOPPED = "the worker was stopped"
#: seconds between two heartbeats, where a lease leaves so much time and nobody has said anything (Luigi's)
PING_INTERVAL_S = 1.0


class WorkerActor(Actor):
    """See the top of the module.

    Args:
        scheduler: a SchedulerActor, a RemoteSchedulerActor, or an AdapterActor.
        worker_id: as shown to people and to the scheduler.
        info: what else is shown of this worker; `workers` is the number of its slots.
        settings: how it behaves.
        make_slot: starts the slot of a number; the worker stops it.
        slots: how many slots to have at first.
        forever: serve others until told to stop.
        observe: called with (kind, fields) when a run starts, says something or ends, a task could not be
            scheduled, or the scheduler has told how it stands; must be quick.
    """

    def __init__(
        self,
        scheduler: ActorRef[Any],
        worker_id: str,
        info: Mapping[str, Any],
        settings: WorkerSettings,
        make_slot: Callable[[int, ActorRef[Any]], ActorRef[Any]],
        *,
        slots: int = 1,
        assistant: bool = False,
        forever: bool = False,
        runtime: Runtime | None = None,
        observe: Callable[[str, Mapping[str, Any]], None] | None = None,
    ) -> None:
        super().__init__(runtime)
        self._worker_id = worker_id
        self._incarnation = self._runtime.make_id()
        self._info = dict(info)
        self._settings = settings
        self._forever = forever
        now = self._runtime.clock.monotonic
        self._duties = Duties(
            worker_id, settings, now, assistant=assistant, incarnation=self._incarnation, forgetful=forever
        )
        self._staff = Staff(
            lambda number: make_slot(number, self.actor_ref), queueing=settings.execution == "process"
        )
        self._staff.wanted = slots
        self._user = User(observe, lambda: (self._duties.ledger.counts, self._staff.n_busy))
        self._line = Line(scheduler, self.actor_ref, worker_id, self._incarnation, self._info)
        self._outbox = self._line.outbox
        self._inquiry = Inquiry(
            worker_id,
            self._incarnation,
            self._info,
            settings,
            self._staff,
            self._runtime,
            self.actor_inbox,
            assistant=assistant,
            forever=forever,
        )
        self._stopping = False
        wish = settings.ping_interval
        self._line.ping_interval = (PING_INTERVAL_S, False) if wish is None else (wish, True)

    def on_start(self) -> None:
        self._staff.fit()

    def on_stop(self) -> None:
        self._staff.dismiss(self._settings.kill_grace + 5)
        runs = self._staff.runs.values()
        self._line.last_words([call for run in runs for call in self._duties.give_back(run, STOPPED)])
        self._answer_users(ActorDeadError(f"worker {self._worker_id} was stopped"))

    def handle(self, message: object) -> Any:
        match message:
            case SlotEnded():
                self._slot_ended(message)
            case SlotReturned():
                self._slot_returned(message)
            case ExchangeEnded() if self._line.is_answered_by(message):
                self._exchange_ended(message.results, message.error)
            case ExchangeEnded():
                pass  # nobody waits for this one
            case Register(found=found, acknowledged=acknowledged):
                self._return_from_loss()
                self._outbox.post_all(call for each in found for call in self._duties.take_on(each))
                self._line.promise(acknowledged)
                for each in found:
                    if each.kind == "failed":
                        self._user.tell("unschedulable", **self._duties.about_failed(each))
                self._inquiry.hungry = True
            case StartRun():
                self._start_run(message)
            case SlotNoticed():
                self._noticed(message)
            case AskAgain():
                self._inquiry.rest_is_over()
            case WakeUp():
                self._inquiry.hungry = True
            case Heard(rpc_messages=rpc_messages, known=known):
                self._heard(rpc_messages, known)
            case StopWork():
                self._stop_work(message)
            case DrainOver(reason=reason):
                self._staff.give_back(reason, at_once=False)
            case WaitedEnough(run=run):
                if run == self._user.n_runs:
                    self._duties.ledger.abandoned = bool(self._outbox or self._line.busy)
                    self._user.end()
            case ReadLedger():
                return self._duties.ledger
            case _:
                self.refuse(message)
        if self.actor_inbox.empty():  # else the next message may bring more to say, and to ask for
            self._pump()
        return None

    # -- talking to the scheduler ---------------------------------------------------------------

    def _pump(self) -> None:
        """Send what waits, and ask for work when there is room for it; or notice that all is over."""
        if self._line.busy:
            return
        if self._line.send(self._inquiry.question if self._may_ask() else None):
            return
        if not self._staff.runs and self._line.say_goodbye():
            self.actor_inbox.after(GOODBYE_S, WaitedEnough(self._user.n_runs))
        else:
            self._finish_if_over()

    def _may_ask(self) -> bool:
        if not self._user.waits or self._stopping or not self._inquiry.hungry:
            return False
        if not self._inquiry.fenced and any(map(self._duties.is_unclaimed, self._staff.runs.values())):
            return False  # Luigi's scheduler takes an unclaimed batch for lost, and would hand it out again
        return self._staff.room > 0 or self._inquiry.only_waits

    def _exchange_ended(self, results: tuple[Any, ...], error: Exception | None) -> None:
        if error is not None:
            log.error("the scheduler is lost", worker=self._worker_id, error=str(error))
            self._line.take_back(error)
            if self._forever and not self._stopping and isinstance(error, SchedulerUnreachableError):
                # a node serves until it is told to stop; the client is the patient one
                self._inquiry.hungry = True
            else:
                self._give_up(error)
            return
        refused, reply = self._line.answers(results)
        for call, why in refused:
            self._refused(call, why)
        if self._line.challenged:  # by name, because the process before this one had the same id
            self._register_again()
        if reply is not None and not self._line.lost:
            self._answered(reply)

    def _answered(self, reply: Any) -> None:
        """The question for work has an answer."""
        if not isinstance(reply, Exception):
            self._take(reply)
        elif self._inquiry.failed(reply):
            self._give_up(reply)
        else:
            self._inquiry.rest()

    def _refused(self, call: Call, reply: Mapping[str, Any]) -> None:
        """The scheduler did not take a call, because of whom or of which run it came from."""
        task_id = call.params.get("task_id")
        if reply["refused"] == "stale_incarnation":
            self._give_up(
                WorkerReplacedError(
                    f"another process works as {self._worker_id!r} now; give each worker an id of its own"
                )
            )
            return
        log.warning("a report came too late", task=task_id, refused=reply["refused"])
        self._inquiry.hungry = True
        if call.params.get("status") == "DONE":
            self._outbox.post_all(self._duties.facts(str(task_id)))
            return
        run = self._staff.runs.get(str(call.params.get("run_id")))
        if run is not None and not run.superseded:
            run.superseded = True
            self._staff.cancel(run, "the scheduler gave this task to somebody else")

    def _give_up(self, error: Exception) -> None:
        """Without a scheduler nothing can be finished: end what runs and say so to the user."""
        self._line.lost = True
        self._staff.give_back(f"the scheduler is lost: {error}", at_once=False)
        self._answer_users(error)

    def _return_from_loss(self) -> None:
        """The user wants something of a scheduler that was given up: it may know nothing any more."""
        if self._line.find():
            self._register_again()

    def _answer_users(self, error: Exception) -> None:
        self._line.break_promises(error)
        self._user.end(error)

    # -- work -----------------------------------------------------------------------------------

    def _start_run(self, message: StartRun) -> None:
        if self._user.start(message):
            self._return_from_loss()
            self._duties.ledger.abandoned = False
            self._inquiry.hungry = True

    def _take(self, reply: Mapping[str, Any]) -> None:
        """Start what the scheduler handed out; remember what it said about the rest."""
        if reply.get("refused") == "unproven_incarnation":
            self._inquiry.hungry = True
            return
        handout = read_handout(reply)
        if handout.refused:
            self._refused(self._inquiry.question(), reply)
            return
        if not handout.known:
            self._register_again()
        if handout.disabled and not self._forever:
            self._stopping = True
        if handout.lease_s:
            self._line.fit_pings(handout.lease_s)
        grants, start_by = self._inquiry.hear(handout)
        for grant in grants:
            self._begin(grant, start_by)
        if self._user.watches:
            runs = self._duties.runs_in(reply)
            self._user.tell("heard", pending=reply.get("n_pending_tasks", 0), runs=runs)
        if self._staff.n_free or self._inquiry.only_waits:
            self._inquiry.rest()

    def _begin(self, grant: Mapping[str, Any], start_by: float) -> None:
        run = self._duties.run_of(grant)
        after = grant.get("after") or ""
        refusal = STOPPED if self._stopping else self._staff.refusal(after)
        if refusal:
            self._outbox.post_all(self._duties.give_back(run, refusal))
            return
        try:
            job = self._duties.prepare(run, grant, start_by, self._staff.runs.get(after))
        except Exception as error:
            cause = f"the task cannot be sent to a child process: {error}"
            self._report(run, Outcome(status="FAILED", cause=cause, error=cause), None)
            return
        self._staff.seat(run, job)
        if self._user.watches:
            self._user.tell("started", **self._duties.about(run, None))

    def _slot_ended(self, message: SlotEnded) -> None:
        run = self._staff.leave(message.slot, message.run_id, message.outcome)
        if run is None:
            return
        known = run.task is not None and not run.given_back
        if known and message.outcome.lost:
            self._user.hear_of_loss(run.task, message.outcome.lost, message.outcome.cause)
        self._report(run, message.outcome, message.registration)

    def _slot_returned(self, message: SlotReturned) -> None:
        run = self._staff.leave(message.slot, message.run_id)
        if run is not None:
            run.given_back = run.given_back or message.why
            self._report(run, Outcome(status="FAILED", cause=run.given_back), None)

    def _report(self, run: Run, outcome: Outcome, loaded: Any) -> None:
        self._outbox.post_all(self._duties.report(run, outcome, loaded))
        self._inquiry.hungry = True
        if self._user.watches:
            self._user.tell("ended", **self._duties.about(run, outcome))

    def _finish_if_over(self) -> None:
        if self._staff.runs or self._outbox:
            return
        self._user.calm()
        if not self._user.waits:
            return
        if self._stopping or self._inquiry.is_settled:
            self._inquiry.end()
            self._stopping = False  # a stop is for one run
            self._user.end()

    # -- being stopped, changed and forgotten ---------------------------------------------------

    def _stop_work(self, message: StopWork) -> None:
        self._stopping = True
        self._user.wait_for_quiet(message.quiet)
        self._line.leaving |= message.leaving
        if self._line.lost or self._duties.ledger.abandoned:
            self._user.calm()  # nobody is there to be told
        if message.drain_s is None:
            return
        grace_s = 0.0 if message.at_once else message.drain_s + self._settings.kill_grace
        self.actor_inbox.after(grace_s + TELLING_S, WaitedEnough(self._user.n_runs))
        if not self._staff.runs:
            return
        if message.drain_s > 0:
            self.actor_inbox.after(message.drain_s, DrainOver(message.reason))
        else:
            self._staff.give_back(message.reason, at_once=message.at_once)

    def _heard(self, rpc_messages: tuple[dict[str, Any], ...], known: bool) -> None:
        if not known:
            self._register_again()
        for message in rpc_messages:
            match message:
                case {"name": "set_worker_processes", "kwargs": {"n": int(n)}}:
                    self._info["workers"] = self._staff.resize(n)
                    self._outbox.post(self._line.introduction())
                    self._inquiry.hungry = True
                case {"name": "cancel_task", "kwargs": {"task_id": task_id, "run_id": run_id}}:
                    self._staff.cancel_task(task_id, run_id, "cancelled")
                case {"name": "dispatch_scheduler_message", "kwargs": dict(kwargs)}:
                    self._staff.deliver(**kwargs)
                case _:
                    log.warning("a message from the scheduler is not understood", message=message)

    def _register_again(self) -> None:
        """The scheduler does not know us: tell it everything that we still owe, before asking."""
        if not self._line.introduce_again():
            return
        if self._line.is_new:  # all that there is to say waits already
            self._outbox.post_first([self._line.introduction()])
            return
        log.info("the scheduler does not know this worker; registering again", worker=self._worker_id)
        owed = self._duties.everything(self._staff.runs.values())
        self._outbox.post_first([self._line.introduction(), *owed])
        self._inquiry.hungry = True

    def _noticed(self, notice: SlotNoticed) -> None:
        run = self._staff.runs.get(notice.run_id)
        if run is None or run.superseded:
            return
        if (call := self._duties.pass_on(run, notice)) is not None:
            self._outbox.post(call)
            self._user.tell("said", task_id=run.task_id, what=notice.kind, value=notice.value)
