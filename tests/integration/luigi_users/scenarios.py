"""The scenarios: what is wanted of which pipeline, and with which options.

Nothing here knows who runs them. `pipelines` is on the module path of whoever does.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import dynamic
import endings
import structures
import tools

Make = Callable[[str], list[Any]]


class Scenario(NamedTuple):
    """One of them.

    Attributes:
        make: folder → the wanted tasks.
        before: what lies in the folder before: names and contents.
        runs: how often the same tasks are wanted, one after the other.
        retries: try failed tasks again, at once.
        here: it is about the memory of the program, or of one process: it only runs in the program itself.
    """

    make: Make
    before: Mapping[str, str] = MappingProxyType({})
    runs: int = 1
    retries: bool = False
    here: bool = False


GIVEN = {"given": "what was given"}


def one(cls: Any, **parameters: Any) -> Make:
    return lambda folder: [cls(folder=folder, **parameters)]


def _failing_first(folder: str) -> list[Any]:
    return [endings.Downstream(folder=folder), structures.Leaf(folder=folder, n=9)]


def _without_values(folder: str) -> list[Any]:
    return [tools.Nothing(folder=folder), tools.Nothing(folder=folder, given=None)]


def _by_class(folder: str) -> list[Any]:
    return [tools.Configured(folder=folder), tools.Configured(folder=folder, number=7, chosen=tools.Daily)]


SCENARIOS: dict[str, Scenario] = {
    "shapes": Scenario(one(structures.AllShapes)),
    "shapes, twice": Scenario(one(structures.AllShapes), runs=2),
    "shapes that input() does not take": Scenario(one(structures.AllShapes, kinds="none named")),
    "many outputs": Scenario(one(structures.ReadsMany)),
    "half the outputs": Scenario(one(structures.HalfOutputs)),
    "decorators": Scenario(one(structures.Requires, n=4)),
    "external by hand, missing": Scenario(one(structures.WantsOutside)),
    "diamond": Scenario(one(structures.Diamond)),
    "day by day": Scenario(one(structures.Day, day=datetime.date(2024, 2, 9))),
    "state": Scenario(one(structures.State)),
    "clinging": Scenario(one(structures.Clinging)),
    "flow": Scenario(one(structures.Flow)),
    **{f"yields {kind}": Scenario(one(dynamic.Yields, kind=kind)) for kind in dynamic.KINDS.split("|")},
    "deep": Scenario(one(dynamic.Deep)),
    "finds a failing one": Scenario(one(dynamic.WantsFailing)),
    "finds a given one": Scenario(one(dynamic.WantsGiven), GIVEN),
    "finds a missing one": Scenario(one(dynamic.WantsMissing)),
    "static and dynamic": Scenario(one(dynamic.Both)),
    "a failure upstream": Scenario(one(endings.FurtherDown)),
    "a failure and others": Scenario(_failing_first),
    "a failure, twice": Scenario(one(endings.FurtherDown), runs=2),
    "exits with 0": Scenario(one(endings.Exits, code=0)),
    "exits with 3": Scenario(one(endings.Exits, code=3)),
    "half written": Scenario(one(endings.HalfWritten)),
    "sick requires": Scenario(one(endings.NeedsSick, kind="requires")),
    "sick complete": Scenario(one(endings.NeedsSick, kind="complete")),
    "sick output": Scenario(one(endings.NeedsSick, kind="output")),
    "missing": Scenario(one(endings.NeedsMissing), GIVEN),
    "disabled": Scenario(one(endings.NeedsDisabled)),
    "no output": Scenario(one(endings.NoOutput)),
    "own complete": Scenario(one(endings.AfterOwnComplete)),
    "complete despite": Scenario(one(endings.DoneDespite)),
    "priorities": Scenario(one(endings.AllOrdered)),
    "priorities flow": Scenario(one(endings.Urgent)),
    "retried": Scenario(one(endings.Retried, failures=2), retries=True),
    "retried too often": Scenario(one(endings.Retried, failures=9), retries=True),
    "watched": Scenario(one(endings.Watched), GIVEN),
    "watched failure": Scenario(one(endings.Watched, how="fails"), GIVEN),
    "watched exit": Scenario(one(endings.Watched, how="exits"), GIVEN),
    "watched while found": Scenario(one(endings.WatchedNeeds), GIVEN),
    "watched sick": Scenario(one(endings.WatchedSick)),
    "sick handler": Scenario(one(endings.SickHandler)),
    "program": Scenario(one(tools.Program)),
    "program fails": Scenario(one(tools.Program, code=3)),
    "anyway": Scenario(one(tools.AfterAnyway)),
    "rows": Scenario(one(tools.CountRows)),
    "ranges": Scenario(tools.ranges),
    "ranges, twice": Scenario(tools.ranges, runs=2),
    "no values": Scenario(_without_values),
    "formats": Scenario(one(tools.ReadsFormats)),
    "opened": Scenario(one(tools.Opened)),
    "mocked": Scenario(one(tools.Mocked), here=True),
    "configured": Scenario(_by_class),
    "resources": Scenario(one(tools.AllResourceful)),
    "namespaces": Scenario(one(tools.OuterSpaced)),
}
