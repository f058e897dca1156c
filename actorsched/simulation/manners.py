"""Checkers of how a server treats those who ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched.rpc.errors import StaleRequestError
from actorsched.simulation.checker import Checker
from actorsched.simulation.strangers import STRANGER
from actorsched.simulation.wire import Served, was_put_off

if TYPE_CHECKING:
    from actorsched.simulation.simulation import Simulation

#: a group of frames that is committed one by one after all may take some seconds
ANSWERED_S = 30


class EachIsAnswered(Checker):
    """What a server has taken it answers, whatever becomes of it.

    Whoever gets no answer sends the same again after a while, so that all ends well, and is only slow.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        #: what is owed, and for how many seconds the server could have answered
        self.waits: dict[int, tuple[Any, int]] = {}

    def each_second(self) -> None:
        waits: dict[int, tuple[Any, int]] = {}
        for server in self.simulation.network.listeners.values():
            node = server.node
            if not node.up:
                continue
            at_work = not node.paused and not node.sluggish_s
            for key, way in server.owed.items():
                known, seconds = self.waits.get(key, (way, 0))
                waits[key] = way, (seconds if known is way else 0) + at_work
        self.waits = waits
        for (connection, number, *_), seconds in waits.values():
            if seconds > ANSWERED_S:
                who = "nobody" if connection is None else connection.node.name
                self.fail(f"frame {number} of {who} was taken {seconds} s ago and is not answered")
                return


class OnlyTheGuiltyAreRefused(Checker):
    """Our own clients send nothing that a scheduler would have to refuse as wrong.

    So none of them is told so, whatever others send at the same moment.
    """

    def served(self, call: Served) -> None:
        error = call.error
        if error is None or not call.node or call.node.startswith(STRANGER) or was_put_off(call):
            return
        if not isinstance(error, dict) or error.get("code") != StaleRequestError.rpc_code:
            self.fail(f"{call.method} of {call.node} was answered by {error}")
