"""What is stored is what the scheduler has in memory, after each commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from actorsched.core import rows
from actorsched.core.rows import Rows
from actorsched.simulation.checker import Checker

if TYPE_CHECKING:
    from actorsched.core.machine import SchedulerMachine
    from actorsched.simulation.disk import SimulatedStore
    from actorsched.simulation.simulation import Simulation

#: so many commits in a row are looked at; then, as that costs a millisecond, one of so many others
FIRST, ONE_OF = 200, 10


class StoredIsMemory(Checker):
    """What is stored is what the scheduler has in memory, after each commit.

    It is compared as a next life would read it: with workers in place of the numbers of their sets.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation)
        self.commits = 0

    def committed(self, machine: SchedulerMachine, store: SimulatedStore) -> None:
        self.commits += 1
        if self.commits > FIRST and self.commits % ONE_OF:
            return
        memory, stored = _plain(machine.export()), _plain(store.stored())
        if memory != stored:
            keys = [key for key in memory | stored if memory.get(key) != stored.get(key)]
            key = keys[0]
            self.fail(
                f"commit {self.commits}: {len(keys)} rows differ, the first is {key}:"
                f" {memory.get(key)} in memory, {stored.get(key)} in the store"
            )


def _plain(all_rows: Rows) -> dict[Any, Any]:
    """Rows by key, with nothing in them that says how they are numbered."""
    items = {(kind, key): msgspec.to_builtins(row) for kind, key, row in all_rows.items}
    sets = {"0": [[]]} | {key: row for (kind, key), row in items.items() if kind == rows.WORKER_SET}
    known = {row[0]: (key, row[4]) for (kind, key), row in items.items() if kind == rows.WORKER}
    plain: dict[Any, Any] = {key: row for key, row in items.items() if key[0] != rows.WORKER_SET}
    for seq, task, progress in all_rows.tasks:
        values = msgspec.structs.asdict(task)
        values["crew"] = [known[n][0] for n in sets[str(task.crew)][0] if n in known and not known[n][1]]
        values["stake"] = [known[n][0] for n in sets[str(task.stake)][0] if n in known]
        step = msgspec.to_builtins(progress)
        if step is not None and step == ["PENDING", values["start_time"], *[None] * 10]:
            step = None  # it has done nothing since it was registered, and a row may say so
        plain["task", seq] = msgspec.to_builtins(values), step
    return plain
