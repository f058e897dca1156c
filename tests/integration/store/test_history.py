"""A scheduler is killed while it writes its history."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actorsched import RemoteScheduler, Scheduler
from actorsched.store.history import History
from tests.integration.store.plant import PATIENCE_S, environment


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("moment", "kept"), [("before", ["b"]), ("after", ["b", "a"])])
def test_a_kill_within_a_write_of_the_history_costs_at_most_what_was_being_written(
    folder: Path, moment: str, kept: list[str]
) -> None:
    """The state has all that was acknowledged; the history has the runs once or not at all, and goes on."""
    url, address = f"sqlite:///{folder}/state.db", f"ipc://{folder}/s"
    command = [sys.executable, "-m", "tests.integration.store.struck", url, address, moment]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(folder)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == address
        with RemoteScheduler(address) as remote:
            for name in ("a", "b"):
                remote.add_task(task_id=name, worker="w", family="F")
            works = [remote.get_work(worker="w", host="h") for _ in range(2)]
            assert [work["task_id"] for work in works] == ["a", "b"]
            remote.add_task(task_id="a", worker="w", status="DONE", run_id=works[0]["run_id"])
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    with Scheduler(store=url, record_task_history=True) as scheduler:
        assert list(scheduler.task_list(status="DONE")) == ["a"]
        assert list(scheduler.task_list(status="RUNNING")) == ["b"]
        scheduler.add_task(task_id="b", worker="w", status="DONE", run_id=works[1]["run_id"])
    history = History(url)
    history.open(create=False)
    assert [(run["task_id"], run["outcome"]) for run in history.find()] == [(name, "DONE") for name in kept]
    history.close()
