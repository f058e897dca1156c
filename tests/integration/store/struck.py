"""A scheduler that kills itself while it writes its history: before the commit, or just after it.

python -m tests.integration.store.struck STORE ADDRESS before|after
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from actorsched import Scheduler, serve
from actorsched.core.rows import RunRow
from actorsched.store.history import History


def strike(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str) -> None:
    """Strike when runs are added for the first time."""
    add = History.add

    def struck(history: History, runs: Iterable[RunRow]) -> None:
        assert history._engine is not None
        if moment == "before":  # all rows are in the transaction, and it is about to be committed
            sa.event.listen(history._engine, "commit", strike)
        add(history, runs)
        strike()

    History.add = struck  # type: ignore[method-assign]


if __name__ == "__main__":
    store, address, moment = sys.argv[1:]
    arm(moment)
    with Scheduler(store=store, record_task_history=True) as scheduler, serve(scheduler, address) as server:
        print(server.address, flush=True)
        sys.stdin.read()
