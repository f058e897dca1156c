"""A worker: registers tasks, asks for work, has it run in its slots, reports how it ended.

Accepts (all by `tell` unless said otherwise)
    Register, StartRun, StopWork        from its user
    ReadLedger                          ask: the ledger
    SlotEnded, SlotNoticed              from its slots
    ExchangeEnded, Heard                from its scheduler
Tells its scheduler
    Exchange, one at a time: what is to be registered and reported, in order, and the question for
    work at its end. Whatever comes up meanwhile goes with the next one, so a busy worker sends
    batches by itself, and a scheduler that is away blocks nothing here.
    KeepAlive from the first exchange on, StopKeepAlive at the end.
On stop
    slots end (and with them their children), every promise to the user is answered.
On crash
    the guard of the base class logs and goes on.

No code of a user runs in this actor: tasks are discovered by whoever registers them and run by the
slots. So nothing that a task does can keep this actor from its heartbeat.

A run of the worker is over when it holds no run of a task, owes no report, and has nothing to wait
for (`waiting.py` has the rule).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.base import Actor, log
from actorsched.actors.duties import Duties, Run
from actorsched.actors.inbox import Timer
from actorsched.actors.messages import (
    Call,
    CancelRun,
    Exchange,
    ExchangeEnded,
    Heard,
    KeepAlive,
    ReadLedger,
    Register,
    Settable,
    SlotEnded,
    SlotNoticed,
    StartRun,
    StopKeepAlive,
    StopWork,
)
from actorsched.actors.outbox import Outbox, Posted, answer
from actorsched.actors.runtime import Runtime
from actorsched.actors.waiting import Waiting
from actorsched.config import WorkerSettings
from actorsched.tasks.running import Outcome

#: calls in one exchange; keeps a frame below a few hundred kilobytes
CALLS_PER_EXCHANGE = 500


@dataclass(frozen=True, slots=True)
class _AskAgain:
    pass


@dataclass(frozen=True, slots=True)
class _DrainOver:
    reason: str


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
        observe: called with (kind, fields) when a run starts or ends, or the scheduler has told how it
            stands; must be quick.
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
        self._scheduler = scheduler
        self._worker_id = worker_id
        self._info = dict(info)
        self._settings = settings
        self._make_slot = make_slot
        self._wanted_slots = slots
        self._assistant = assistant
        self._waiting = Waiting(settings, assistant=assistant, forever=forever)
        self._forever = forever
        self._observe = observe
        self._duties = Duties(worker_id, settings, assistant=assistant)

        self._slots: dict[int, ActorRef[Any]] = {}
        self._free: list[int] = []
        self._runs: dict[str, Run] = {}
        self._outbox = Outbox()
        self._sent: list[Posted] | None = None  # the exchange that is under way
        self._sent_ask = False
        self._asked_at = 0.0
        self._tag = 0
        self._hungry = False  # there may be work that we did not ask for yet
        self._ended: Settable | None = None  # set while a run of the worker is on
        self._stopping = False
        self._known = False
        self._keeping_alive = False
        self._ask_timer: Timer | None = None

    def on_start(self) -> None:
        self._fit_slots()

    def on_stop(self) -> None:
        if self._keeping_alive:
            self._tell_scheduler(StopKeepAlive(worker=self._worker_id))
        for ref in self._slots.values():
            ref.stop(block=False)
        for ref in self._slots.values():
            ref.actor_stopped.wait(self._settings.kill_grace + 5)
        gone = ActorDeadError(f"worker {self._worker_id} was stopped")
        self._answer_everybody(gone)

    def handle(self, message: object) -> Any:
        match message:
            case SlotEnded():
                self._slot_ended(message)
            case ExchangeEnded(tag=tag, results=results, error=error):
                if tag == self._tag and self._sent is not None:
                    self._exchange_ended(results, error)
            case Register(found=found, acknowledged=acknowledged):
                self._outbox.post_all(map(self._duties.take_on, found), acknowledged)
            case StartRun(ended=ended):
                self._start_run(ended)
            case SlotNoticed():
                self._noticed(message)
            case _AskAgain():
                self._ask_timer = None
                self._hungry = True
            case Heard(rpc_messages=rpc_messages, known=known):
                self._heard(rpc_messages, known)
            case StopWork(drain_s=drain_s, reason=reason):
                self._stop_work(drain_s, reason)
            case _DrainOver(reason=reason):
                for run in self._runs.values():
                    self._slots[run.slot].tell(CancelRun(run_id=run.run_id, cause=reason))
            case ReadLedger():
                return self._duties.ledger
            case _:
                self.refuse(message)
        self._pump()
        return None

    # -- talking to the scheduler ---------------------------------------------------------------

    def _pump(self) -> None:
        """Send what waits, and ask for work when there is room for it; or notice that all is over."""
        if self._sent is not None:
            return
        if not self._known and (self._outbox or self._ended is not None):
            self._known = True
            self._outbox.post_first(self._introduction())
        posted = self._outbox.take(CALLS_PER_EXCHANGE)
        calls = [entry.call for entry in posted]
        self._sent_ask = not self._outbox and self._may_ask()
        if self._sent_ask:
            self._hungry = False
            self._asked_at = self._runtime.clock.monotonic()
            calls.append(self._question())
        if not calls:
            self._finish_if_over()
            return
        self._sent = posted
        self._tag += 1
        self._tell_scheduler(Exchange(calls=tuple(calls), reply_to=self.actor_ref, tag=self._tag))
        if not self._keeping_alive:
            self._keeping_alive = True
            self._tell_scheduler(
                KeepAlive(
                    worker=self._worker_id,
                    interval_s=self._settings.ping_interval,
                    listener=self.actor_ref,
                )
            )

    def _tell_scheduler(self, message: object) -> None:
        try:
            self._scheduler.tell(message)
        except ActorDeadError as error:
            if self._sent is not None:
                self.actor_ref.tell(ExchangeEnded(tag=self._tag, error=error))

    def _introduction(self) -> Call:
        return Call(method="add_worker", params={"worker": self._worker_id, "info": dict(self._info)})

    def _may_ask(self) -> bool:
        if self._ended is None or self._stopping or not self._hungry:
            return False
        return bool(self._free) or self._wanted_slots == 0

    def _question(self) -> Call:
        if self._wanted_slots == 0:
            return Call(method="count_pending", params={"worker": self._worker_id})
        params: dict[str, Any] = {
            "worker": self._worker_id,
            "host": self._info.get("host"),
            "assistant": self._assistant,
            "current_tasks": [run.task_id for run in self._runs.values()],
        }
        if len(self._free) > 1:
            params["max_tasks"] = len(self._free)
        return Call(method="get_work", params=params)

    def _exchange_ended(self, results: tuple[Any, ...], error: Exception | None) -> None:
        posted, self._sent = self._sent or [], None
        if error is not None:
            log.error("the scheduler is lost", worker=self._worker_id, error=str(error))
            for entry in posted:
                answer(entry.acknowledged, error)
            self._give_up(error)
            return
        for entry, result in zip(posted, results, strict=False):
            if isinstance(result, Exception):
                log.error("the scheduler refused a call", method=entry.call.method, error=str(result))
                answer(entry.acknowledged, result)
                continue
            if isinstance(result, dict) and "refused" in result:
                task_id = entry.call.params.get("task_id")
                log.warning("a report came too late", task=task_id, refused=result["refused"])
                self._drop_run(entry.call.params.get("run_id"))
            answer(entry.acknowledged, None)
        if self._sent_ask:
            reply = results[-1]
            if isinstance(reply, Exception):
                self._give_up(reply)
            else:
                self._take(reply)

    def _drop_run(self, run_id: str | None) -> None:
        """End a run that the scheduler has given up, if it still goes on: somebody else may have it."""
        run = self._runs.get(run_id or "")
        if run is not None:
            cause = "the scheduler had given up this run"
            self._slots[run.slot].tell(CancelRun(run_id=run.run_id, cause=cause))

    def _give_up(self, error: Exception) -> None:
        """Without a scheduler nothing can be finished: end what runs and say so to the user."""
        self._stopping = True
        for run in self._runs.values():
            self._slots[run.slot].tell(CancelRun(run_id=run.run_id, cause=f"the scheduler is lost: {error}"))
        self._answer_everybody(error)

    def _answer_everybody(self, error: Exception) -> None:
        waiting = self._outbox.take(sys.maxsize)
        for entry in (*(self._sent or ()), *waiting):
            answer(entry.acknowledged, error)
        ended, self._ended = self._ended, None
        answer(ended, error)

    # -- work -----------------------------------------------------------------------------------

    def _start_run(self, ended: Settable) -> None:
        if self._ended is not None:
            ended.set_exception((RuntimeError, RuntimeError("this worker is running already"), None))
            return
        self._ended = ended
        self._hungry = True

    def _take(self, reply: Mapping[str, Any]) -> None:
        """Start what the scheduler handed out; remember what it said about the rest."""
        if reply.get("known") is False:
            self._register_again()
        if reply.get("worker_state") == "disabled" and not self._forever:
            self._stopping = True
        grants = reply.get("tasks")
        if grants is None:
            grants = [reply] if reply.get("task_id") is not None else []
        if grants and self._came_too_late(reply):
            log.warning("work came when its lease had run out; asking again", worker=self._worker_id)
            self._hungry = True
            grants = []
        for grant in grants:
            self._begin(grant)
        self._waiting.hear(reply, got_work=bool(grants))
        if self._observe is not None:
            self._tell_observer(
                "heard", pending=reply.get("n_pending_tasks", 0), runs=self._duties.runs_in(reply)
            )
        if self._free or self._wanted_slots == 0:
            self._ask_later()

    def _came_too_late(self, reply: Mapping[str, Any]) -> bool:
        """Whether the answer took so long that what it grants may have been given to somebody else.

        If it was not, it is handed out again to the next question, which does not name it as running.
        """
        lease_s = reply.get("lease_s")
        return lease_s is not None and self._runtime.clock.monotonic() - self._asked_at >= lease_s

    def _begin(self, grant: Mapping[str, Any]) -> None:
        try:
            run, job = self._duties.prepare(dict(grant))
        except Exception as error:
            run = Run(str(grant.get("run_id")), grant.get("run_id") is not None, grant["task_id"], -1)
            cause = f"the task cannot be sent to a child process: {error}"
            self._report(run, Outcome(status="FAILED", cause=cause, error=cause), None)
            return
        run.slot = self._free.pop(0)
        self._runs[run.run_id] = run
        self._slots[run.slot].tell(job)
        self._tell_observer_of(run, "started")

    def _slot_ended(self, message: SlotEnded) -> None:
        run = self._runs.pop(message.run_id, None)
        if message.slot in self._slots:
            self._free.append(message.slot)
        self._fit_slots()
        if run is None:
            return
        for registration, packed in message.outcome.discovered:
            self._outbox.post(self._duties.take_on_packed(registration, packed))
        self._report(run, message.outcome, message.registration)

    def _report(self, run: Run, outcome: Outcome, loaded: Any) -> None:
        self._outbox.post(self._duties.report(run, outcome, loaded))
        self._hungry = True
        self._tell_observer_of(run, "ended", outcome)

    def _ask_later(self) -> None:
        if self._ask_timer is None:
            jitter = self._runtime.random.uniform(0, self._settings.wait_jitter)
            self._ask_timer = self.actor_inbox.after(self._settings.wait_interval + jitter, _AskAgain())

    def _finish_if_over(self) -> None:
        if self._ended is None or self._runs or self._outbox:
            return
        if self._stopping or (
            not self._hungry and not self._waiting.goes_on(self._runtime.clock.monotonic())
        ):
            if self._ask_timer is not None:
                self._ask_timer.cancel()
                self._ask_timer = None
            ended, self._ended = self._ended, None
            ended.set(None)

    # -- being stopped, changed and forgotten ---------------------------------------------------

    def _stop_work(self, drain_s: float, reason: str) -> None:
        self._stopping = True
        if self._runs:
            self.actor_inbox.after(max(0.0, drain_s), _DrainOver(reason))

    def _heard(self, rpc_messages: tuple[dict[str, Any], ...], known: bool) -> None:
        if not known and self._known and self._sent is None:
            self._register_again()
            self._hungry = True
        for message in rpc_messages:
            match message:
                case {"name": "set_worker_processes", "kwargs": {"n": int(n)}}:
                    self._wanted_slots = max(0, n)
                    self._info["workers"] = self._wanted_slots
                    self._fit_slots()
                    self._outbox.post(self._introduction())
                    self._hungry = True
                case {"name": "cancel_task", "kwargs": {"task_id": task_id}}:
                    for run in self._runs.values():
                        if run.task_id == task_id:
                            self._slots[run.slot].tell(CancelRun(run_id=run.run_id, cause="cancelled"))
                case _:
                    log.warning("a message from the scheduler is not understood", message=message)

    def _register_again(self) -> None:
        """The scheduler does not know us: tell it everything that we still owe, before asking."""
        log.info("the scheduler does not know this worker; registering again", worker=self._worker_id)
        self._outbox.post(self._introduction())
        for call in self._duties.owed():
            self._outbox.post(call)
        for run in self._runs.values():
            self._outbox.post(self._duties.still_running(run))
        self._hungry = True

    def _fit_slots(self) -> None:
        """Have as many slots as are wanted; a busy one that is too many goes when it is free."""
        for number in range(self._wanted_slots):
            if number not in self._slots:
                self._slots[number] = self._make_slot(number, self.actor_ref)
                self._free.append(number)
        for number in [number for number in self._free if number >= self._wanted_slots]:
            self._free.remove(number)
            self._slots.pop(number).stop(block=False)

    def _noticed(self, notice: SlotNoticed) -> None:
        run = self._runs.get(notice.run_id)
        if run is None:
            return
        call = self._duties.pass_on(run, notice)
        if call is None:
            log.warning("a run said something that is not understood", task=run.task_id, kind=notice.kind)
        else:
            self._outbox.post(call)

    def _tell_observer_of(self, run: Run, kind: str, outcome: Outcome | None = None) -> None:
        if self._observe is not None:
            name = self._duties.name_of(run.task_id)
            self._tell_observer(kind, task_id=run.task_id, name=name, slot=run.slot, outcome=outcome)

    def _tell_observer(self, kind: str, **more: Any) -> None:
        if self._observe is None:
            return
        try:
            self._observe(kind, {"counts": self._duties.ledger.counts, "running": len(self._runs), **more})
        except Exception as error:  # the one who watches must not disturb the one who works
            log.warning("an observer failed", error=repr(error))
