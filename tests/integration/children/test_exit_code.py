"""`run()` is True if and only if everything asked for is complete, whatever happens on the way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import LocalTarget, RemoteScheduler, Scheduler, Task, Worker, serve
from actorsched.facade.events import RunStarted
from tests.integration.children.background import Running, until

OPTIONS: dict[str, Any] = {"log_dir": "off", "wait_interval": 0.05, "wait_jitter": 0.0}


class Leaf(Task):
    """Waits for a file if there is a name of one, and notes each time that it is begun."""

    n: int
    folder: str
    gate: str = ""

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / f"leaf-{self.n}")

    def run(self) -> None:
        folder = Path(self.folder)
        with (folder / "runs").open("a") as file:
            file.write(f"{self.n}\n")
        while self.gate and not (folder / self.gate).exists():
            time.sleep(0.01)
        if (folder / "fail").exists():
            raise RuntimeError("told to fail")
        (folder / f"leaf-{self.n}").write_text("done")


class Top(Task):
    k: int
    folder: str
    gate: str = ""

    def requires(self) -> Any:
        return [Leaf(n, self.folder, self.gate) for n in range(self.k)]

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / "top")

    def run(self) -> None:
        (Path(self.folder) / "top").write_text("done")


def runs(folder: Path) -> list[str]:
    notes = folder / "runs"
    return sorted(notes.read_text().split()) if notes.exists() else []


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    with Scheduler(retry_delay=0.1) as scheduler:
        yield scheduler


def test_a_scheduler_without_memory_comes_back_while_tasks_run(tmp_path: Path) -> None:
    """A new epoch at the same address: what runs goes on, nothing runs twice, the answer is true."""
    first = Scheduler()
    server = serve(first, bind="tcp://127.0.0.1:0")
    address = server.address
    with RemoteScheduler(address) as remote, Worker(remote, worker_processes=2, **OPTIONS) as worker:
        worker.add(Top(4, str(tmp_path), gate="gate"))
        running = Running(worker)
        until(lambda: len(runs(tmp_path)) == 2)
        server.stop()
        first.close()
        with Scheduler() as second, serve(second, bind=address):
            until(lambda: list(second.task_list(status="RUNNING")) != [] and len(second.task_list()) == 5)
            assert len(second.task_list(status="RUNNING")) == 2
            (tmp_path / "gate").touch()
            assert running.end() is True
    assert runs(tmp_path) == ["0", "1", "2", "3"]


def test_a_worker_that_was_given_up_goes_on_where_it_was(tmp_path: Path) -> None:
    """Its lease ran out while it was alive: it registers again, and its runs go on."""
    clock = [0.0]
    with (
        Scheduler(clock=lambda: clock[0]) as scheduler,
        Worker(scheduler, worker_processes=2, ping_interval=0.1, **OPTIONS) as worker,
    ):
        worker.add(Top(3, str(tmp_path), gate="gate"))
        running = Running(worker)
        until(lambda: len(runs(tmp_path)) == 2)
        clock[0] += 1000
        scheduler.prune()
        (tmp_path / "gate").touch()
        assert running.end() is True
    assert runs(tmp_path) == ["0", "1", "2"]


def test_a_paused_scheduler_is_waited_for(scheduler: Scheduler, tmp_path: Path) -> None:
    scheduler.pause()
    with Worker(scheduler, **OPTIONS) as worker:
        worker.add(Top(2, str(tmp_path)))
        running = Running(worker)
        until(lambda: scheduler.worker_list() != [])
        assert runs(tmp_path) == []
        scheduler.unpause()
        assert running.end() is True


def test_another_worker_that_does_a_part_is_waited_for_and_credited(
    scheduler: Scheduler, tmp_path: Path
) -> None:
    with (
        Worker(scheduler, worker_id="a", worker_processes=1, **OPTIONS) as one,
        Worker(scheduler, worker_id="b", worker_processes=1, **OPTIONS) as other,
    ):
        for worker in (one, other):
            worker.add(Top(2, str(tmp_path), gate="gate"))
        both = [Running(one), Running(other)]
        until(lambda: len(runs(tmp_path)) == 2)
        (tmp_path / "gate").touch()
        assert [each.end() for each in both] == [True, True]
        counts = [each.result.counts for each in (one, other)]
        assert sum(count["ran"] for count in counts) == 3
        assert all(count["ran"] + count["run_by_others"] == 3 for count in counts)
    assert runs(tmp_path) == ["0", "1"]


def test_a_worker_without_slots_leaves_the_work_to_others(scheduler: Scheduler, tmp_path: Path) -> None:
    with (
        Worker(scheduler, worker_processes=0, **OPTIONS) as asker,
        Worker(scheduler, worker_processes=1, assistant=True, forever=True, **OPTIONS) as server,
    ):
        asker.add(Leaf(1, str(tmp_path)))
        serving = Running(server)
        assert asker.run() is True
        server.stop()
        serving.end()
        assert asker.result.counts["run_by_others"] == 1


def test_the_death_of_another_worker_gives_its_run_to_this_one(tmp_path: Path) -> None:
    """Its tasks are nobody's failure: this worker runs them, and the answer is a plain success."""
    with Scheduler(worker_disconnect_delay=0.5) as scheduler:
        leaf = Leaf(1, str(tmp_path))
        scheduler.add_task(worker="dead", task_id=leaf.task_id)
        assert scheduler.get_work(worker="dead")["task_id"] == leaf.task_id
        with Worker(scheduler, **OPTIONS) as worker:
            worker.add(leaf)
            assert worker.run() is True
            assert worker.result.status.name == "SUCCESS"
    assert runs(tmp_path) == ["1"]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_failure_and_then_success(keep_alive: bool, scheduler: Scheduler, tmp_path: Path) -> None:
    """With keep_alive the retry is waited for; without it, the answer is False."""
    (tmp_path / "fail").touch()

    def mend(event: Any) -> None:
        if isinstance(event, RunStarted) and len(runs(tmp_path)) >= 1:
            (tmp_path / "fail").unlink(missing_ok=True)

    with Worker(scheduler, observer=mend, keep_alive=keep_alive, **OPTIONS) as worker:
        worker.add(Leaf(1, str(tmp_path)))
        assert worker.run() is keep_alive
        assert worker.result.status.name == ("SUCCESS_WITH_RETRY" if keep_alive else "FAILED")


