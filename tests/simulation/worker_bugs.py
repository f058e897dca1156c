"""Bugs of a worker like this one; see `bugs.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from actorsched.actors.duties import Duties
from actorsched.actors.inquiry import Inquiry
from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.ledger import Fate
from actorsched.actors.messages import Call
from actorsched.actors.pinger import Pinger
from actorsched.actors.remote_scheduler import _PING_TIME, RemoteSchedulerActor
from actorsched.actors.staff import Run
from actorsched.actors.upcoming import Upcoming
from actorsched.actors.worker import WorkerActor
from actorsched.facade.worker import Worker
from actorsched.tasks import running


def runs_are_believed(patch: pytest.MonkeyPatch) -> None:
    """A run that ended without an error is taken for a good one, whatever its task says."""
    patch.setattr(running.Attempt, "_check_complete", lambda _: None)


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


def heartbeats_ignore_the_lease(patch: pytest.MonkeyPatch) -> None:
    """There are some, but too few."""
    patch.setattr(KeepAliveTable, "_interval", lambda *_: 45.0)


def given_back_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    """A run that was given back is a good one in the ledger."""
    returned = Duties._returned

    def content(duties: Duties, run: Run) -> list[Call]:
        calls = returned(duties, run)
        for task_id in duties._subjects(run):
            if task_id in duties.ledger.entries:
                duties.ledger.settle(task_id, Fate.RAN)
        return calls

    patch.setattr(Duties, "_returned", content)


def superseded_runs_go_on(patch: pytest.MonkeyPatch) -> None:
    """A worker that is told that its run went to somebody else takes no notice."""
    refused = WorkerActor._refused

    def deaf(worker: WorkerActor, call: Call, reply: Mapping[str, Any]) -> None:
        if call.params.get("status") != "RUNNING":
            refused(worker, call, reply)

    patch.setattr(WorkerActor, "_refused", deaf)


def runs_are_not_claimed(patch: pytest.MonkeyPatch) -> None:
    """A forgotten worker registers again what waits, and does not tell what runs."""
    patch.setattr(Duties, "claim", lambda *_: [])


def forgotten_workers_say_nothing(patch: pytest.MonkeyPatch) -> None:
    """A worker that is told that it is not known goes on as if it were."""
    patch.setattr(WorkerActor, "_register_again", lambda *_: None)


def late_work_is_begun(patch: pytest.MonkeyPatch) -> None:
    """Work that comes when its lease has run out is begun all the same."""
    take = WorkerActor._take

    def eager(worker: WorkerActor, reply: Mapping[str, Any]) -> None:
        take(worker, {**reply, "lease_s": 1e9})

    patch.setattr(WorkerActor, "_take", eager)


def what_follows_a_failure_is_begun(patch: pytest.MonkeyPatch) -> None:
    """Work that was handed out in advance is begun however the run before it has ended."""
    patch.setattr(Upcoming, "may_begin", lambda *_: True)


def nobody_asks_by_himself(patch: pytest.MonkeyPatch) -> None:
    """A worker relies on hints, which may get lost."""
    patch.setattr(Inquiry, "rest", lambda *_: None)


def heartbeats_stay_where_they_are(patch: pytest.MonkeyPatch) -> None:
    """They go to the scheduler that has answered a call last, also when it answers none of them."""

    def where(client: Any, failed: bool) -> int:
        if client._conversation.socket is not None:
            return int(client._conversation.current)
        return int(client._ping_endpoint) + int(failed)

    def open_(client: Any, failed: bool) -> Any:
        client._ping_endpoint = where(client, failed)
        endpoint = client._endpoints[client._ping_endpoint % len(client._endpoints)]
        socket = client._runtime.network.open_req(endpoint, patient=True, keys=client._keys)
        client.actor_inbox.listen(socket.socket, _PING_TIME)
        return socket

    patch.setattr(RemoteSchedulerActor, "_open_for_pings", open_)
