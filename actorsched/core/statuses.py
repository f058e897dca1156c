"""The words for the state of a task, as Luigi writes them, and what they mean for those downstream."""

from __future__ import annotations

from typing import Final

PENDING: Final = "PENDING"
RUNNING: Final = "RUNNING"
#: a member of a batch; the combined task that stands for all of them is RUNNING
BATCH_RUNNING: Final = "BATCH_RUNNING"
DONE: Final = "DONE"
FAILED: Final = "FAILED"
DISABLED: Final = "DISABLED"
#: a dependency that nobody registered yet, or a task that could not be understood
UNKNOWN: Final = "UNKNOWN"
#: accepted from clients, stored as PENDING
SUSPENDED: Final = "SUSPENDED"

#: every status that a record can have
STATUSES: Final = (PENDING, RUNNING, BATCH_RUNNING, DONE, FAILED, DISABLED, UNKNOWN)
#: every status that a client may register; BATCH_RUNNING only who has the batch from `get_work`
#: The values are our own strings: equal ones from the network would cost each record one more.
REGISTRABLE: Final = {
    status: status for status in (PENDING, RUNNING, BATCH_RUNNING, DONE, FAILED, DISABLED, UNKNOWN, SUSPENDED)
}
#: a run is live
LIVE: Final = frozenset({RUNNING, BATCH_RUNNING})

UPSTREAM_RUNNING: Final = "UPSTREAM_RUNNING"
UPSTREAM_MISSING_INPUT: Final = "UPSTREAM_MISSING_INPUT"
UPSTREAM_FAILED: Final = "UPSTREAM_FAILED"
UPSTREAM_DISABLED: Final = "UPSTREAM_DISABLED"

#: rising severity; the position is the severity
UPSTREAM_ORDER: Final = ("", UPSTREAM_RUNNING, UPSTREAM_MISSING_INPUT, UPSTREAM_FAILED, UPSTREAM_DISABLED)
#: what a task in this status is to the tasks that wait for it; DONE is nothing
UPSTREAM_OF: Final = {
    FAILED: UPSTREAM_FAILED,
    RUNNING: UPSTREAM_RUNNING,
    BATCH_RUNNING: UPSTREAM_RUNNING,
    PENDING: UPSTREAM_MISSING_INPUT,
    DISABLED: UPSTREAM_DISABLED,
}

WORKER_ACTIVE: Final = "active"
WORKER_DISABLED: Final = "disabled"
