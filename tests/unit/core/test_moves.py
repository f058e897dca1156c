"""From which status to which a task may go, and who may say so."""

from __future__ import annotations

import pytest

from actorsched.core.facets import settle
from actorsched.core.record import TaskRecord
from actorsched.core.statuses import BATCH_RUNNING, LIVE, STATUSES
from actorsched.core.transitions import MOVES, move
from actorsched.errors import InvalidTransitionError
from tests.machines import Driven

#: rows: from; columns: to
TABLE = """
              PENDING RUNNING BATCH_RUNNING DONE FAILED DISABLED UNKNOWN
PENDING          -       x          x        x     x       x        x
RUNNING          x       -          -        x     x       x        x
BATCH_RUNNING    x       x          -        x     x       x        x
DONE             x       x          -        -     x       x        x
FAILED           x       x          -        x     -       x        x
DISABLED         x       x          -        x     x       -        x
UNKNOWN          x       x          -        x     x       x        -
"""


def cells(table: str) -> list[tuple[str, str, str]]:
    """Row, column and entry of each cell."""
    header, *rows = table.strip().splitlines()
    columns = header.split()
    return [
        (row.split()[0], column, entry)
        for row in rows
        for column, entry in zip(columns, row.split()[1:], strict=True)
    ]


def task_in(status: str) -> tuple[Driven, TaskRecord]:
    """A machine whose task `t` of worker `w` is in this status, in the usual way."""
    driven = Driven(resources={"gpu": 1})
    registered = {"worker": "w", "task_id": "t", "family": "F", "resources": {"gpu": 1}}
    if status == BATCH_RUNNING:
        driven.add_task_batcher("w", "F", ["n"])
        for n, name in enumerate("tu"):
            driven.add_task(**{**registered, "task_id": name}, params={"n": str(n)}, batchable=True)
        driven.get_work(worker="w")
    else:
        driven.add_task(**registered, status="PENDING" if status in LIVE else status)
        if status in LIVE:
            driven.get_work(worker="w")
    record = driven.machine.tasks["t"]
    assert record.status == status
    return driven, record


def test_the_table_is_the_one_that_is_written_here() -> None:
    assert {(old, new) for old, new, entry in cells(TABLE) if entry == "x"} == {
        (old, new) for old, targets in MOVES.items() for new in targets
    }
    assert set(MOVES) == set(STATUSES)


@pytest.mark.parametrize(("old", "new", "entry"), cells(TABLE))
def test_a_move_is_made_or_refused_with_the_story_of_the_task(old: str, new: str, entry: str) -> None:
    driven, record = task_in(old)
    if new in LIVE:
        record.worker_running = "w"
        if new == BATCH_RUNNING and old not in LIVE:
            record.batch_id = record.batch_id or "some batch"
    if entry == "x":
        move(driven.machine, record, new, driven.now)
        settle(driven.machine, record)
        assert record.status == new
        assert (record.run_id is not None) == (new in LIVE)
        assert (record.done_at is not None) == (new == "DONE")
    else:
        before = (record.status, record.run_id, record.updated, dict(driven.machine.resources.used))
        with pytest.raises(InvalidTransitionError, match=rf"t: {old} -> {new} .*run .*worker .*now"):
            move(driven.machine, record, new, driven.now)
        assert before == (record.status, record.run_id, record.updated, driven.machine.resources.used)


#: rows: what the task is; columns: what the worker that registered it says of it, without a run id
OWN_WORD = """
              PENDING RUNNING  DONE   FAILED   DISABLED UNKNOWN  SUSPENDED
PENDING       PENDING RUNNING  DONE   FAILED   DISABLED UNKNOWN  PENDING
RUNNING       RUNNING RUNNING  DONE   FAILED   RUNNING  RUNNING  RUNNING
BATCH_RUNNING BATCH_RUNNING RUNNING DONE FAILED BATCH_RUNNING BATCH_RUNNING BATCH_RUNNING
DONE          DONE    RUNNING  DONE   FAILED   DISABLED UNKNOWN  PENDING
FAILED        PENDING RUNNING  DONE   FAILED   DISABLED UNKNOWN  PENDING
DISABLED      PENDING RUNNING  DONE   FAILED   DISABLED UNKNOWN  PENDING
UNKNOWN       PENDING RUNNING  DONE   FAILED   DISABLED UNKNOWN  PENDING
"""


@pytest.mark.parametrize(("old", "said", "new"), cells(OWN_WORD))
def test_what_its_worker_says_of_a_task(old: str, said: str, new: str) -> None:
    """DONE is left by PENDING only after the cool-down."""
    driven, record = task_in(old)
    driven.add_task(worker="w", task_id="t", status=said, resources={"gpu": 1})
    assert record.status == new


@pytest.mark.parametrize("said", ["PENDING", "RUNNING", "DONE", "FAILED", "DISABLED", "UNKNOWN", "SUSPENDED"])
@pytest.mark.parametrize("old", sorted(LIVE))
def test_a_run_does_not_end_by_the_word_of_others(old: str, said: str) -> None:
    driven, record = task_in(old)
    run_id = record.run_id
    driven.add_task(worker="v", task_id="t", status=said)
    assert (record.status, record.run_id, record.worker_running) == (old, run_id, "w")


@pytest.mark.parametrize("said", ["PENDING", "FAILED", "RUNNING", "UNKNOWN", "SUSPENDED", "DISABLED"])
def test_what_the_scheduler_disabled_is_lifted_by_no_worker_but_by_success(said: str) -> None:
    driven = Driven()
    driven.add_task(worker="w", task_id="t", retry_policy_dict={"retry_count": 1})
    driven.fail()
    assert driven.status("t") == "DISABLED"
    driven.add_task(worker="w", task_id="t", status=said)
    assert driven.status("t") == "DISABLED"
    assert driven.task_list()["t"]["re_enable_able"] is (said != "DISABLED")
    driven.add_task(worker="w", task_id="t", status="DONE")
    assert driven.status("t") == "DONE"


def test_done_is_left_by_pending_after_the_cool_down() -> None:
    """What comes before is a message that crossed with the report."""
    driven, record = task_in("DONE")
    driven.time += 9.9
    driven.add_task(worker="w", task_id="t")
    assert record.status == "DONE"
    driven.time += 0.2
    driven.add_task(worker="w", task_id="t")
    assert record.status == "PENDING"