def test_done_means_done(scheduler: Scheduler, tmp_path: Path) -> None:
    class Forgets(Leaf):
        def run(self) -> None: ...

    class Late(Leaf):
        def run(self) -> None:
            if os.fork() == 0:
                time.sleep(0.3)
                (Path(self.folder) / f"leaf-{self.n}").write_text("done")
                os._exit(0)

    with Worker(scheduler, completion_grace=20, **OPTIONS) as worker:
        worker.add(Late(2, str(tmp_path)))
        assert worker.run() is True
    with Worker(scheduler, check_complete_on_run=False, **OPTIONS) as worker:
        worker.add(Forgets(3, str(tmp_path)))
        assert worker.run() is True, "Luigi's default"
    with Worker(scheduler, **OPTIONS) as worker:
        worker.add(Forgets(1, str(tmp_path)))
        assert worker.run() is False
        [failed] = worker.result.tasks["failed"]
        assert "complete() is still false" in failed.cause


def test_pruning_while_tasks_run_forgets_nothing_that_is_wanted(tmp_path: Path) -> None:
    """What nobody wants goes at once; what this worker wants stays, and its lease is renewed."""
    with (
        Scheduler(remove_delay=0, worker_disconnect_delay=30) as scheduler,
        Worker(scheduler, worker_processes=2, **OPTIONS) as worker,
    ):
        scheduler.add_task(worker="gone", task_id="unwanted", family="Unwanted")
        scheduler.add_task(worker="gone", task_id="unwanted", family="Unwanted", status="DONE")
        worker.add(Top(4, str(tmp_path), gate="gate"))
        running = Running(worker)
        until(lambda: len(runs(tmp_path)) == 2)
        for _ in range(5):
            scheduler.prune()
        assert len([view for view in scheduler.task_list().values() if view["name"] != "Unwanted"]) == 5
        assert len(scheduler.task_list(status="RUNNING")) == 2
        (tmp_path / "gate").touch()
        while running.thread.is_alive():
            scheduler.prune()
            running.thread.join(0.01)
        assert running.end() is True
    assert runs(tmp_path) == ["0", "1", "2", "3"]


