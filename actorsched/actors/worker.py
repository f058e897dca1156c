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
    KeepAlive from the first exchange on, StopKeepAlive at the end.
On stop
    slots end (and with them their children), what they ran is given back, every promise to the user
    is answered.
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

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.duties import Duties
from actorsched.actors.inbox import Timer
from actorsched.actors.line import Line
from actorsched.actors.messages import (
    Call,
    ExchangeEnded,
    Heard,
    ReadLedger,
    Register,
    Settable,
    SlotEnded,
    SlotNoticed,
    SlotReturned,
    StartRun,
    StopWork,
    TaskMessage,
    WakeUp,
)
from actorsched.actors.outbox import answer
from actorsched.actors.runtime import Runtime
from actorsched.actors.staff import Run, Staff
from actorsched.actors.waiting import Waiting
from actorsched.config import WorkerSettings
from actorsched.errors import SchedulerUnreachableError, WorkerReplacedError
from actorsched.tasks.running import Outcome

#: why runs end that are still on when the worker ends
STOPPED = "the worker was stopped"
#: the answer to a question for work may be an error so many times in a row before the worker gives up
FAILED_QUESTIONS_MAX = 3
#: when an end is wanted at once, so many seconds are spent on telling the scheduler
AT_ONCE_S = 2.0
#: heartbeats within one lease, at least
PINGS_PER_LEASE = 3


@dataclass(frozen=True, slots=True)
class _AskAgain:
    pass


@dataclass(frozen=True, slots=True)
class _DrainOver:
    reason: str


