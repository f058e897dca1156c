"""What becomes of a task that a worker could not load: others are asked, and it fails when nobody is left.

"Left" is who is there, takes tasks of this class at all, and has not declined. It is looked at when somebody
declines, and at no other time: when the one node that has a module begins anew, what needs that module waits
for it, and does not fail because of the others. If it stays away, the others are asked again in the end
(`DECLINED_S`).

When nobody is left, all that is ready and would be declined fails at once, as after a run: it counts, and is
tried again by its policy. Soon after that everybody is asked anew (`AGAIN_S`), so that a retry is one. When a
worker comes before the retry is due, it is tried at once, and that failure counts no more: that worker may be
the one that was missing. (This is known in memory only. Without it, the retry is what is left.)
"""

from __future__ import annotations

from math import inf
from textwrap import indent

from actorsched.core.facets import requeue
from actorsched.core.instant import Instant
from actorsched.core.origin import AGAIN_S, DECLINED_S, Origin
from actorsched.core.record import TaskRecord
from actorsched.core.state import State
from actorsched.core.statuses import FAILED, PENDING
from actorsched.core.transitions import change
from actorsched.core.worker import WorkerRecord
from actorsched.core.workersets import WorkerSet

#: characters of what a worker says that are kept, and of it in a list of several workers
REASON_MAX = 10_000
LINE_MAX = 300
#: so many tasks are tried at once when somebody comes; all of them in one step, so there is a bound
STRANDED_MAX = 10_000
#: so many workers are named in an error
NAMED_MAX = 10


def note_declined(state: State, record: TaskRecord, worker_id: str, reason: str, now: Instant) -> Origin:
    """Remember that a worker cannot load what this record runs. The run is still to be given back."""
    origins, key = state.ready.origins, (record.module, record.family)
    origin = origins.get(key)
    if origin is None:
        origin = origins[key] = Origin()
        for known in state.ready.records():  # once for each module and family
            if (known.module, known.family) == key:
                state.ready.discard(known)
                requeue(state, known)
    line = reason.strip().partition("\n")[0][:LINE_MAX]
    origin.declined[worker_id] = line, now.monotonic + DECLINED_S
    return origin


def fail_if_nobody_is_left(state: State, origin: Origin, reason: str, now: Instant) -> None:
    """End what is ready and everybody has declined; `reason` is what was said last."""
    if state.newcomers:
        try_stranded(state, now)  # what fails now has been declined by them, too
    failed = waits = False
    for group in [group for group in state.ready.classes if group.demand.origin is origin]:
        if is_somebody_left(state, origin, group.crew, now.monotonic):
            waits = True
            continue
        failed = True
        text = line = why(origin)
        more = reason.strip()[:REASON_MAX]
        if "\n" in more:  # the end of a traceback: indented, as the line below it is what is shown in lists
            text = f"{indent(more, '    ')}\n\n{line}"
        records = sorted(group.records(), key=lambda record: record.place)
        state.unloadable.append((records[0].module, records[0].family, len(records), line))
        for record in records:
            record.expl = text
            state.touch(record)
            change(state, record, FAILED, now)
            if record.status == FAILED and len(state.stranded) < STRANDED_MAX:
                state.stranded[record] = None
    if failed and not waits:
        for worker_id, (line, _) in origin.declined.items():
            origin.declined[worker_id] = line, now.monotonic + AGAIN_S


def try_stranded(state: State, now: Instant) -> None:
    """Somebody has come: try what nobody could load, other than what is never to be tried again by itself."""
    state.newcomers = False
    for record in list(state.stranded):
        trouble = record.get_trouble()
        if record.policy.retry_delay >= 0:
            trouble.failures = trouble.failures[:-1]  # a new list: rows hold the old one
            trouble.streak -= 1
            if not trouble.failures:
                trouble.first_failure = None
            change(state, record, PENDING, now)


def why(origin: Origin) -> str:
    """What those who have declined say, in one line."""
    said = [f"{worker_id}: {line}" for worker_id, (line, _) in origin.declined.items()]
    shown = "; ".join(said[:NAMED_MAX])
    return f"no worker can load it: {shown}" + (
        f"; and {len(said) - NAMED_MAX} more" if len(said) > NAMED_MAX else ""
    )


def is_somebody_left(state: State, origin: Origin, crew: WorkerSet, at: float = -inf) -> bool:
    """Whether there is a worker to be asked for tasks of this crew, at this time; -inf: at once."""
    for worker in state.workers.values():
        if (
            (worker.assistant or worker.worker_id in crew.idset)
            and worker.processes > 0
            and not worker.disabled
            and not worker.is_submission
            and not origin.is_declined_by(worker.worker_id, at)
        ):
            return True
    return False


def declined_by(state: State, worker: WorkerRecord, now: Instant) -> list[tuple[str | None, str]]:
    """Modules and families that this worker cannot load."""
    who, at = worker.worker_id, now.monotonic
    return [key for key, origin in state.ready.origins.items() if origin.is_declined_by(who, at)]


def ask_again(state: State, worker_id: str) -> None:
    """The worker is gone, or a new life of it has come: what it has declined is forgotten."""
    for origin in state.ready.origins.values():
        origin.declined.pop(worker_id, None)
    _drop_unused(state)


def _drop_unused(state: State) -> None:
    origins = state.ready.origins
    for key in [key for key, origin in origins.items() if not origin.declined]:
        del origins[key]
