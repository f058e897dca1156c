"""`actorsched bench`, as a person runs it."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.commands import run, run_json


def test_it_measures_all_sides_and_leaves_nothing(tmp_path: Path) -> None:
    """Whether the figures are good is not for a test to say; that they are there is."""
    memory = Path("/dev/shm")
    before = set(memory.glob("actorsched-bench-*"))
    found = run_json("bench", "--tasks", 20, "--slots", 1, cwd=tmp_path)
    sides = {"ProcessPoolExecutor", "actorsched, embedded", "actorsched, through ZeroMQ"}
    assert set(found["ms_a_task"]) == set(found["ratio"]) == sides
    assert found["ratio"]["ProcessPoolExecutor"] == 1
    assert all(spent > 0 for spent in found["ms_a_task"].values())
    assert set(found["get_work_and_report_us"]) == {"1000", "100000"}
    assert set(memory.glob("actorsched-bench-*")) == before


def test_a_number_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    """Before anything is started."""
    done = run("bench", "--slots", 0, cwd=tmp_path, code=2)
    assert "--slots" in done.stderr