def test_what_others_still_run_at_the_end_is_said_to_run(scheduler: Scheduler, tmp_path: Path) -> None:
    """Whoever only waits and is stopped says who has the work, and does not call it forgotten."""
    with (
        Worker(scheduler, worker_processes=0, **OPTIONS) as asker,
        Worker(
            scheduler, worker_id="server", worker_processes=1, assistant=True, forever=True, **OPTIONS
        ) as server,
    ):
        asker.add(Leaf(1, str(tmp_path), gate="gate"))
        serving, asking = Running(server), Running(asker)
        until(lambda: runs(tmp_path) == ["1"])
        asker.stop()
        assert asking.end() is False
        [open_task] = asker.result.tasks["not_run"]
        assert open_task.cause == "server still ran it when this run ended"
        (tmp_path / "gate").touch()
        server.stop()
        serving.end()


def test_a_failure_elsewhere_that_waits_for_its_retry_is_said_to_be_one(tmp_path: Path) -> None:
    """The task is pending again when the submitter looks: it did have its turn."""
    (tmp_path / "fail").touch()
    with (
        Scheduler(retry_delay=0.0) as scheduler,
        Worker(scheduler, worker_processes=0, **OPTIONS) as asker,
    ):
        leaf = Leaf(1, str(tmp_path))
        asker.add(leaf)
        with Worker(scheduler, worker_id="server", assistant=True, **OPTIONS) as server:
            server.run()
        asker.stop()
        assert asker.run() is False
        [open_task] = asker.result.tasks["not_run"]
        assert (
            open_task.cause == "it failed on a worker and waits to be tried again: RuntimeError: told to fail"
        )


@pytest.mark.parametrize(
    "option", [{"count_uniques": True}, {"count_last_scheduled": True}, {"max_keep_alive_idle_duration": 0.1}]
)
def test_keep_alive_ends_where_its_variants_say(option: dict[str, Any], tmp_path: Path) -> None:
    """Another worker wants the failed task, too, and registered it last: it may see to the retry."""
    (tmp_path / "fail").touch()
    with (
        Scheduler(retry_delay=900.0) as scheduler,
        Worker(scheduler, worker_processes=0, **OPTIONS) as other,
        Worker(scheduler, keep_alive=True, **option, **OPTIONS) as worker,
    ):
        leaf = Leaf(1, str(tmp_path))
        worker.add(leaf)
        other.add(leaf)
        assert worker.run() is False
        assert worker.result.status.name == "FAILED"
    assert runs(tmp_path) == ["1"]


def test_count_last_scheduled_waits_for_what_was_registered_here_last(tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    with (
        Scheduler(retry_delay=900.0) as scheduler,
        Worker(scheduler, worker_processes=0, **OPTIONS) as other,
        Worker(scheduler, keep_alive=True, count_last_scheduled=True, **OPTIONS) as worker,
    ):
        leaf = Leaf(1, str(tmp_path))
        other.add(leaf)
        worker.add(leaf)
        running = Running(worker)
        until(lambda: list(scheduler.task_list(status="FAILED")) != [])
        (tmp_path / "fail").unlink()
        scheduler.forgive_failures(task_id=leaf.task_id)
        assert running.end() is True
    assert runs(tmp_path) == ["1", "1"]
