"""A worker's line to its scheduler: one exchange at a time, and what waits for the next one.

The mechanism only. What is said, and what answers mean, is the worker's.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.keep_alive import BEATS_PER_LEASE
from actorsched.actors.log import log
from actorsched.actors.messages import Call, Exchange, ExchangeEnded, KeepAlive, Settable, StopKeepAlive
from actorsched.actors.outbox import Outbox, Posted, answer

#: calls in one exchange, but for those that must take effect together; keeps a frame below a few hundred
#: kilobytes
CALLS_PER_EXCHANGE = 500


class Line:
    """See the top of the module.

    Args:
        scheduler: who is told.
        worker: who hears the answers.
        worker_id: as whom it speaks.
        incarnation: which life of that worker speaks.
        info: what an introduction tells; read at each one.
    """

    def __init__(
        self,
        scheduler: ActorRef[Any],
        worker: ActorRef[Any],
        worker_id: str,
        incarnation: str,
        info: Mapping[str, Any],
    ) -> None:
        self._scheduler = scheduler
        self._worker = worker
        self._worker_id = worker_id
        self._incarnation = incarnation
        self._info = info
        self.outbox = Outbox()
        #: the scheduler was given up; nothing is sent until the user wants something
        self.lost = False
        self._sent: list[Posted] | None = None  # the exchange that is under way
        self._asked = False
        self._tag = 0
        self._introduced = False  # the introduction has been sent, or waits
        self._introducing = False  # … and is not answered yet
        self._taken = False  # … and was taken, once at least
        self._kin = False  # the scheduler knows our additions to the protocol
        #: the worker ends, when there is nothing to say any more
        self.leaving = False
        self._replaces: Any = None  # the life that this one takes the place of
        #: the last exchange was refused, because another life of this worker is the present one
        self.challenged = False
        #: seconds between two heartbeats, and whether that was wished for
        self.ping_interval: tuple[float, bool] = (math.inf, False)
        self._pinging: tuple[float, bool] | None = None  # what the scheduler's actor was told of it

    # -- exchanges ------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether nothing can be sent now."""
        return self._sent is not None or self.lost

    def send(self, question: Callable[[], Call] | None) -> bool:
        """Begin an exchange: what waits, and at its end the question, if there is one and room for it.

        Returns:
            False when there was nothing to say.
        """
        if not self._introduced and (self.outbox or question is not None):
            self._introduced = self._introducing = True
            self.outbox.post_first([self.introduction()])
        posted = self.outbox.take(CALLS_PER_EXCHANGE)
        calls = [entry.call for entry in posted]
        self._asked = question is not None and not self.outbox
        if question is not None and self._asked:
            calls.append(question())
        if not calls:
            return False
        self._sent = posted
        self._tag += 1
        self._keep_alive()  # first: where a wish cannot be met, the exchange is refused
        self._tell(Exchange(calls=tuple(calls), reply_to=self._worker, tag=self._tag))
        return True

    def is_answered_by(self, message: ExchangeEnded) -> bool:
        """Whether this is the end of the exchange that is under way."""
        return self._sent is not None and message.tag == self._tag

    def take_back(self, error: Exception) -> None:
        """The exchange failed: its promises are broken, its calls wait again.

        Saying them a second time is harmless: an end that was heard already is refused, and work that
        was handed out unheard is handed out again.
        """
        posted, self._sent = self._sent or [], None
        for entry in posted:
            answer(entry.acknowledged, error)
        self.outbox.put_back(entry.unpromised() for entry in posted)

    def answers(self, results: tuple[Any, ...]) -> tuple[list[tuple[Call, Mapping[str, Any]]], Any]:
        """End the exchange, and keep or break its promises.

        Returns:
            the calls that were refused, each with the reply; and the answer to the question (None: there
            was no question).
        """
        posted, self._sent = self._sent or [], None
        self._introducing = False
        refused: list[tuple[Call, Mapping[str, Any]]] = []
        unheard: list[Posted] = []
        for entry, result in zip(posted, results, strict=False):
            if isinstance(result, Exception):
                log.error("the scheduler refused a call", method=entry.call.method, error=str(result))
                answer(entry.acknowledged, result)
                continue
            if isinstance(result, dict) and "refused" in result:
                if result["refused"] == "unproven_incarnation":
                    unheard.append(entry)
                    continue
                refused.append((entry.call, result))
            elif entry.call.method == "add_worker":
                self._taken = True
            answer(entry.acknowledged, None)
        self._hear_of_other_lives(results, unheard)
        self._kin |= self._asked and isinstance(results[-1], dict) and "known" in results[-1]
        return refused, results[-1] if self._asked else None

    def _hear_of_other_lives(self, results: tuple[Any, ...], unheard: list[Posted]) -> None:
        """What an unproven life has said waits again, but for introductions: there will be a new one."""
        present = [
            result["present"]
            for result in results
            if isinstance(result, dict) and result.get("refused") == "unproven_incarnation"
        ]
        self.challenged = bool(present)
        if present:
            self._replaces = present[-1]
            self.outbox.put_back(
                entry
                for entry in unheard
                if entry.call.method != "add_worker" or entry.acknowledged is not None
            )

    def break_promises(self, error: Exception) -> None:
        """Nobody is to wait for an answer any more; what waits to be said goes on waiting."""
        waiting = self.outbox.take(sys.maxsize)
        for entry in (*(self._sent or ()), *waiting):
            answer(entry.acknowledged, error)
        self.outbox.put_back(entry.unpromised() for entry in waiting)

    def last_words(self, reports: Iterable[Call]) -> None:
        """Send the reports that wait, and these, without waiting for an answer."""
        calls = [entry.call for entry in self.outbox.take(sys.maxsize) if "run_id" in entry.call.params]
        calls += reports
        if calls and not self.lost:
            self._tell(Exchange(calls=tuple(calls), reply_to=self._worker, tag=0))
        self._end_keep_alive()

    def say_goodbye(self) -> bool:
        """Begin an exchange that tells the scheduler that this worker is gone; nothing else is to be said.

        Returns:
            False when it need not be told, or would not understand.
        """
        leaves, self.leaving = self.leaving and self._kin and self._taken, False
        if leaves:
            self._end_keep_alive()  # first: a ping after it would make the worker known again
            self._sent, self._asked = [], False
            self._tag += 1
            me = {"worker": self._worker_id, "incarnation": self._incarnation}
            goodbye = Call(method="remove_worker", params=me)
            self._tell(Exchange(calls=(goodbye,), reply_to=self._worker, tag=self._tag))
        return leaves

    def _end_keep_alive(self) -> None:
        if self._pinging is not None:
            self._pinging = None
            self._tell(StopKeepAlive(worker=self._worker_id))

    # -- who we are -----------------------------------------------------------------------------

    def introduction(self) -> Call:
        params = {"worker": self._worker_id, "info": dict(self._info), "incarnation": self._incarnation}
        if self._replaces is not None:
            params["replaces"] = self._replaces
        return Call(method="add_worker", params=params)

    @property
    def is_new(self) -> bool:
        """Whether the scheduler has never taken an introduction, so that it was told nothing before."""
        return not self._taken

    def introduce_again(self) -> bool:
        """Whether the scheduler has to be told everything again; False while it is being told.

        The introduction itself is left to the caller, because the rest has to come right after it.
        """
        if not self._introduced or self._introducing:
            return False
        self._introducing = True
        return True

    def find(self) -> bool:
        """The user wants something of a scheduler that was given up; whether it was."""
        was_lost, self.lost = self.lost, False
        if was_lost:
            self._introducing = False
        return was_lost

    def fit_pings(self, lease_s: float) -> None:
        """Keep the heartbeats within the lease that an answer told."""
        interval_s, wished = self.ping_interval
        longest_s = lease_s / BEATS_PER_LEASE
        if interval_s <= longest_s:
            return
        self.ping_interval = (longest_s, False)
        if wished:  # the scheduler has changed its mind, or could not be asked before
            log.warning(
                "heartbeats are more frequent than was wished for: the lease allows no less",
                worker=self._worker_id,
                ping_interval=interval_s,
                lease_s=lease_s,
            )

    def _keep_alive(self) -> None:
        """Have somebody ping for us."""
        if self._pinging == self.ping_interval:
            return
        self._pinging = interval_s, wished = self.ping_interval
        self._tell(
            KeepAlive(
                worker=self._worker_id,
                interval_s=interval_s,
                listener=self._worker,
                incarnation=self._incarnation,
                wished=wished,
            )
        )

    def promise(self, acknowledged: Settable | None) -> None:
        self.outbox.promise(acknowledged)

    def _tell(self, message: object) -> None:
        try:
            self._scheduler.tell(message)
        except ActorDeadError as error:
            if self._sent is not None and self._worker.is_alive():
                self._worker.tell(ExchangeEnded(tag=self._tag, error=error))
