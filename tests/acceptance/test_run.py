"""`actorsched run` as a person uses it: parameters, output, exit codes, signals, a terminal."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.commands import TIMEOUT_S, TROUBLE, argv, background, environment, run, run_json, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TROUBLE, tmp_path / "trouble.py")
    return tmp_path


def test_the_help_shows_the_parameters_of_the_task(folder: Path) -> None:
    """Nobody has to open the file to learn what a task takes."""
    text = run("run", "trouble.py", "Typed", "--help", cwd=folder).stdout
    assert "Usage: actorsched run trouble.py Typed [OPTIONS]" in text
    assert "A task with parameters of several types." in text
    assert "--day date" in text
    assert "[default: 2026-11-24]" in text
    assert "--deep / --no-deep" in text
    assert "--workers" in text


def test_a_run_says_what_ran_and_the_next_what_was_complete(folder: Path) -> None:
    line = ["run", "trouble.py", "Typed", "--day", "2026-01-02", "--top", "7", "--deep"]
    first = run(*line, cwd=folder).stdout
    assert first.startswith("SUCCESS: ")
    assert "2 ran" in first
    second = run(*line, cwd=folder).stdout
    assert "1 complete already" in second
    assert " ran" not in second


def test_json_is_all_that_is_on_standard_output(folder: Path) -> None:
    """What tasks print goes to standard error then, or no program could read the report."""
    done = run("run", "trouble.py", "Typed", "--json", "--name", "n", cwd=folder)
    assert "speaks" not in done.stdout
    assert "Typed n speaks" in done.stderr
    report = run_json("run", "trouble.py", "Typed", "--name", "n", cwd=folder)
    assert report["succeeded"] is True
    assert report["counts"]["already_complete"] == 1


def test_tasks_can_run_in_the_process_itself(folder: Path) -> None:
    assert run_json("run", "trouble.py", "Typed", "--inline", cwd=folder)["counts"]["ran"] == 2


def test_a_module_is_found_by_its_name(folder: Path) -> None:
    assert run_json("run", "trouble", "Fine", cwd=folder)["counts"]["ran"] == 1


def test_settings_come_from_flags_environment_file_and_defaults_in_this_order(folder: Path) -> None:
    """A run that may take no time at all fails, so the setting that was used shows in the exit code."""
    slow = ["run", "trouble.py", "Gate", "--kill-grace", "0"]
    (folder / "actorsched.toml").write_text("[run]\ntimeout = 0.1\n")
    assert "timed out after 0.1 s" in run(*slow, cwd=folder, code=30).stdout
    (folder / "out").mkdir(exist_ok=True)
    (folder / "out" / "open").touch()
    run(*slow, cwd=folder, ACTORSCHED_TIMEOUT="60")
    run(*slow, "--name", "another", "--timeout", "60", cwd=folder, ACTORSCHED_TIMEOUT="0.001")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_runs_finish_and_starts_nothing_more(number: signal.Signals, folder: Path) -> None:
    """The exit code tells the signal, because not everything that was asked for is complete."""
    with background("run", "trouble.py", "Gates", cwd=folder) as process:
        until(lambda: list(folder.glob("out/waiting-*")), process)
        process.signal(number)
        until(lambda: any("stopping" in line for line in process.errors), process)
        (folder / "out" / "open").touch()
        text = process.ended()
        assert process.wait() == 128 + number, text
    assert "NOT_RUN" in text
    assert "1 ran" in text
    assert "6 not run" in text


def test_the_summary_says_what_was_given_back_at_the_deadline(folder: Path) -> None:
    """It has not failed, and nobody needs to look for the reason."""
    line = ["run", "trouble.py", "Gates", "--drain-timeout", "0", "--kill-grace", "0"]
    with background(*line, cwd=folder) as process:
        until(lambda: list(folder.glob("out/waiting-*")), process)
        process.signal(signal.SIGTERM)
        text = process.ended()
        assert process.wait() == 128 + signal.SIGTERM, text
    assert "NOT_RUN" in text
    assert "7 not run" in text
    assert "failed" not in text
    assert "Gate(name=0, out=out): the worker was stopped\n" in text
    assert "Gate(name=1, out=out): it did not come to its turn before the run ended\n" in text


def test_a_second_signal_ends_what_runs_at_once(folder: Path) -> None:
    with background(
        "run", "trouble.py", "Gates", "--workers", "2", "--kill-grace", "0", cwd=folder
    ) as process:
        until(lambda: len(list(folder.glob("out/waiting-*"))) == 2, process)
        process.signal(signal.SIGTERM)
        until(lambda: any("stopping" in line for line in process.errors), process)
        process.signal(signal.SIGTERM)
        text = process.ended()
        assert process.wait() == 128 + signal.SIGTERM, text
    for path in folder.glob("out/waiting-*"):  # its name ends with the process id
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name.rpartition("-")[2]), 0)


def test_sigusr1_takes_no_more_work_and_lets_what_runs_finish(folder: Path) -> None:
    with background("run", "trouble.py", "Gates", "--drain-timeout", "0", cwd=folder) as process:
        until(lambda: list(folder.glob("out/waiting-*")), process)
        process.signal(signal.SIGUSR1)
        until(lambda: any("no more work" in line for line in process.errors), process)
        (folder / "out" / "open").touch()
        text = process.ended()
        assert process.wait() == 25, text
    assert "1 ran" in text


def test_a_terminal_gets_a_live_display_and_what_tasks_print(folder: Path) -> None:
    """The display is redrawn in place; a line that a task prints stands above it, whole."""
    ours, theirs = pty.openpty()
    (folder / "out").mkdir()
    (folder / "out" / "open").touch()
    process = subprocess.Popen(
        argv("run", "trouble.py", "Gates", "--workers", "2"),
        cwd=folder,
        env=environment(folder) | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], TIMEOUT_S)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # how Linux tells that the other side is gone
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    assert process.wait(TIMEOUT_S) == 0
    text = seen.decode()
    assert "Gates" in text
    assert " done" in text
    assert "\x1b[" in text
    assert all(f"Gate {number} speaks\r\n" in text for number in range(6))
    assert "SUCCESS" in text
    assert "7 ran" in text
