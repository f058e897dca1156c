"""Bugs of how batches are made, run and ended; see `bugs.py`."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actorsched.actors.duties import Duties
from actorsched.actors.messages import Call, RunJob
from actorsched.actors.staff import Run
from actorsched.core import batches, granting, registering, transitions
from actorsched.core.batches import BatchIndex
from actorsched.core.record import TaskRecord
from actorsched.core.state import State


def batches_take_nothing_at_first(patch: pytest.MonkeyPatch) -> None:
    """A batch takes its resources when its combined task is known, as in Luigi."""
    patch.setattr(BatchIndex, "_weigh", lambda *_: None)


def batches_keep_their_resources(patch: pytest.MonkeyPatch) -> None:
    """What a batch took is not given back when its combined task takes it."""

    def weigh(index: BatchIndex, batch_id: str) -> None:
        members = index.members.get(batch_id)
        if members and batch_id not in index.combined and batch_id not in index.held:
            index.held[batch_id] = next(iter(members)).runs_with()
            index._resources.charge(index.held[batch_id])
        elif not members or batch_id in index.combined:
            index.held.pop(batch_id, None)

    patch.setattr(BatchIndex, "_weigh", weigh)


def one_member_keeps_its_lease(patch: pytest.MonkeyPatch) -> None:
    """The last member of a batch does not end with it."""
    end_batch = transitions.end_batch

    def careless(state: State, *args: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            of_batch = state.batches.of_batch
            inner.setattr(state.batches, "of_batch", lambda batch_id: of_batch(batch_id)[:-1])
            end_batch(state, *args)

    patch.setattr(transitions, "end_batch", careless)


def members_are_claimed_one_by_one(patch: pytest.MonkeyPatch) -> None:
    """A forgotten worker tells of its batch as of runs of the members, under one id."""
    claim = Duties.claim

    def scattered(duties: Duties, run: Run) -> list[Call]:
        calls = claim(duties, run)
        if not run.batch:
            return calls
        run.scattered = True
        kept = [call for call in calls if call.params["status"] == "BATCH_RUNNING"]
        for call in kept:
            call.params.update(status="RUNNING", batch_id=None)  # type: ignore[attr-defined]
        return kept

    patch.setattr(Duties, "claim", scattered)


def batches_mix_resources(patch: pytest.MonkeyPatch) -> None:
    """What is in one batch may need this or that."""
    likeness = batches._likeness
    patch.setattr(batches, "_likeness", lambda record, args: (None, likeness(record, args)[1]))


def batches_have_no_bound(patch: pytest.MonkeyPatch) -> None:
    """There may be any number of tasks in one."""
    set_batcher = BatchIndex.set_batcher

    def boundless(index: BatchIndex, worker: str, family: str, args: Any, size: float, ready: Any) -> None:
        set_batcher(index, worker, family, args, float("inf"), ready)

    patch.setattr(BatchIndex, "set_batcher", boundless)


def batches_hang_for_ever(patch: pytest.MonkeyPatch) -> None:
    """The time limit of its first member is that of a batch."""
    prepare = Duties.prepare

    def limited(duties: Duties, run: Run, *args: Any) -> RunJob:
        message = prepare(duties, run, *args)
        if not run.batch:
            return message
        job = msgspec.structs.replace(message.job, limit_known=True)
        return type(message)(
            job=job,
            timeout_s=getattr(duties._tasks.get(run.batch[0]), "worker_timeout", None) or 0.0,
            name=message.name,
            task=message.task,
            start_by=message.start_by,
        )

    patch.setattr(Duties, "prepare", limited)


def lost_batches_are_handed_out_as_they_were(patch: pytest.MonkeyPatch) -> None:
    """The combined task goes to the worker again, whatever has become of the members, as in Luigi."""
    reconcile = granting._reconcile

    def literal(
        state: State, asking: Any, current_tasks: Any, now: Any, *, advanced: bool
    ) -> list[TaskRecord]:
        lost = [
            record
            for record in asking.runs
            if record.status == "RUNNING" and record.batch_id and record.task_id not in current_tasks
        ]
        ids = [record.task_id for record in lost]
        return [*reconcile(state, asking, [*current_tasks, *ids], now, advanced=advanced), *lost]

    patch.setattr(granting, "_reconcile", literal)


def ends_of_nobody_are_taken(patch: pytest.MonkeyPatch) -> None:
    """The good end of a combined task is acknowledged, also when none of its members is in its batch."""
    patch.setattr(registering, "stands_for_nothing", lambda *_: False)


def combined_tasks_stay(patch: pytest.MonkeyPatch) -> None:
    """The combined task of a batch that was given back waits, for nothing, until its worker goes."""
    retire = transitions.retire

    def literal(state: State, record: TaskRecord, *args: Any) -> None:
        if record.status == "FAILED":
            retire(state, record, *args)

    patch.setattr(transitions, "retire", literal)
