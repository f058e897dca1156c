"""Checkers of what must not be left over: things of which nothing comes any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorsched.core.statuses import DISABLED, FAILED, PENDING
from actorsched.simulation.checker import Checker
from actorsched.simulation.wire import Served

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: the scheduler looks at time twice in a second; it may be as slow as a second for each message
GONE_S = 15.0


class NothingIsLeftOver(Checker):
    """The combined task of a batch is there while it runs, and after its good end.

    After any other it goes, with the next look at time: its members are tried again, so it would be a task
    that waits for ever.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.combined: dict[str, None] = {}
        #: task → since when it has been seen to wait
        self.waits: dict[str, float] = {}

    def served(self, call: Served) -> None:
        params = call.params
        if call.method == "add_task" and params.get("batch_id") and params.get("status") == "RUNNING":
            self.combined[params["task_id"]] = None

    def each_second(self) -> None:
        scheduler = self.simulation.serving()
        if scheduler is None or scheduler.paused or scheduler.sluggish_s or not scheduler.up:
            self.waits.clear()
            return
        waits = {
            task_id: self.waits.get(task_id, self.hub.now)
            for machine in self.simulation.machines()
            for task_id in self.combined
            if (record := machine.tasks.get(task_id)) is not None
            and record.status in (PENDING, FAILED, DISABLED)
        }
        self.waits = waits
        for task_id, since in waits.items():
            if self.hub.now - since > GONE_S:
                self.fail(f"{task_id} stood for a batch that is over, and is there {GONE_S:.0f} s later")
                return