@dataclass(frozen=True, slots=True)
class _WaitedEnough:
    """The user wanted an end at once, and it is not reached yet."""


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
        observe: called with (kind, fields) when a run starts or ends, a task could not be scheduled, or
            the scheduler has told how it stands; must be quick.
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
        self._assistant = assistant
        self._waiting = Waiting(settings, assistant=assistant, forever=forever)
        self._forever = forever
        self._observe = observe
        self._duties = Duties(
            worker_id, settings, assistant=assistant, incarnation=self._incarnation, forgetful=forever
        )
        self._staff = Staff(
            lambda number: make_slot(number, self.actor_ref), queueing=settings.execution == "process"
        )
        self._staff.wanted = slots

        self._line = Line(scheduler, self.actor_ref, worker_id, self._incarnation, self._info)
        self._outbox = self._line.outbox
        self._failed_questions = 0
        self._asked_at = 0.0
        self._fenced = False  # runs have ids that the scheduler knows, so that they can be given back
        self._hungry = False  # there may be work that we did not ask for yet
        self._ended: Settable | None = None  # set while a run of the worker is on
        self._tell_lost: Callable[[Any, str, str], None] | None = None
        self._quiet: list[Settable] = []
        self._stopping = False
        self._ask_timer: Timer | None = None
        self._ping_interval_s = settings.ping_interval

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
                        self._tell_observer("unschedulable", **self._duties.about_failed(each))
                self._hungry = True
            case StartRun():
                self._start_run(message)
            case SlotNoticed():
                self._noticed(message)
            case _AskAgain():
                self._ask_timer = None
                self._hungry = True
            case WakeUp():
                self._hungry = True
            case Heard(rpc_messages=rpc_messages, known=known):
                self._heard(rpc_messages, known)
            case StopWork():
                self._stop_work(message)
            case _DrainOver(reason=reason):
                self._give_back(reason, at_once=False)
            case _WaitedEnough():
                self._answer_users(None)
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
        if self._line.send(self._question if self._may_ask() else None):
            self._line.keep_alive(self._ping_interval_s)
        else:
            self._finish_if_over()

    def _may_ask(self) -> bool:
        if self._ended is None or self._stopping or not self._hungry:
            return False
        if not self._fenced and any(map(self._duties.is_unclaimed, self._staff.runs.values())):
            return False  # Luigi's scheduler takes an unclaimed batch for lost, and would hand it out again
        return self._staff.room > 0 or self._staff.wanted == 0

    def _question(self) -> Call:
        self._hungry = False
        self._asked_at = self._runtime.clock.monotonic()
        if self._staff.wanted == 0:
            return Call(method="count_pending", params={"worker": self._worker_id})
        params: dict[str, Any] = {
            "worker": self._worker_id,
            "host": self._info.get("host"),
            "assistant": self._assistant,
            "current_tasks": [run.task_id for run in self._staff.runs.values()],
            "incarnation": self._incarnation,
        }
        room = self._staff.room if self._fenced else self._staff.n_free
        if room > 1:
            params["max_tasks"] = room
        return Call(method="get_work", params=params)

    def _exchange_ended(self, results: tuple[Any, ...], error: Exception | None) -> None:
        if error is not None:
            log.error("the scheduler is lost", worker=self._worker_id, error=str(error))
            self._line.take_back(error)
            if self._forever and not self._stopping and isinstance(error, SchedulerUnreachableError):
                self._hungry = True  # a node serves until it is told to stop; the client is the patient one
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
            self._failed_questions = 0
            self._take(reply)
            return
        self._failed_questions += 1
        log.error("the scheduler could not answer", worker=self._worker_id, error=str(reply))
        if self._failed_questions >= FAILED_QUESTIONS_MAX and not self._forever:
            self._failed_questions = 0
            self._give_up(reply)
        else:
            self._ask_later()

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
        self._hungry = True
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
        self._give_back(f"the scheduler is lost: {error}", at_once=False)
        self._answer_users(error)

    def _return_from_loss(self) -> None:
        """The user wants something of a scheduler that was given up: it may know nothing any more."""
        if self._line.find():
            self._register_again()

    def _answer_users(self, error: Exception | None) -> None:
        """Whatever may still come, nobody waits for it any more."""
        if error is not None:
            self._line.break_promises(error)
        ended, self._ended = self._ended, None
        answer(ended, error)
        self._answer_quiet()

    def _answer_quiet(self) -> None:
        quiet, self._quiet = self._quiet, []
        for promise in quiet:
            answer(promise, None)

    # -- work -----------------------------------------------------------------------------------

    def _start_run(self, message: StartRun) -> None:
        if self._ended is not None:
            message.ended.set_exception((RuntimeError, RuntimeError("this worker is running already"), None))
            return
        self._return_from_loss()
        self._ended, self._tell_lost, self._hungry = message.ended, message.lost, True

    def _take(self, reply: Mapping[str, Any]) -> None:
        """Start what the scheduler handed out; remember what it said about the rest."""
        if reply.get("refused") == "unproven_incarnation":
            self._hungry = True
            return
        if reply.get("refused"):
            self._refused(self._question(), reply)
            return
        if reply.get("known") is False:
            self._register_again()
        if reply.get("worker_state") == "disabled" and not self._forever:
            self._stopping = True
        lease_s = reply.get("lease_s")
        if lease_s:
            self._ping_interval_s = min(self._settings.ping_interval, lease_s / PINGS_PER_LEASE)
        grants = reply.get("tasks")
        if grants is None:
            handed_out = reply.get("task_id") is not None or reply.get("batch_id") is not None
            grants = [reply] if handed_out else []
        if grants:
            self._fenced = grants[0].get("run_id") is not None
        start_by = math.inf if lease_s is None else self._asked_at + lease_s
        if grants and self._runtime.clock.monotonic() >= start_by:
            # somebody else may have it by now; if not, it is handed out to the next question again
            log.warning("work came when its lease had run out; asking again", worker=self._worker_id)
            self._hungry = True
            grants = []
        for grant in grants:
            self._begin(grant, start_by)
        self._waiting.hear(reply, got_work=bool(grants))
        if self._observe is not None:
            runs = self._duties.runs_in(reply)
            self._tell_observer("heard", pending=reply.get("n_pending_tasks", 0), runs=runs)
        if self._staff.n_free or self._staff.wanted == 0:
            self._ask_later()

    def _begin(self, grant: Mapping[str, Any], start_by: float) -> None:
        run = self._duties.run_of(grant)
        if self._stopping or not self._staff.room:
            self._outbox.post_all(self._duties.give_back(run, "no slot was free any more"))
            return
        try:
            job = self._duties.prepare(run, grant, start_by)
        except Exception as error:
            cause = f"the task cannot be sent to a child process: {error}"
            self._report(run, Outcome(status="FAILED", cause=cause, error=cause), None)
            return
        self._staff.seat(run, job)
        if self._observe is not None:
            self._tell_observer("started", **self._duties.about(run, None))

    def _slot_ended(self, message: SlotEnded) -> None:
        run = self._staff.leave(message.slot, message.run_id, message.outcome.elapsed_s)
        if run is None:
            return
        known = run.task is not None and not run.given_back
        if known and message.outcome.lost and self._tell_lost is not None:
            self._tell_lost(run.task, message.outcome.lost, message.outcome.cause)
        self._report(run, message.outcome, message.registration)

    def _slot_returned(self, message: SlotReturned) -> None:
        run = self._staff.leave(message.slot, message.run_id)
        if run is not None:
            run.given_back = run.given_back or "a run before it took too long"
            self._report(run, Outcome(status="FAILED", cause=run.given_back), None)

    def _report(self, run: Run, outcome: Outcome, loaded: Any) -> None:
        self._outbox.post_all(self._duties.report(run, outcome, loaded))
        self._hungry = True
        if self._observe is not None:
            self._tell_observer("ended", **self._duties.about(run, outcome))

    def _ask_later(self) -> None:
        if self._ask_timer is None:
            jitter = self._runtime.random.uniform(0, self._settings.wait_jitter)
            self._ask_timer = self.actor_inbox.after(self._waiting.interval_s + jitter, _AskAgain())

    def _finish_if_over(self) -> None:
        if self._staff.runs or self._outbox:
            return
        self._answer_quiet()
        if self._ended is None:
            return
        if self._stopping or (
            not self._hungry
            and not self._failed_questions
            and not self._waiting.goes_on(self._runtime.clock.monotonic())
        ):
            if self._ask_timer is not None:
                self._ask_timer.cancel()
                self._ask_timer = None
            ended, self._ended = self._ended, None
            self._stopping = False  # a stop is for one run
            ended.set(None)

    # -- being stopped, changed and forgotten ---------------------------------------------------

    def _stop_work(self, message: StopWork) -> None:
        self._stopping = True
        if message.quiet is not None:
            self._quiet.append(message.quiet)
        if self._line.lost:
            self._answer_quiet()  # nobody is there to be told
        if message.at_once:
            self.actor_inbox.after(AT_ONCE_S, _WaitedEnough())
        if not self._staff.runs or message.drain_s is None:
            return
        if message.drain_s > 0:
            self.actor_inbox.after(message.drain_s, _DrainOver(message.reason))
        else:
            self._give_back(message.reason, at_once=message.at_once)

    def _give_back(self, reason: str, *, at_once: bool) -> None:
        """End what runs; the tasks go back to the scheduler as they were."""
        for run in self._staff.runs.values():
            run.given_back = run.given_back or reason
            self._staff.cancel(run, reason, at_once=at_once)

    def _heard(self, rpc_messages: tuple[dict[str, Any], ...], known: bool) -> None:
        if not known:
            self._register_again()
        for message in rpc_messages:
            match message:
                case {"name": "set_worker_processes", "kwargs": {"n": int(n)}}:
                    self._staff.wanted = max(0, n)
                    self._info["workers"] = self._staff.wanted
                    self._staff.fit()
                    self._outbox.post(self._line.introduction())
                    self._hungry = True
                case {"name": "cancel_task", "kwargs": {"task_id": task_id}}:
                    for run in self._staff.of_task(task_id):
                        self._staff.cancel(run, "cancelled")
                case {"name": "dispatch_scheduler_message", "kwargs": dict(kwargs)}:
                    self._dispatch(**kwargs)
                case _:
                    log.warning("a message from the scheduler is not understood", message=message)

    def _dispatch(self, task_id: str, message_id: str, content: Any, **ignored: Any) -> None:
        for run in self._staff.of_task(task_id):
            message = TaskMessage(run_id=run.run_id, message_id=message_id, content=str(content))
            self._staff.pass_on(run, message)

    def _register_again(self) -> None:
        """The scheduler does not know us: tell it everything that we still owe, before asking."""
        if not self._line.introduce_again():
            return
        if self._line.is_new:  # all that there is to say waits already
            self._outbox.post_first([self._line.introduction()])
            return
        log.info("the scheduler does not know this worker; registering again", worker=self._worker_id)
        runs = [run for run in self._staff.runs.values() if not run.superseded]
        claims = [call for run in runs for call in self._duties.claim(run)]
        claimed = {call.params["task_id"] for call in claims}
        owed = [call for call in self._duties.owed() if call.params.get("task_id") not in claimed]
        self._outbox.post_first([self._line.introduction(), *claims, *owed])
        self._hungry = True

    def _noticed(self, notice: SlotNoticed) -> None:
        run = self._staff.runs.get(notice.run_id)
        if run is None or run.superseded:
            return
        call = self._duties.pass_on(run, notice)
        if call is not None:
            self._outbox.post(call)

    def _tell_observer(self, kind: str, **fields: Any) -> None:
        if self._observe is None:
            return
        try:
            counts, running = self._duties.ledger.counts, self._staff.n_busy
            self._observe(kind, {"counts": counts, "running": running, **fields})
        except Exception as error:  # the one who watches must not disturb the one who works
            log.warning("an observer failed", error=repr(error))
