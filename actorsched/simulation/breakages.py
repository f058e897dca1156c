"""Checkers of the actors themselves: none is surprised by a message, and none stays forgotten."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from actorsched.simulation.checker import Checker
from actorsched.simulation.decisions import is_alive
from actorsched.simulation.request_sockets import asks
from actorsched.simulation.wire import Served

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: a worker that was told that it is not known has to introduce itself within this, when nothing disturbs it
BACK_S = 15.0


class NothingBreaks(Checker):
    """No actor ends a message with an error that it did not expect; its guard keeps it alive, no more."""

    def broke(self, who: str, error: BaseException) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f" ({frame.filename.rpartition('/')[2]}, line {frame.lineno})" for frame in last)
        self.fail(f"{who} could not handle a message: {error!r}{where}")


class TheForgottenComeBack(Checker):
    """A worker that hears that the scheduler does not know it introduces itself, and tells what it owes.

    As soon as what it has asked before is answered, or given up: it says one thing at a time.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: (node, life) of which this was said since it introduced itself last
        self.said: set[tuple[str, str]] = set()
        #: (node, life) → since when it has known
        self.told: dict[tuple[str, str], float] = {}

    def served(self, call: Served) -> None:
        key = str(call.params.get("worker")), str(call.params.get("incarnation"))
        if call.method == "add_worker":
            self.said.discard(key)
            self.told.pop(key, None)
        elif call.fresh and _is_forgotten(call):
            self.said.add(key)

    def delivered(self, call: Served) -> None:
        key = str(call.params.get("worker")), str(call.params.get("incarnation"))
        if _is_forgotten(call):
            if key in self.said:
                self.told.setdefault(key, self.hub.now)
        elif call.method == "get_work" and call.error is None:
            self.told.pop(key, None)

    def each_second(self) -> None:
        for (node, life), since in list(self.told.items()):
            working = self.simulation.programs.working.get(node)
            if working is None or not is_alive(self.simulation, life):
                del self.told[node, life]
                continue
            if asks(self.simulation.nodes[node]):
                self.told[node, life] = self.hub.now
                continue
            calm_since = max(since, working, self.simulation.troubles.last_at(node))
            if self.simulation.disk is not None:
                calm_since = max(calm_since, self.simulation.disk.failed_at)
            if self.hub.now - calm_since > BACK_S:
                del self.told[node, life]
                known_s = self.hub.now - since
                self.fail(f"{node} has known for {known_s:.0f} s that it is forgotten, and says nothing")


def _is_forgotten(call: Served) -> bool:
    """Whether the answer is that the scheduler does not know who asks."""
    if call.method not in ("get_work", "ping") or call.params.get("incarnation") is None:
        return False
    reply = call.result
    return isinstance(reply, dict) and reply.get("known") is False and not reply.get("refused")
