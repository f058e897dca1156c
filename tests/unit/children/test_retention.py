"""The logs of all runs together are bounded, by size and by age."""

from __future__ import annotations

import os
import time
from pathlib import Path

from actorsched.children.logbook import Follower, runs_of
from actorsched.children.loglock import is_written
from actorsched.children.retention import Retention
from actorsched.children.runlog import RunLogs


def log_file(folder: Path, task: str, run: str, size: int, age_s: float) -> Path:
    path = folder / task / f"{run}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    written_at = time.time() - age_s
    os.utime(path, (written_at, written_at))
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_oldest_go_until_the_rest_is_within_the_limit(tmp_path: Path) -> None:
    for number in range(5):
        log_file(tmp_path, f"task-{number}", "run", 100, age_s=1000 - number)
    Retention(tmp_path, total_max=250, age_max_s=0).look()
    assert names(tmp_path) == ["task-3", "task-3/run.log", "task-4", "task-4/run.log"]


def test_what_is_too_old_goes_however_small_it_is(tmp_path: Path) -> None:
    log_file(tmp_path, "task", "old", 1, age_s=5000)
    log_file(tmp_path, "task", "new", 1, age_s=10)
    (tmp_path / "task" / "notes.txt").write_text("not ours")
    (tmp_path / "file").write_text("not ours either")
    Retention(tmp_path, total_max=0, age_max_s=1000).look()
    assert names(tmp_path) == ["file", "task", "task/new.log", "task/notes.txt"]


def test_a_log_that_is_being_written_stays(tmp_path: Path) -> None:
    log = RunLogs(tmp_path, 1 << 20, 5, None).open("task", "run", "")
    log.write(b"x" * 500)
    [run] = runs_of(tmp_path, "task")
    assert is_written(run.path)
    Retention(tmp_path, total_max=10, age_max_s=0).look()
    assert run.path.exists()
    log.close()
    assert not is_written(run.path)
    Retention(tmp_path, total_max=10, age_max_s=0).look()
    assert names(tmp_path) == []


def test_whoever_writes_much_looks_after_the_folder(tmp_path: Path) -> None:
    """The first look comes with the first output, the next ones with every twentieth of the limit."""
    old = log_file(tmp_path, "before", "run", 10_000, age_s=1000)
    logs = RunLogs(tmp_path, 1 << 20, 100, None, total_max=5000)
    for number in range(100):
        log = logs.open("task", f"run-{number}", "")
        log.write(b"x" * 500)
        log.close()
        logs.close()  # waits for a look that is under way
    assert not old.exists()
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*.log"))
    assert kept <= 5000 + 500
    assert (tmp_path / "task" / "run-99.log").exists()


def test_a_folder_that_was_tidied_away_is_made_again(tmp_path: Path) -> None:
    logs = RunLogs(tmp_path, 1 << 20, 5, None)
    for number in range(3):
        log = logs.open("task", f"run-{number}", "")
        log.write(b"x")
        log.close()
        Retention(tmp_path, total_max=0, age_max_s=-1).look()
        assert names(tmp_path) == []


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    Retention(tmp_path / "none", total_max=1, age_max_s=1).look()


def test_a_follower_notices_the_end_of_the_run(tmp_path: Path) -> None:
    """Also when the log has begun anew in between."""
    log = RunLogs(tmp_path, 20, 5, None).open("task", "run", "")
    log.write(b"aaaaaaa\n")
    [run] = runs_of(tmp_path, "task")
    follower = Follower(run)
    assert not follower.is_over()
    log.write(b"bbbbbbb\n")
    assert not follower.is_over()
    assert follower.more() == b"aaaaaaa\n"
    assert follower.more() == b"bbbbbbb\n"
    assert not follower.is_over()
    log.close("it failed")
    assert follower.is_over()
    assert follower.more() == b"it failed\n"
    follower.close()
