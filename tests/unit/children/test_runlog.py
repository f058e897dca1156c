"""The logs of runs: bounded, complete at the end, and silent about tasks that are silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorsched.children.logbook import Follower, read, runs_of, tasks_like
from actorsched.children.runlog import RunLogs, file_name


class Console:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))


def logs_in(folder: Path, size_max: int = 1000, runs_max: int = 3, console: Console | None = None) -> RunLogs:
    return RunLogs(folder, size_max, runs_max, console)


def test_a_run_that_prints_nothing_leaves_no_file(tmp_path: Path) -> None:
    logs_in(tmp_path).open("task", "run", "Task()").close("it failed")
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed_goes_to_a_file_and_by_lines_to_the_console(tmp_path: Path) -> None:
    console = Console()
    log = logs_in(tmp_path, console=console).open("task", "run", "Task()")
    log.write(b"one\ntw")
    log.write(b"o\nthree")
    assert console.lines == [("Task()", "one"), ("Task()", "two")]
    log.close("boom")
    assert console.lines[-1] == ("Task()", "three")
    [run] = runs_of(tmp_path, "task")
    assert b"".join(read(run)) == b"one\ntwo\nthree\nboom\n"


def test_a_run_may_get_its_name_when_its_task_is_loaded() -> None:
    console = Console()
    log = RunLogs(None, 1000, 3, console).open("task", "run", "Task_1_abc")
    log.write(b"imported\n")
    log.rename("Task(n=1)")
    log.write(b"begun\n")
    assert console.lines == [("Task_1_abc", "imported"), ("Task(n=1)", "begun")]


def test_no_run_takes_more_than_its_limit_and_the_end_is_kept(tmp_path: Path) -> None:
    log = logs_in(tmp_path, size_max=1000).open("task", "run", "")
    printed = b"".join(b"%06d\n" % n for n in range(2000))
    for start in range(0, len(printed), 90):
        log.write(printed[start : start + 90])
    log.close()
    assert sum(path.stat().st_size for path in (tmp_path / "task").iterdir()) <= 1000
    [run] = runs_of(tmp_path, "task")
    kept = b"".join(read(run))
    assert len(kept) > 400
    assert printed.endswith(kept)


def test_of_each_task_the_newest_runs_are_kept(tmp_path: Path) -> None:
    logs = logs_in(tmp_path, runs_max=3)
    for number in range(5):
        log = logs.open("task", f"run-{number}", "")
        log.write(b"x\n")
        log.close()
    assert len(runs_of(tmp_path, "task")) == 3
    assert "run-4" in {run.run_id for run in runs_of(tmp_path, "task")}


def test_a_disk_that_takes_nothing_ends_no_run(tmp_path: Path) -> None:
    console = Console()
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    log = logs_in(blocked, console=console).open("task", "run", "T")
    log.write(b"one\n")
    log.write(b"two\n")
    log.close()
    assert [line for _, line in console.lines if "cannot be written" not in line] == ["one", "two"]
    assert sum("cannot be written" in line for _, line in console.lines) == 1


def test_a_console_that_fails_ends_no_run(tmp_path: Path) -> None:
    def broken(name: str, line: str) -> None:
        raise BrokenPipeError

    log = RunLogs(tmp_path, 1000, 3, broken).open("task", "run", "T")
    log.write(b"one\n")
    log.close()
    assert len(runs_of(tmp_path, "task")) == 1


@pytest.mark.parametrize("text", ["../../etc/passwd", "..", "", "a/b", "x" * 400, "Ünïcode(é=1)", ".hidden"])
def test_every_id_makes_a_plain_file_name(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name.encode()) <= 210
    assert "/" not in name
    assert not name.startswith(".")


def test_long_ids_that_differ_at_the_end_have_different_names() -> None:
    assert file_name("x" * 400 + "1") != file_name("x" * 400 + "2")


def test_a_follower_reads_on_when_the_log_begins_anew(tmp_path: Path) -> None:
    log = logs_in(tmp_path, size_max=20).open("task", "run", "")
    log.write(b"aaaaaaa\n")
    [run] = runs_of(tmp_path, "task")
    follower = Follower(run)
    assert follower.more() == b"aaaaaaa\n"
    assert follower.more() == b""
    log.write(b"bbbbbbb\n")
    assert follower.more() == b"bbbbbbb\n"
    follower.close()
    log.close()


def test_tasks_are_found_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    logs = logs_in(tmp_path)
    for task in ("Count_1_aa", "Count_2_bb", "Other_cc"):
        log = logs.open(task, "run", "")
        log.write(b"x")
        log.close()
    assert tasks_like(tmp_path, "Other") == ["Other_cc"]
    assert sorted(tasks_like(tmp_path, "Count")) == ["Count_1_aa", "Count_2_bb"]
    assert tasks_like(tmp_path, "Count_1_aa") == ["Count_1_aa"]
    assert tasks_like(tmp_path / "none", "Count") == []
