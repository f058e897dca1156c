"""Bugs of a protocol like this one, to be planted one at a time: a simulation has to find each of them.

Each takes the place of one rule of the shipped code, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from actorsched.actors.pinger import Pinger
from actorsched.core import granting, pruning, registering
from actorsched.core.demands import Resources
from actorsched.core.instant import Instant
from actorsched.core.machine import SchedulerMachine
from actorsched.core.state import State
from actorsched.facade.worker import Worker
from actorsched.rpc.replies import ReplyMemory
from actorsched.tasks import running

Plant: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def no_fencing(patch: pytest.MonkeyPatch) -> None:
    """Whatever run a report is of, it is taken for one of the live run."""
    add_task = SchedulerMachine.add_task

    def unfenced(machine: Any, now: Instant, *args: Any, **params: Any) -> Any:
        record = machine.tasks.get(params.get("task_id", ""))
        if params.get("run_id") and record is not None and record.run_id is not None:
            params |= {"run_id": record.run_id, "worker": record.worker_running, "incarnation": None}
        return add_task(machine, now, *args, **params)

    patch.setattr(SchedulerMachine, "add_task", unfenced)


def no_reply_memory(patch: pytest.MonkeyPatch) -> None:
    """A request that comes twice takes effect twice."""
    patch.setattr(ReplyMemory, "recall", lambda *_: None)


def leases_are_not_renewed(patch: pytest.MonkeyPatch) -> None:
    """What a worker says is no sign of its life, after the first time."""
    patch.setattr(State, "heard", State.worker)


def nobody_is_given_up(patch: pytest.MonkeyPatch) -> None:
    """A worker may be silent for ever."""
    patch.setattr(pruning, "drop_worker", lambda *_: None)


def resources_are_not_counted(patch: pytest.MonkeyPatch) -> None:
    """Any demand fits at any time."""
    patch.setattr(Resources, "fits", lambda *_: True)


def requirements_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The scheduler does not note them, and the child does not look."""
    patch.setattr(registering, "set_deps", lambda *_: None)
    patch.setattr(running, "is_fulfilled", lambda *_: True)


def runs_are_believed(patch: pytest.MonkeyPatch) -> None:
    """A run that ended without an error is taken for a good one, whatever its task says."""
    patch.setattr(running, "cannot_be_checked", lambda _: True)


def exits_are_always_good(patch: pytest.MonkeyPatch) -> None:
    """The exit status of a program is true, as long as nothing raises."""
    run = Worker.run

    def always_good(worker: Worker) -> bool:
        run(worker)
        return True

    patch.setattr(Worker, "run", always_good)


def no_heartbeats(patch: pytest.MonkeyPatch) -> None:
    """A worker that is busy says nothing."""
    patch.setattr(Pinger, "step", lambda *_: None)
    patch.setattr(Pinger, "wait", lambda *_: None)


def lost_grants_stay_lost(patch: pytest.MonkeyPatch) -> None:
    """A grant whose answer did not arrive is not handed out again."""
    patch.setattr(granting, "_reconcile", lambda *_: None)
