"""What the worker's actor tells of its runs, as the events of `events.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorsched.actors.ledger import Fate
from actorsched.facade.events import Counts, Event, RunEnded, RunSaid, RunsElsewhere, RunStarted
from actorsched.tasks.outcome import Outcome


def observe_with(
    observer: Callable[[Event], None], worker_id: str
) -> Callable[[str, Mapping[str, Any]], None]:
    """Return what an actor may tell, and the observer hears as events."""
    done_elsewhere = running_elsewhere = 0

    def observe(kind: str, fields: Mapping[str, Any]) -> None:
        nonlocal done_elsewhere, running_elsewhere
        counts, running = fields["counts"], fields["running"]
        if kind == "heard":
            others = tuple(run for run in fields["runs"] if run[2] != worker_id)
            running_elsewhere = len(others)
            # what is open here, and neither pending nor running for the scheduler, others have done
            left = fields["pending"] + running_elsewhere + running
            done_elsewhere = max(0, counts[Fate.NOT_RUN] + counts[Fate.FAILED] - left)
            observer(RunsElsewhere(runs=others))
        elif kind == "said":
            if (said := _said(fields)) is not None:
                observer(said)
            return
        elif kind == "unschedulable":
            return  # the counts tell that
        else:
            observer(_event_of(fields, fields["outcome"]))
        done = counts[Fate.RAN] + counts[Fate.ALREADY_COMPLETE] + counts[Fate.RUN_BY_OTHERS]
        running += running_elsewhere
        observer(
            Counts(
                pending=max(0, counts[Fate.NOT_RUN] - done_elsewhere - running),
                running=running,
                done=done + done_elsewhere,
                failed=counts[Fate.FAILED] + counts[Fate.SCHEDULING_FAILED],
            )
        )

    return observe


def _said(fields: Mapping[str, Any]) -> RunSaid | None:
    task_id, value = fields["task_id"], fields["value"]
    match fields["what"]:
        case "set_status_message":
            return RunSaid(task_id=task_id, message=str(value))
        case "set_progress_percentage":
            return RunSaid(task_id=task_id, percentage=value)
        case _:
            return None


def _event_of(fields: Mapping[str, Any], outcome: Outcome | None) -> Event:
    task_id, name, slot = fields["task_id"], fields["name"], fields["slot"]
    if outcome is None:
        return RunStarted(task_id=task_id, name=name, slot=slot)
    return RunEnded(
        task_id=task_id,
        name=name,
        slot=slot,
        status="PENDING" if fields["given_back"] else outcome.status,
        cause=outcome.cause,
        elapsed_s=outcome.elapsed_s,
    )
