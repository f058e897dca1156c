"""The checkers that watch each simulation, and a narrator."""

from __future__ import annotations

from actorsched.simulation.bans import DisabledInTime
from actorsched.simulation.breakages import NothingBreaks, TheForgottenComeBack
from actorsched.simulation.checker import Checker
from actorsched.simulation.checkers import (
    AcknowledgedReports,
    EverythingEnds,
    ExitStatus,
    Heartbeats,
    NoEffectTwice,
    NoLeaseWithoutHolder,
    OneLiveRun,
    ResourcesFit,
)
from actorsched.simulation.decisions import (
    BatchesAreAlike,
    ClaimsAreTaken,
    DeclinedIsForOthers,
    DisabledForAReason,
    RequirementsFirst,
)
from actorsched.simulation.ends import EndsAreHeard, EndsAreTold, FailuresAreTrue
from actorsched.simulation.leftovers import NothingIsLeftOver
from actorsched.simulation.manners import EachIsAnswered, OnlyTheGuiltyAreRefused
from actorsched.simulation.stored import HistoryIsWhole, PlaceIsKept, StoredIsMemory
from actorsched.simulation.wire import Served
from actorsched.simulation.wishes import CancelledStaysSo, OwnWorkOnly, PriorityFirst, RetriesWait


class Narrator(Checker):
    """Finds nothing; puts what matters on the wire into the trace."""

    def served(self, call: Served) -> None:
        if call.method == "get_work" and isinstance(call.result, dict):
            for grant in call.result.get("tasks") or [call.result]:
                if grant.get("run_id"):
                    self.simulation.trace.add("granted", call.node, grant["task_id"], grant["run_id"])
        elif call.method == "add_task":
            params = call.params
            said = [params.get(name) for name in ("task_id", "status", "run_id") if params.get(name)]
            refused = (call.result or {}).get("refused", "") if call.error is None else "error"
            self.simulation.trace.add("told", call.node, *said, refused)
        elif call.method == "add_worker":
            self.simulation.trace.add("told", call.node, "add_worker", call.params.get("incarnation"))


CHECKERS: tuple[type[Checker], ...] = (
    Narrator,
    OneLiveRun,
    RequirementsFirst,
    BatchesAreAlike,
    NothingIsLeftOver,
    ClaimsAreTaken,
    DeclinedIsForOthers,
    DisabledForAReason,
    AcknowledgedReports,
    NoEffectTwice,
    NoLeaseWithoutHolder,
    ResourcesFit,
    ExitStatus,
    Heartbeats,
    EverythingEnds,
    EachIsAnswered,
    OnlyTheGuiltyAreRefused,
    StoredIsMemory,
    PlaceIsKept,
    HistoryIsWhole,
    NothingBreaks,
    TheForgottenComeBack,
    FailuresAreTrue,
    EndsAreHeard,
    EndsAreTold,
    OwnWorkOnly,
    CancelledStaysSo,
    RetriesWait,
    PriorityFirst,
    DisabledInTime,
)
