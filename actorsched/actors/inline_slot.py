"""A slot without a process of its own: runs happen in the thread that called `Worker.run()`.

Accepts and tells the same as a `SlotActor`. `CancelRun` is noted and changes nothing: a thread cannot
be ended from outside. A task that holds the interpreter's lock delays its own worker's heartbeat;
that is the price of running inline.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import Any

import msgspec
from pykka import ActorRef

from actorsched.actors.agenda import Agenda
from actorsched.actors.base import Actor, log
from actorsched.actors.messages import CancelRun, RunJob, SlotEnded, SlotNoticed, TaskMessage
from actorsched.children.performing import Performer
from actorsched.children.speech import Ended, Notice
from actorsched.config import WorkerSettings
from actorsched.tasks.mailbox import Mailbox


class Desk(Agenda[tuple[RunJob, ActorRef[Any]]]):
    """Where inline slots put their jobs and where the thread of `run()` works them off."""

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__()
        self._settings = settings
        self._messages: dict[str, queue.SimpleQueue[tuple[str, str]]] = {}  # by run id
        # a task's own generator waits here, by task id, until it is granted again
        self._suspended: dict[str, Performer] = {}

    def send(self, message: TaskMessage) -> None:
        """Leave a message for the task of a run; one that is over gets none."""
        box = self._messages.get(message.run_id)
        if box is not None:
            box.put((message.message_id, message.content))

    def work(self) -> None:
        """Run jobs in this thread until the worker says that all is over.

        Raises:
            Exception: what the worker ended with.
        """
        for message, slot in self.items():
            self._perform(message, slot)

    def _perform(self, message: RunJob, slot: ActorRef[Any]) -> None:
        job = message.job
        box = self._messages[job.run_id] = queue.SimpleQueue()

        def report(kind: str, value: Any) -> None:
            slot.tell(_Said(Notice(run_id=job.run_id, kind=kind, value=value)))

        def fetch(timeout: float | None) -> tuple[str, str] | None:
            try:
                return box.get(timeout=timeout) if timeout != 0 else box.get_nowait()
            except queue.Empty:
                return None

        performer = self._suspended.pop(job.task_id, None)
        if performer is None:
            performer = Performer(self._settings, travels=False)
        else:
            job = msgspec.structs.replace(job, resume=True)
        outcome, registration = performer.perform(job, report, message.task, Mailbox(fetch, report))
        if performer.suspended and len(self._suspended) < self._settings.suspended_max:
            self._suspended[job.task_id] = performer
        del self._messages[job.run_id]
        slot.tell(_Said(Ended(run_id=job.run_id, outcome=outcome, registration=registration)))


@dataclass(frozen=True, slots=True)
class _Said:
    said: Notice | Ended


class InlineSlotActor(Actor):
    """Hands jobs to the desk and their outcomes to the worker."""

    def __init__(self, number: int, worker: ActorRef[Any], desk: Desk) -> None:
        super().__init__()
        self._number = number
        self._worker = worker
        self._desk = desk

    def handle(self, message: object) -> Any:
        match message:
            case RunJob():
                if message.timeout_s:
                    log.warning("a task that runs inline cannot be timed out", task=message.job.task_id)
                self._desk.add((message, self.actor_ref))
            case _Said(said=Notice(kind="limit", value=limit_s)):
                if limit_s:
                    log.warning("a task that runs inline cannot be timed out", limit_s=limit_s)
            case _Said(said=Notice(kind="named")):
                pass  # what is printed inline goes where everything goes
            case _Said(said=Notice() as notice):
                self._worker.tell(
                    SlotNoticed(slot=self._number, run_id=notice.run_id, kind=notice.kind, value=notice.value)
                )
            case _Said(said=Ended() as ended):
                self._worker.tell(
                    SlotEnded(
                        slot=self._number,
                        run_id=ended.run_id,
                        outcome=ended.outcome,
                        registration=ended.registration,
                    )
                )
            case TaskMessage():
                self._desk.send(message)
            case CancelRun(run_id=run_id):
                log.warning("a run inline cannot be ended from outside", run=run_id)
            case _:
                self.refuse(message)
