"""`actorsched logs --follow` as a person sees it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.acceptance.commands import TROUBLE, background, run, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TROUBLE, tmp_path / "trouble.py")
    return tmp_path


def logs_of(folder: Path) -> list[Path]:
    return list((folder / "state").rglob("*.log"))


def test_following_a_run_ends_with_the_run(folder: Path) -> None:
    with background("run", "trouble.py", "Speaker", cwd=folder) as process:
        until(lambda: logs_of(folder), process)
        with background("logs", "Speaker", "--follow", cwd=folder) as follower:
            assert follower.line() == "it begins"
            (folder / "out").mkdir(exist_ok=True)
            (folder / "out" / "open").touch()
            assert follower.line() == "it ends"
            assert follower.wait() == 0, follower.ended()
            assert follower.ended() == ""
        assert process.wait() == 0, process.ended()
    assert run("logs", "Speaker", "--follow", cwd=folder).stdout == "it begins\nit ends\n"
    assert run("logs", "Speaker(name=fine, out=out)", cwd=folder).stdout == "it begins\nit ends\n"
    assert "neither its id nor its name" in run("logs", "Speaker(n=1)", cwd=folder, code=1).stderr


def test_following_ends_with_a_worker_that_is_killed(folder: Path) -> None:
    """Nobody is left to say that the run is over."""
    with background("run", "trouble.py", "Speaker", cwd=folder) as process:
        until(lambda: logs_of(folder), process)
        with background("logs", "Speaker", "--follow", cwd=folder) as follower:
            assert follower.line() == "it begins"
            process.signal(signal.SIGKILL)
            assert follower.wait() == 0, follower.ended()


def test_a_run_has_no_later_runs(folder: Path) -> None:
    run("run", "trouble.py", "Fine", cwd=folder)
    done = run("logs", "Fine", "--later-runs", "--run", "x", cwd=folder, code=2)
    assert "contradict" in done.stderr
