"""What a test does to chosen frames: keep one back, lose it, have it come twice, or act when it passes.

    late = script.hold("answer", "get_work", node="w1")
    …
    late.release()

Chance has no part in it, so a story that somebody told of a system can be told again, and is played the
same each time. All methods but `release` speak of frames that are still to come; the first frames that
match are taken, `times` of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from actorsched.simulation.passage import Direction, Passage
from actorsched.simulation.simulation import Simulation
from actorsched.simulation.wire import Served, asked_in, calls_in

Act: TypeAlias = Literal["hold", "lose", "break", "double", "notice"]


class Catch:
    """Frames of one kind that a script waits for.

    Attributes:
        calls: the call that matched, of each frame that came; of an answer with its result.
    """

    def __init__(
        self,
        act: Act,
        direction: Direction,
        method: str,
        node: str,
        where: Callable[[Served], bool] | None,
        times: int | None,
    ) -> None:
        self.act = act
        self.calls: list[Served] = []
        self.later_s = 0.0
        self.then: Callable[[], object] | None = None
        self._direction = direction
        self._method = method
        self._node = node
        self._where = where
        self._left = times
        self._kept: list[Passage] = []

    @property
    def happened(self) -> bool:
        """Whether such a frame has come."""
        return bool(self.calls)

    def release(self) -> None:
        """Let all arrive that was kept back, and keep nothing more."""
        self._left = 0
        kept, self._kept = self._kept, []
        for passage in kept:
            passage.deliver()

    def matches(self, passage: Passage) -> bool:
        """Whether this is one of them; then it counts."""
        if self._left == 0 or passage.direction != self._direction:
            return False
        far = passage.source if passage.direction == "request" else passage.target
        if self._node and far.name != self._node:
            return False
        found = next((call for call in _calls(passage, far.name) if self._fits(call)), None)
        if found is None:
            return False
        self.calls.append(found)
        if self._left is not None:
            self._left -= 1
        return True

    def _fits(self, call: Served) -> bool:
        return call.method == self._method and (self._where is None or self._where(call))

    def keep(self, passage: Passage) -> None:
        self._kept.append(passage)


def _calls(passage: Passage, node: str) -> list[Served]:
    match passage.direction:
        case "request":
            return list(asked_in(node, passage.frame))
        case "answer":
            return list(calls_in(node, passage.asked, passage.frame))
        case _:
            return [Served(node, "hint", {}, None, None)]


class Script:
    """Directs the frames of a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._catches: list[Catch] = []
        simulation.network.script = self._look

    def hold(
        self,
        direction: Direction,
        method: str,
        *,
        node: str = "",
        where: Callable[[Served], bool] | None = None,
        times: int | None = None,
    ) -> Catch:
        """Keep frames back until `release`; all of them where nothing else is said.

        Args:
            method: of one of its calls; of a hint, `hint`.
            node: the one that is not the server; "" for any.
            where: what else has to be so of that call.
            times: how many frames are taken; None for all.
        """
        return self._add(Catch("hold", direction, method, node, where, times))

    def lose(
        self,
        direction: Direction,
        method: str,
        *,
        node: str = "",
        where: Callable[[Served], bool] | None = None,
        times: int | None = 1,
        breaks: bool = False,
    ) -> Catch:
        """Let frames never arrive; with `breaks` the connection breaks by it, else nobody learns of it."""
        return self._add(Catch("break" if breaks else "lose", direction, method, node, where, times))

    def double(
        self,
        method: str,
        *,
        later_s: float,
        node: str = "",
        where: Callable[[Served], bool] | None = None,
        times: int | None = 1,
    ) -> Catch:
        """Let a request arrive, and a copy of it so much later, as from a connection that was given up."""
        catch = self._add(Catch("double", "request", method, node, where, times))
        catch.later_s = later_s
        return catch

    def notice(
        self,
        direction: Direction,
        method: str,
        *,
        node: str = "",
        where: Callable[[Served], bool] | None = None,
        times: int | None = 1,
        then: Callable[[], object] | None = None,
    ) -> Catch:
        """Let frames pass; `then` is done at once when one has left."""
        catch = self._add(Catch("notice", direction, method, node, where, times))
        catch.then = then
        return catch

    def _add(self, catch: Catch) -> Catch:
        self._catches.append(catch)
        return catch

    def _look(self, passage: Passage) -> bool:
        """Whether the frame stays here."""
        catch = next((catch for catch in self._catches if catch.matches(passage)), None)
        if catch is None:
            return False
        simulation, hub = self._simulation, self._simulation.hub
        simulation.trace.add(f"script: {catch.act}", passage.source.name, passage.target.name, passage.what)
        for node in (passage.source, passage.target):
            if node.name != "scheduler":
                simulation.troubles.note(node.name)
        match catch.act:
            case "hold":
                catch.keep(passage)
                return True
            case "lose":
                return True
            case "break":
                hub.after(simulation.network.delay(), passage.broken)
                return True
            case "double":
                hub.after(catch.later_s, passage.again)
            case "notice" if catch.then is not None:
                hub.after(0.0, catch.then)
        return False


def granting(call: Served) -> bool:
    """Of an answer to `get_work`: it hands out work."""
    result: Any = call.result
    return isinstance(result, dict) and bool(result.get("tasks") or result.get("task_id"))


def reporting(status: str) -> Callable[[Served], bool]:
    """Of an `add_task`: it reports this end of a run."""
    return lambda call: call.params.get("status") == status and bool(call.params.get("run_id"))
