"""What the actors of a simulation log: lines of its trace, which a test does not print by the thousand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenlet import getcurrent

from actorsched.actors.log import log
from actorsched.simulation.hub import Strand
from actorsched.simulation.trace import Trace

#: levels of what is noted
NOTED = ("warning", "error")
#: what differs from process to process, or is told by a checker
UNTOLD = ("error", "exc_info", "trace")


def keep_logs(trace: Trace, *, shown: bool) -> None:
    """From now on, have what actors log in the trace of the simulation that is under way.

    Args:
        shown: it also goes where the program logs to.
    """

    def take(level: str, event: str, fields: Mapping[str, Any]) -> bool:
        strand = getcurrent()
        if not isinstance(strand, Strand):
            return False  # another part of the program
        if level in NOTED and not strand.killed:
            said = [f"{name}={value!r}" for name, value in fields.items() if name not in UNTOLD]
            trace.note("log", strand.node.name, event, *said)
        return not shown

    log.divert(take)
