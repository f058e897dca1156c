"""Two schedulers on one store, and a database that goes away."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.integration.store.plant import PATIENCE_S, Plant, Process
from tests.servers.postgres import PostgresServer, lend_server

LEASE_S = 2.0
QUICK = ("--connect-timeout", "1", "--wait-interval", "0.2")


postgres = pytest.fixture(scope="module")(lend_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder}/state.db"
    url: str = request.getfixturevalue("postgres").new_database()
    return url


def stop_between_commits(scheduler: Process, store: str) -> None:
    """SIGSTOP. Within a commit it would keep SQLite's lock, which ends with the process only."""
    while True:
        scheduler.signal(signal.SIGSTOP)
        wait_until_stopped(scheduler)
        if not store.startswith("sqlite"):
            return
        other = sqlite3.connect(store.removeprefix("sqlite:///"), timeout=0.5, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            scheduler.signal(signal.SIGCONT)
        else:
            other.execute("ROLLBACK")
            return
        finally:
            other.close()


def wait_until_stopped(process: Process) -> None:
    """A signal is only sent when it is sent: the threads stop a moment later, each when it gets there."""
    deadline = time.monotonic() + PATIENCE_S
    threads = list(Path(f"/proc/{process.popen.pid}/task").glob("*/stat"))
    while any(thread.read_text().rpartition(")")[2].split()[0] != "T" for thread in threads):
        assert time.monotonic() < deadline, process.tail()
        time.sleep(0.001)


def wait_for_log(process: Process, text: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while text not in process.log.read_text():
        assert time.monotonic() < deadline, process.tail()
        time.sleep(0.02)


@pytest.mark.timeout(300)
def test_a_standby_takes_over_and_fences_off_the_one_before(folder: Path, store: str) -> None:
    """First from one that dies, then from one that was only stopped, and finds its place taken."""
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:6.2f} s  {what}")

    options = ("--store-lease", str(LEASE_S))
    with Plant(folder, store, layers=30, n_schedulers=2) as plant:  # more than is done while we look
        first = plant.start_scheduler(0, *options)
        first.wait_for("scheduler ready")
        second = plant.start_scheduler(1, *options)
        second.wait_for("scheduler standing by")
        tell("the first is ready, the second stands by")
        workers = plant.start_workers(2, 3, *QUICK)
        run = plant.start_run(0.01, *QUICK)
        assert plant.wait_for_marks(40, run)
        tell("40 marks; the first is killed")
        first.kill()
        second.wait_for("scheduler ready")
        tell("the second is the scheduler")
        third = plant.start_scheduler(0, *options)
        third.wait_for("scheduler standing by")
        tell("the first is back, and stands by")
        assert plant.wait_for_marks(len(plant.marks()) + 40, run), plant.story()
        stop_between_commits(second, store)
        stopped_at = len(plant.marks())
        tell("40 marks later; the second is stopped (SIGSTOP)")
        third.wait_for("scheduler ready")
        tell("the first is the scheduler")
        assert plant.wait_for_marks(stopped_at + 40, run) or run.popen.poll() == 0
        tell("40 marks later; the second goes on (SIGCONT)")
        second.signal(signal.SIGCONT)
        wait_for_log(second, "another scheduler has taken the place of this one")
        tell("the second found itself fenced off")
        assert run.wait() == 0, plant.story()
        tell("the pipeline is complete")
        assert [worker.end() for worker in workers] == [0, 0], plant.story()
        plant.check()
        assert (second.end(), third.end()) == (0, 0)


@pytest.mark.timeout(300)
def test_a_database_server_that_goes_away_and_returns_loses_nothing(
    folder: Path, postgres: PostgresServer
) -> None:
    """Until it is back the scheduler answers that it cannot; then it reads its state and goes on."""
    with Plant(folder, postgres.new_database(), layers=6) as plant:
        scheduler = plant.start_scheduler()
        scheduler.wait_for("scheduler ready")
        workers = plant.start_workers(2, 3, *QUICK)
        run = plant.start_run(0.01, *QUICK)
        for n in (30, 90):
            assert plant.wait_for_marks(n, run)
            postgres.stop("immediate")
            wait_for_log(scheduler, "the store is lost")
            postgres.start()
        assert run.wait() == 0, plant.story()
        assert [worker.end() for worker in workers] == [0, 0], plant.story()
        plant.check()
        assert scheduler.end() == 0
