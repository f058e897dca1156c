"""Who uses a worker: waits for its run to end, for it to be quiet, and watches it. No actor, no rules.

Everybody who waits gets one answer, whatever happens to the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorsched.actors.log import log
from actorsched.actors.messages import Settable, StartRun
from actorsched.actors.outbox import answer


class User:
    """See the top of the module.

    Args:
        observe: called with (kind, fields) on progress; None: nobody watches.
        standing: the counts of the ledger and the number of busy slots, told with everything.
    """

    def __init__(
        self,
        observe: Callable[[str, Mapping[str, Any]], None] | None,
        standing: Callable[[], tuple[Mapping[Any, int], int]],
    ) -> None:
        self._observe = observe
        self._standing = standing
        self._ended: Settable | None = None
        #: counts the runs of the worker that there were
        self.n_runs = 0
        self._tell_lost: Callable[[Any, str, str], None] | None = None
        self._quiet: list[Settable] = []

    @property
    def waits(self) -> bool:
        """Whether a run of the worker is on."""
        return self._ended is not None

    @property
    def watches(self) -> bool:
        """Whether it is worth finding out what to tell."""
        return self._observe is not None

    def start(self, message: StartRun) -> bool:
        """A run of the worker begins; False, and whoever wants it is told, when one is on."""
        if self._ended is not None:
            answer(message.ended, RuntimeError("this worker is running already"))
            return False
        self._ended, self._tell_lost = message.ended, message.lost
        self.n_runs += 1
        return True

    def end(self, error: Exception | None = None) -> None:
        """The run of the worker is over, and whatever may still come, nobody waits for it any more."""
        ended, self._ended = self._ended, None
        answer(ended, error)
        self.calm()

    def wait_for_quiet(self, promise: Settable | None) -> None:
        if promise is not None:
            self._quiet.append(promise)

    def calm(self) -> None:
        """Nothing runs, and the scheduler knows it, or never will."""
        quiet, self._quiet = self._quiet, []
        for promise in quiet:
            answer(promise, None)

    def hear_of_loss(self, task: Any, event: str, cause: str) -> None:
        """A run could not tell its own end."""
        if self._tell_lost is not None:
            self._tell_lost(task, event, cause)

    def tell(self, kind: str, **fields: Any) -> None:
        """Tell who watches."""
        if self._observe is None:
            return
        counts, running = self._standing()
        try:
            self._observe(kind, {"counts": counts, "running": running, **fields})
        except Exception as error:  # the one who watches must not disturb the one who works
            log.warning("an observer failed", error=repr(error))
