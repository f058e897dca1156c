"""How a worker asks for work: when it is worth asking, what it says, what it makes of the answer.

A part of the worker's actor; it needs its inbox only for the time between two questions. When a worker
without work goes on waiting is the rule of `waiting.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actorsched.actors.handout import Handout
from actorsched.actors.inbox import Inbox, Timer
from actorsched.actors.log import log
from actorsched.actors.messages import Call
from actorsched.actors.runtime import Runtime
from actorsched.actors.staff import Staff
from actorsched.actors.waiting import Waiting
from actorsched.config import WorkerSettings

#: the answer to a question for work may be an error so many times in a row before the worker gives up
FAILED_QUESTIONS_MAX = 3


@dataclass(frozen=True, slots=True)
class AskAgain:
    """It is some time since the last question."""


class Inquiry:
    """See the top of the module.

    Args:
        worker_id: as whom it asks.
        incarnation: which life of that worker asks.
        info: what is shown of the worker.
        settings: how it behaves.
        staff: who would do the work.
        runtime: clock and chance.
        inbox: of the worker; gets `AskAgain`.
        assistant, forever: as for the worker.
    """

    def __init__(
        self,
        worker_id: str,
        incarnation: str,
        info: Mapping[str, Any],
        settings: WorkerSettings,
        staff: Staff,
        runtime: Runtime,
        inbox: Inbox,
        *,
        assistant: bool,
        forever: bool,
    ) -> None:
        self._worker_id = worker_id
        self._incarnation = incarnation
        self._info = info
        self._settings = settings
        self._staff = staff
        self._now = runtime.clock.monotonic
        self._random = runtime.random
        self._inbox = inbox
        self._timer: Timer | None = None
        self._assistant = assistant
        self._forever = forever
        self._waiting = Waiting(settings, assistant=assistant, forever=forever)
        #: there may be work that was not asked for yet
        self.hungry = False
        #: runs have ids that the scheduler knows, so that they can be given back
        self.fenced = False
        self._asked_at = 0.0
        self._failures = 0

    @property
    def only_waits(self) -> bool:
        """The worker has no slots: it asks how things stand, and not for work."""
        return self._staff.wanted == 0

    def question(self) -> Call:
        """Ask now."""
        self.hungry = False
        self._asked_at = self._now()
        if self.only_waits:
            return Call(method="count_pending", params={"worker": self._worker_id})
        params: dict[str, Any] = {
            "worker": self._worker_id,
            "host": self._info.get("host"),
            "assistant": self._assistant,
            "current_tasks": [task_id for run in self._staff.runs.values() for task_id in run.known_as],
            "incarnation": self._incarnation,
        }
        self._staff.forget_successes()
        room = self._staff.room if self.fenced else self._staff.n_free
        if room > 1:
            params["max_tasks"] = room
        if self.fenced:
            params["ahead"] = self._staff.ahead  # also when it is empty: what was lost may follow something
        return Call(method="get_work", params=params)

    def hear(self, handout: Handout) -> tuple[tuple[Mapping[str, Any], ...], float]:
        """Take note of an answer; returns what is to be run, and the moment by which it must begin."""
        self._failures = 0
        lease_s, grants = handout.lease_s, handout.grants
        if grants:
            self.fenced = handout.fenced
        start_by = math.inf if lease_s is None else self._asked_at + lease_s
        if grants and self._now() >= start_by:
            # somebody else may have it by now; if not, it is handed out to the next question again
            log.warning("work came when its lease had run out; asking again", worker=self._worker_id)
            self.hungry = True
            grants = ()
        if grants and not handout.fenced:
            self.hungry = True  # such a scheduler hands out one at a time: there may be more for other slots
        self._waiting.hear(handout.reply, got_work=bool(grants))
        return grants, start_by

    def failed(self, error: Exception) -> bool:
        """The answer was an error; returns whether that has been so too often."""
        self._failures += 1
        log.error("the scheduler could not answer", worker=self._worker_id, error=str(error))
        if self._failures < FAILED_QUESTIONS_MAX or self._forever:
            return False
        self._failures = 0
        return True

    def rest(self) -> None:
        """Ask again after a while, when nobody has said that there is something by then."""
        if self._timer is None:
            jitter = self._random.uniform(0, self._settings.wait_jitter)
            self._timer = self._inbox.after(self._waiting.interval_s + jitter, AskAgain())

    def rest_is_over(self) -> None:
        self._timer = None
        self.hungry = True

    def end(self) -> None:
        """Nobody wants to know any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def is_settled(self) -> bool:
        """Whether the last answer stands, and there is nothing to wait for."""
        return not self.hungry and not self._failures and not self._waiting.goes_on(self._now())
