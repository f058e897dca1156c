"""What people see of tables and names."""

from __future__ import annotations

import os
import shutil
import sys

import click
import pytest

from actorsched.cli.output import print_table, short_name, took

HEADS = ("STATUS", "TASK", "WHY")
ROWS = [("DONE", "Clean(day=2026-11-24)", ""), ("FAILED", "Rates(day=2026-11-24)", "ConnectionError: 503")]


def printed(
    columns: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    if columns is not None:
        monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    print_table(HEADS, ROWS)
    return click.unstyle(capsys.readouterr().out).splitlines()


def test_a_table_that_fits_or_goes_to_a_program_has_one_line_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(None, monkeypatch, capsys)
    assert lines == [
        "STATUS  TASK                   WHY",
        "DONE    Clean(day=2026-11-24)",
        "FAILED  Rates(day=2026-11-24)  ConnectionError: 503",
    ]
    assert printed(60, monkeypatch, capsys) == lines


def test_on_a_narrow_terminal_the_last_column_comes_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what is wrong, and would be the first to be cut."""
    assert printed(40, monkeypatch, capsys) == [
        "STATUS  TASK",
        "DONE    Clean(day=2026-11-24)",
        "FAILED  Rates(day=2026-11-24)",
        "    └ ConnectionError: 503",
    ]
    assert printed(20, monkeypatch, capsys)[2:] == ["FAILED  Rates(day=2…", "    └ ConnectionErr…"]


def test_a_worker_id_that_was_made_up_is_short_for_people() -> None:
    assert (
        short_name("Worker(salt=87, workers=2, host=vm, username=root, pid=31, assistant=True)")
        == "vm pid 31"
    )
    assert short_name("ann") == "ann"


def test_quick_things_are_told_exactly() -> None:
    assert [took(seconds) for seconds in (0.034, 1.46, 61.0)] == ["0.03 s", "1.5 s", "1 min 1 s"]
