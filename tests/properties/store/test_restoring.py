"""A machine that is read back from its rows is the machine that wrote them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine, check_invariants
from actorsched.core import rows as kinds
from actorsched.core.rows import ITEM_KINDS, Changes, ProgressRow, Rows, TaskRow
from tests.properties.store.calls import TASKS, WORKERS, Step, call, steps

SETTINGS = SchedulerSettings(
    retry_delay=20,
    remove_delay=30,
    worker_disconnect_delay=60,
    disable_persist=50,
    retry_count=3,
    disable_window=100,
    stable_done_cooldown_secs=5,
    max_worker_deaths=2,
)


class Shelf:
    """The rows as a store keeps them: bytes by key."""

    def __init__(self) -> None:
        self.tasks: dict[int, bytes] = {}
        self.progress: dict[int, bytes] = {}
        self.items: dict[tuple[str, str], bytes] = {}

    def write(self, changes: Changes) -> None:
        encode = msgspec.json.encode
        for seq in changes.gone:
            del self.tasks[seq]
            self.progress.pop(seq, None)
        self.tasks.update((seq, encode(row)) for seq, row in changes.tasks)
        self.progress.update((seq, encode(row)) for seq, row in changes.progress)
        for kind, key, row in changes.items:
            if row is not None:
                self.items[kind, key] = encode(row)
            else:
                self.items.pop((kind, key), None)

    def read(self) -> Rows:
        decode = msgspec.json.decode
        return Rows(
            [
                (
                    seq,
                    decode(self.tasks[seq], type=TaskRow),
                    decode(self.progress[seq], type=ProgressRow) if seq in self.progress else None,
                )
                for seq in sorted(self.tasks)
            ],
            [(kind, key, decode(row, type=ITEM_KINDS[kind])) for (kind, key), row in self.items.items()],
        )


def plain(stored: Rows) -> dict[str, Any]:
    """Rows with the workers of their sets in place of the numbers of these."""
    items = {(kind, key): msgspec.to_builtins(row) for kind, key, row in stored.items}
    sets = {"0": [[]]} | {key: row for (kind, key), row in items.items() if kind == kinds.WORKER_SET}
    known = {row[0]: (key, row[4]) for (kind, key), row in items.items() if kind == kinds.WORKER}
    tasks = {}
    for seq, task, progress in stored.tasks:
        values = msgspec.structs.asdict(task)
        values["crew"] = [known[n][0] for n in sets[str(task.crew)][0] if n in known and not known[n][1]]
        values["stake"] = [known[n][0] for n in sets[str(task.stake)][0] if n in known]
        tasks[seq] = msgspec.to_builtins(values), msgspec.to_builtins(progress)
    items = {key: row for key, row in items.items() if key[0] != kinds.WORKER_SET}
    return {"tasks": {seq: fill(values) for seq, values in tasks.items()}, "items": items}


def fill(task: tuple[dict[str, Any], list[Any] | None]) -> Any:
    """A task that did nothing since it was registered may have a progress row that says so."""
    values, progress = task
    if progress == ["PENDING", values["start_time"], *[None] * 10]:
        progress = None
    return values, progress


def same(value: Any) -> Any:
    """A result without the orders that are not promised."""
    if isinstance(value, dict):
        return {key: sorted(part) if key == "deps" else same(part) for key, part in value.items()}
    if isinstance(value, list):
        parts = [same(part) for part in value]
        return sorted(parts, key=repr) if parts and isinstance(parts[0], dict) else parts
    return value


def look(machine: SchedulerMachine, now: Instant) -> list[Any]:
    views: list[Any] = [
        machine.task_list(now),
        machine.worker_list(now),
        machine.resource_list(now),
        machine.graph(now),
        machine.is_paused(now),
        machine.scheduling_failures,
    ]
    views += [machine.count_pending(now, worker=worker) for worker in WORKERS]
    views += [machine.fetch_error(now, task_id=task) for task in TASKS]
    views += [machine.inverse_dep_graph(now, task_id=task) for task in TASKS]
    return [same(view) for view in views]


def renew_leases(machine: SchedulerMachine, now: Instant) -> None:
    """What a restart does, as written in the design."""
    for worker in machine.workers.values():
        worker.last_active = now
        if worker.last_get_work is not None:
            worker.last_get_work = now.monotonic


def forget(machine: SchedulerMachine) -> None:
    """What is in memory only: who has declined what, and what could be tried because of a newcomer."""
    for origin in machine.ready.origins.values():
        origin.declined.clear()
    machine.stranded.clear()


def run(machine: SchedulerMachine, step: Step, now: Instant) -> Any:
    return same(deepcopy(call(machine, step, now)))


@settings(max_examples=120, deadline=None)
@given(st.lists(steps(), min_size=25, max_size=60), st.lists(steps(), max_size=25))
def test_a_restored_machine_goes_on_as_if_nothing_had_happened(before: list[Step], after: list[Step]) -> None:
    """All views, and all answers afterwards."""
    machine = SchedulerMachine(SETTINGS, resources={"a": 2}, epoch="e", journal=True)
    shelf = Shelf()
    shelf.write(machine.take_changes())
    now = Instant(1000.0, 5000.0)
    for step in before:
        now = Instant(now.monotonic + step.wait_s, now.wall + step.wait_s)
        call(machine, step, now)
        shelf.write(machine.take_changes())
        assert plain(shelf.read()) == plain(machine.export()), f"after {step}"
    restored = SchedulerMachine(SETTINGS, resources={"a": 2}, epoch="e", journal=True)
    restored.load(shelf.read(), now)
    restored._tickets = machine._tickets
    check_invariants(restored)
    renew_leases(machine, now)
    forget(machine)
    assert plain(restored.export()) == plain(machine.export())
    assert look(restored, now) == look(machine, now)
    for step in after:
        now = Instant(now.monotonic + step.wait_s, now.wall + step.wait_s)
        assert run(restored, step, now) == run(machine, step, now), f"at {step}"
        shelf.write(restored.take_changes())
    check_invariants(restored)
    assert look(restored, now) == look(machine, now)
    shelf.write(restored.take_changes())
    assert plain(shelf.read()) == plain(restored.export())


def test_a_dependency_cycle_is_restored_and_can_be_opened_afterwards() -> None:
    """Whether a task closes a cycle is looked for only when edges are added, so it has to be stored."""
    now = Instant(1.0, 2.0)
    machine = SchedulerMachine(SETTINGS, epoch="e", journal=True)
    shelf = Shelf()

    def add(task: str, **params: Any) -> None:
        machine.add_task(now, task_id=task, worker="w", family="F", **params)
        shelf.write(machine.take_changes())
        assert plain(shelf.read()) == plain(machine.export())

    def restored() -> SchedulerMachine:
        other = SchedulerMachine(SETTINGS, epoch="e", journal=True)
        other.load(shelf.read(), now)
        check_invariants(other)
        assert look(other, now) == look(machine, now)
        return other

    shelf.write(machine.take_changes())
    add("a")
    add("b", deps=["a"])
    add("a", new_deps=["b"])
    assert len(machine.cyclic) == 1
    assert "cycle" in str(restored().task_list(now)["a"]["blocked_reason"])
    add("b", deps=[])
    assert not machine.cyclic
    assert restored().get_work(now, worker="w")["task_id"] == "b"


def test_the_oldest_announced_failures_leave_the_store() -> None:
    """Only the newest ones are kept, here as in memory."""
    now = Instant(1.0, 2.0)
    machine = SchedulerMachine(SETTINGS, epoch="e", journal=True)
    shelf = Shelf()
    for number in range(150):
        machine.announce_scheduling_failure(
            now, task_name=str(number), family="F", params={}, expl="?", owners=[]
        )
        shelf.write(machine.take_changes())
    assert plain(shelf.read()) == plain(machine.export())
    assert sum(kind == kinds.ANNOUNCED for kind, _ in shelf.items) == 100


def test_worker_sets_that_nobody_uses_leave_the_store() -> None:
    """Workers come and go for months; their rows must not stay."""
    machine = SchedulerMachine(SETTINGS, epoch="e", journal=True)
    shelf = Shelf()
    now = Instant(0.0, 0.0)
    for number in range(500):
        now = Instant(now.monotonic + 100.0, 0.0)
        machine.add_task(now, task_id=f"T{number % 5}", worker=f"w{number}", family="F")
        machine.prune(now)
        shelf.write(machine.take_changes())
    assert sum(kind == kinds.WORKER_SET for kind, _ in shelf.items) < 150
    assert plain(shelf.read()) == plain(machine.export())
    again = SchedulerMachine(SETTINGS, epoch="e", journal=True)
    again.load(shelf.read(), now)
    shelf.write(again.take_changes())
    assert sum(kind == kinds.WORKER_SET for kind, _ in shelf.items) < 15
    assert plain(shelf.read()) == plain(again.export())


def test_cancelling_what_its_author_disabled_is_stored() -> None:
    """Nothing moves, and yet the reason changes."""
    now = Instant(1.0, 2.0)
    machine = SchedulerMachine(SETTINGS, epoch="e", journal=True)
    shelf = Shelf()
    machine.add_task(now, task_id="a", worker="w", status="DISABLED")
    shelf.write(machine.take_changes())
    machine.cancel_task(now, task_id="a")
    shelf.write(machine.take_changes())
    assert plain(shelf.read()) == plain(machine.export())
