"""What the thread in `Worker.run()` does while it waits: it calls the handlers of runs that were lost.

A run whose process died or took too long cannot call its handlers itself, and in the worker's actor no
code of a user runs. So they are called where Luigi calls them: in the program that registered the task,
here in the thread that called `run()`, before that returns.
"""

from __future__ import annotations

import logging
from typing import Any

from actorsched.actors.agenda import Agenda
from actorsched.tasks.loading import load_task
from actorsched.tasks.registration import Registration


class Errands(Agenda[tuple[Any, str, str]]):
    """Errands that the worker leaves for that thread, until all is over."""

    def lost(self, task: Any, event: str, cause: str) -> None:
        """Note that the handlers of a task, or of one that was registered so, are to be told; any thread."""
        self.add((task, event, cause))

    def work(self) -> None:
        """Do errands until the worker says that all is over.

        Raises:
            Exception: what the worker ended with.
        """
        for errand in self.items():
            _tell_handlers(*errand)


def _tell_handlers(task: Any, event: str, cause: str) -> None:
    try:
        if isinstance(task, Registration):
            # not from its bytes: a class that comes by value would be set back here to what it was there
            task = load_task(task.module, task.family, task.params)
        task.trigger_event(event, task, cause)
    except Exception:  # what handlers raise ends in trigger_event; this is about getting there
        logging.getLogger(__name__).exception("the handlers of %s could not be called", event)
