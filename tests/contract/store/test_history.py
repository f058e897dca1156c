"""The history, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched.actors.history_writer import Backlog, HistoryWriter, RunsEnded, _PruneTime, _WriteTime
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.core.rows import RunRow
from actorsched.errors import StoreError
from actorsched.facade.scheduler import Scheduler
from actorsched.store.history import History, history_url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    found: str = request.getfixturevalue("postgres").new_database()
    return found


@pytest.fixture
def history(url: str) -> Iterator[History]:
    history = History(url)
    history.open()
    yield history
    history.close()


def run(number: int, **fields: Any) -> RunRow:
    known: dict[str, Any] = {
        "task_id": f"T_{number}", "family": "F", "params": {"n": str(number)}, "run_id": f"e-{number}",
        "worker": "w", "host": "h", "started": 100.0 + number, "ended": 110.0 + number, "outcome": "DONE",
    }  # fmt: skip
    return RunRow(**{**known, **fields})


def found(history: History, **filters: Any) -> list[str]:
    return [row["task_id"] for row in history.find(**filters)]


def test_runs_are_found_the_latest_first(history: History) -> None:
    """With all that is known of them."""
    history.add([run(1), run(2, error="half \ud800 and \0", outcome="FAILED", retries=1)])
    rows = list(history.find())
    assert [row["task_id"] for row in rows] == ["T_2", "T_1"]
    assert rows[1] == {
        "task_id": "T_1", "family": "F", "params": {"n": "1"}, "run_id": "e-1", "worker": "w", "host": "h",
        "started": 101.0, "ended": 111.0, "outcome": "DONE", "error": None, "retries": 0, "duration": 10.0,
    }  # fmt: skip
    assert rows[0]["error"] == "half \\ud800 and \\0"


def test_filters_narrow_the_runs_down(history: History) -> None:
    """Each by itself, and together."""
    history.add([run(1), run(2, family="G"), run(3, outcome="FAILED"), run(4, params={"n": "1", "x": 2})])
    assert found(history, family="G") == ["T_2"]
    assert found(history, outcomes=["FAILED", "LOST"]) == ["T_3"]
    assert found(history, params={"n": "1"}) == ["T_4", "T_1"]
    assert found(history, params={"n": "1", "x": "2"}) == ["T_4"]
    assert found(history, task="T_3") == ["T_3"]
    assert found(history, task="T%") == []
    assert found(history, since=112.0, until=113.0) == ["T_3", "T_2"]
    assert found(history, limit=2) == ["T_4", "T_3"]
    assert found(history, params={"n": "1"}, limit=1) == ["T_4"]


def test_old_and_surplus_runs_are_pruned(history: History) -> None:
    """In pieces, so that nobody waits long."""
    history.add([run(number) for number in range(5_000)])
    while history.prune(110.0 + 1_000, None):
        pass
    assert len(found(history)) == 4_000
    while history.prune(None, 10):
        pass
    assert found(history) == [f"T_{number}" for number in range(4_999, 4_989, -1)]


def test_the_writer_prunes_in_the_background(url: str) -> None:
    """By age and by number, from its own inbox; whoever reports waits for none of it."""
    backlog, now = Backlog(), 1_000_000.0
    runtime = Runtime(clock=CallableClock(lambda: now), ticking=False)
    writer = HistoryWriter.start(url, 3_600.0, 4, backlog, runtime)
    ages_s = [9_000, 8_000, 3_000, 2_000, 1_000, 500, 100]
    runs = tuple(run(number, ended=now - age_s) for number, age_s in enumerate(ages_s))
    assert backlog.offer(len(runs))
    writer.tell(RunsEnded(runs))
    writer.tell(_WriteTime())
    writer.tell(_PruneTime())
    writer.stop()
    history = History(url)
    history.open(create=False)
    assert found(history) == ["T_6", "T_5", "T_4", "T_3"]
    history.close()


def test_a_damaged_history_stops_no_scheduler_and_says_what_to_do(tmp_path: Path) -> None:
    """Runs are missing from it, and nothing else is."""
    path = tmp_path / "state-history.db"
    path.write_bytes(b"no database " * 1000)
    url = f"sqlite:///{tmp_path}/state.db"
    for task in ("a", "b"):
        with Scheduler(store=url, record_task_history=True) as scheduler:
            scheduler.add_task(task_id=task, worker="w", family="F")
            work = scheduler.get_work(worker="w", host="h")
            scheduler.add_task(task_id=task, worker="w", status="DONE", run_id=work["run_id"])
        history = History(url)
        if task == "a":
            with pytest.raises(StoreError, match=rf"the history is damaged: .*; move {path} away"):
                history.open(create=False)
            path.rename(tmp_path / "away")
        else:
            history.open(create=False)
            assert found(history) == ["b"]
            history.close()
    with Scheduler(store=url) as scheduler:
        assert list(scheduler.task_list(status="DONE")) == ["a", "b"]


def test_a_newer_history_is_refused(history: History, url: str) -> None:
    """With both versions."""
    import sqlalchemy as sa

    engine = sa.create_engine(history_url(url)[1], poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE actorsched_history SET version = 99"))
    with pytest.raises(StoreError, match=r"version 99.*up to 1"):
        History(url).open()


def test_a_run_that_could_not_be_reported_at_once_took_no_longer(url: str) -> None:
    """The scheduler may have been away for as long as it likes."""
    wall = [1_000_000.0]
    with Scheduler(store=url, record_task_history=True, clock=lambda: wall[0]) as scheduler:
        scheduler.add_task(task_id="a", worker="w", family="F")
        work = scheduler.get_work(worker="w", host="h")
    wall[0] += 600.0
    report = {"task_id": "a", "worker": "w", "status": "DONE", "run_id": work["run_id"]}
    with Scheduler(store=url, record_task_history=True, clock=lambda: wall[0]) as scheduler:
        scheduler.add_task(**report, took_s=5.0, held_s=6.0)
    history = History(url)
    history.open(create=False)
    [row] = history.find()
    assert (row["duration"], row["ended"]) == (5.0, 1_000_006.0)
    history.close()


def test_a_scheduler_writes_one_row_for_each_run(url: str) -> None:
    """With what is private masked, and how each run ended."""
    with Scheduler(store=url, record_task_history=True, retry_delay=0) as scheduler:
        params = {"day": "1", "password": "secret"}
        scheduler.add_task(
            task_id="a", worker="w", family="F", params=params, param_visibilities={"password": 2}
        )
        for status in ("FAILED", "DONE"):
            scheduler.forgive_failures("a")
            work = scheduler.get_work(worker="w", host="h")
            expl = "boom" if status == "FAILED" else None
            scheduler.add_task(task_id="a", worker="w", status=status, run_id=work["run_id"], expl=expl)
        assert scheduler.has_task_history()
    history = History(url)
    history.open(create=False)
    done, failed = history.find()
    history.close()
    assert (failed["outcome"], failed["error"], failed["retries"]) == ("FAILED", "boom", 0)
    assert (done["outcome"], done["error"], done["retries"]) == ("DONE", None, 1)
    assert done["params"] == {"day": "1", "password": "***"}
    assert (done["worker"], done["host"], done["family"]) == ("w", "h", "F")
    assert done["duration"] >= 0
