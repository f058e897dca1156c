"""What a worker may take in advance: a task that waits for nothing but one run of that worker.

A chain of short tasks is as slow as the way to the scheduler and back, once for each of its links, unless
the worker has the next link when the one before it ends. It begins that one only when the run before it was
a success, and else gives it back (PENDING), as it does when the run takes long. So until then nobody has
lost anything: no other worker could have begun it.

One task for each run, so that what fans out goes to whoever is free. None that needs resources, because they
would be taken while it waits; none that is combined with others, because more of them may come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from actorsched.core.record import TaskRecord
from actorsched.core.statuses import LIVE, PENDING, RUNNING
from actorsched.core.worker import WorkerRecord

#: of a run with more dependents than this none is handed out in advance: looking for one would take long
FOLLOWERS_MAX = 4


def followers(
    asking: WorkerRecord,
    assistant: bool,
    ahead: Mapping[str, int],
    fresh: Collection[str],
    declined: Collection[tuple[str | None, str]] = (),
) -> Iterator[tuple[TaskRecord, str]]:
    """Find them, each with the id of the run that it waits for. The caller makes it a run before the next.

    Chains take turns, in the order in which their first runs were handed out.

    Args:
        asking: whose runs they follow.
        assistant: it takes what others registered.
        ahead: as for `get_work`.
        fresh: the runs of this answer.
        declined: modules and families that it cannot load.
    """
    each = ahead.get("", 0)
    chains = []
    for record in asking.runs:
        run_id = record.run_id
        assert run_id is not None
        left = each if run_id in fresh else ahead.get(run_id, 0)
        if left > 0:
            chains.append((record, left))
    while chains:
        longer = []
        for record, left in chains:
            follower = _follower(record, asking.worker_id, assistant, declined)
            if follower is not None:
                assert record.run_id is not None
                yield follower, record.run_id
                if left > 1:
                    longer.append((follower, left - 1))
        chains = longer


def _follower(
    record: TaskRecord, worker_id: str, assistant: bool, declined: Collection[tuple[str | None, str]]
) -> TaskRecord | None:
    """The first registered that waits for this run alone; None also when one was handed out already."""
    dependents = record.dependents
    if record.status != RUNNING or record.batch_id is not None or dependents is None:
        return None
    if isinstance(dependents, dict) and len(dependents) > FOLLOWERS_MAX:
        return None
    found = None
    for dependent in record.iter_dependents():
        if dependent.status in LIVE:
            return None
        if (
            dependent.status == PENDING
            and dependent.n_missing == 1
            and dependent.runnable
            and not dependent.demand.needs
            and not dependent.batchable
            and not dependent.is_suspect
            and (assistant or worker_id in dependent.crew.idset)
            and not (declined and (dependent.module, dependent.family) in declined)
            and (found is None or dependent.seq < found.seq)
        ):
            found = dependent
    return found
