"""Programs and command lines of Luigi's users, run as they are: `actorsched luigi` stands in front."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import luigi
import luigi.cmdline
import pytest

import actorsched.luigi
from actorsched.errors import ConfigError
from tests.acceptance.commands import background, environment, scheduler_node, until

HERE = Path(__file__).parent
PIPELINES = HERE / "pipelines"
PROGRAM = str(PIPELINES / "program.py")
TIMEOUT_S = 90
QUIET = ("--log-level", "ERROR")


def call(folder: Path, *command: object, **env: str) -> tuple[int, str, list[str]]:
    """Run it in a folder; returns exit code, standard output, and what was noted, in any order."""
    folder.mkdir(exist_ok=True)
    (folder / "more.cfg").write_text("[Uses]\nrate = 77\n")
    with tempfile.TemporaryDirectory(prefix="as-") as own:  # Luigi's RunAnywayTarget is by process id there
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=folder,
            env=environment(folder) | {"PYTHONPATH": str(PIPELINES), "TMPDIR": own} | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    story = folder / "story"
    assert "this is a bug" not in done.stderr, done.stderr
    return done.returncode, done.stdout, sorted(story.read_text().splitlines()) if story.exists() else []


OURS = ("-m", "actorsched", "luigi")
CFG = {"LUIGI_CONFIG_PATH": str(PIPELINES / "luigi.cfg")}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_script_that_calls_build_is_run_as_it_is(tmp_path: Path, workers: int) -> None:
    """Its handlers, its own tasks, its files of settings and what it sets count in children, too."""
    theirs = call(tmp_path / "theirs", PROGRAM, "build", ".", workers, **CFG)
    ours = call(tmp_path / "ours", *OURS, PROGRAM, "build", ".", workers, **CFG)
    assert ours == theirs
    code, printed, story = ours
    assert (code, printed) == (1, "FAILED False\n")
    assert "Inner uses 77.0 100% of the program" in story
    assert "Outer was mourned for no luck" in story


def test_a_script_that_calls_the_command_is_run_as_it_is(tmp_path: Path) -> None:
    """Libraries on top of Luigi do. The exit code is ours where `[retcode]` says nothing."""
    flags = ("main", "Outer", "--folder", ".", "--fails", "--local-scheduler", *QUIET)
    assert call(tmp_path / "ours", *OURS, PROGRAM, *flags, **CFG)[0] == 30
    theirs = call(tmp_path / "theirs", PROGRAM, *flags, "--retcode-task-failed", "7", **CFG)
    assert theirs == call(tmp_path / "as-theirs", *OURS, PROGRAM, *flags, "--retcode-task-failed", "7", **CFG)


def test_a_script_that_calls_run_is_run_as_it_is(tmp_path: Path) -> None:
    """What the command line says of other tasks counts in children, too."""
    flags = (
        "run",
        "Outer",
        "--folder",
        ".",
        "--local-scheduler",
        "--workers",
        "2",
        "--Uses-rate",
        "9",
        *QUIET,
    )
    theirs = call(tmp_path / "theirs", PROGRAM, *flags, **CFG)
    ours = call(tmp_path / "ours", *OURS, PROGRAM, *flags, **CFG)
    assert ours == theirs
    assert "Inner uses 9.0 100% of the program" in ours[2]


def test_a_script_that_comes_to_its_end_with_runs_that_did_not_says_so(tmp_path: Path) -> None:
    """Its exit code is that of its runs, where it says nothing itself; in Luigi it is 0."""
    quiet = ("--folder", ".", "--local-scheduler", *QUIET)
    for task, code in (("Outer", 0), ("Outer --fails", 30), ("Lonely", 20)):
        flags = ("run", *task.split(), *quiet)
        theirs = call(tmp_path / f"theirs {task}", PROGRAM, *flags, **CFG)
        ours = call(tmp_path / f"ours {task}", *OURS, PROGRAM, *flags, **CFG)
        assert (theirs[0], ours[0]) == (0, code)
        if task != "Lonely":  # there Luigi returns True, which is documented
            assert ours[1:] == theirs[1:]


def test_what_a_script_did_again_with_success_counts(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    begin = "import luigi, sys, tools; missing = tools.Given(folder='.'); other = tools.Given(folder='x')\n"
    run = "luigi.build([{}], local_scheduler=True, log_level='ERROR')\n"
    first, again, both = run.format("missing"), run.format("missing"), run.format("missing, other")
    make, last = "missing.output().open('w').close()\n", "sys.exit({})\n"
    (tmp_path / "x").mkdir()
    for text, code in (
        (first, 20),
        (first + make + again, 0),
        (both + make + again, 20),
        (first + make + "tools.Given(folder='x').output().open('w').close()\n" + both, 0),
        (first + last.format("0"), 0),
        (first + last.format("None"), 20),
        (first + last.format("7"), 7),
        (last.format("None"), 0),
    ):
        for folder in (tmp_path, tmp_path / "x"):
            for left in folder.glob("given*"):
                left.unlink()
        script.write_text(begin + text)
        assert call(tmp_path, *OURS, script)[0] == code, text


COMMAND = ("--module", "endings", "--local-scheduler", "--no-lock", *QUIET)


def test_the_command_of_luigi_is_understood(tmp_path: Path) -> None:
    """With a scheduler of ours on the net, as with one in the program."""
    code, _, story = call(
        tmp_path, *OURS, "--module", "tools", "AfterAnyway", "--folder", ".", "--local-scheduler", *QUIET
    )
    assert (code, story) == (0, ["AfterAnyway run", "Anyway run"])
    with scheduler_node(tmp_path) as (url, _):
        flags = ("--folder", ".", "--scheduler-url", url, "--workers", "2", "--no-lock", *QUIET)
        code, _, story = call(tmp_path, *OURS, "--module", "dynamic", "Both", *flags)
        assert code == 0
        assert "Both ('list', ['Yields', 'Leaf']) Leaf" in story


@pytest.mark.parametrize(
    ("task", "usual", "configured"),
    [("FurtherDown", 30, 50), ("NeedsMissing", 20, 40)],
)
def test_the_exit_code_is_true_and_as_configured(
    tmp_path: Path, task: str, usual: int, configured: int
) -> None:
    """`[retcode]` counts; where it says nothing, a failure is one nevertheless. In Luigi it is 0 then."""
    assert call(tmp_path / "a", *OURS, *COMMAND, task, "--folder", ".")[0] == usual
    flags = [
        "--retcode-task-failed",
        "50",
        "--retcode-missing-data",
        "40",
        "--retcode-scheduling-error",
        "60",
    ]
    assert call(tmp_path / "b", *OURS, *COMMAND, *flags, task, "--folder", ".")[0] == configured


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_lets_what_runs_end_and_the_exit_code_is_true(
    tmp_path: Path, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is 0 when all was done nevertheless, and there is a summary."""
    monkeypatch.setenv("PYTHONPATH", str(PIPELINES))
    command = ("luigi", "--module", "endings", "--local-scheduler", "--no-lock", "Patient", "--folder", ".")
    with background(*command, "--workers", workers, cwd=tmp_path) as process:
        until((tmp_path / "story").exists, process)
        process.signal(signal.SIGTERM)
        (tmp_path / "go").touch()
        told = process.ended()
        assert process.wait() == 0, told
    assert "SUCCESS: everything" in told


def test_settings_of_luigi_count(tmp_path: Path) -> None:
    """Of the worker, the scheduler and the logs, in child processes, too; and those that only we have."""
    (tmp_path / "luigi.cfg").write_text(
        "[worker]\nkeep_alive = true\nwait_interval = 0.01\nwait_jitter = 0.0\n"
        "[scheduler]\nretry_delay = 0.01\n[actorsched]\nexecution = process\nlog_console = false\n"
        "[core]\nlogging_conf_file = log.ini\n"
    )
    (tmp_path / "log.ini").write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\n"
        "handlers=file\n[handler_file]\nclass=FileHandler\nargs=('luigi.log',)\n"
    )
    flags = ("--failures", "2", "--folder", ".")
    code, _, story = call(tmp_path, *OURS, *COMMAND, "Retried", *flags)
    assert (code, story) == (0, ["Retried try 1", "Retried try 2", "Retried try 3"])
    assert "this is try 3" in (tmp_path / "luigi.log").read_text()


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    """An unknown setting, a script that is not there, a script that fails, a task that is not there."""
    (tmp_path / "luigi.cfg").write_text("[actorsched]\nexecuton = process\n")
    assert call(tmp_path, *OURS, *COMMAND, "AllOrdered", "--folder", ".")[0] == 2
    (tmp_path / "luigi.cfg").unlink()
    assert call(tmp_path, *OURS, "absent.py")[0] == 2
    assert call(tmp_path, *OURS, "--module", "absent", "Task")[0] == 2
    (tmp_path / "luigi.cfg").write_text("[actorsched]\npatience = 0.1\n")
    nobody = ("--scheduler-url", f"ipc://{tmp_path}/nobody", "--no-lock")
    assert call(tmp_path, *OURS, "--module", "endings", "AllOrdered", "--folder", ".", *nobody)[0] == 69
    (tmp_path / "luigi.cfg").unlink()
    (tmp_path / "fails.py").write_text("raise ValueError('mine')")
    assert call(tmp_path, *OURS, "fails.py")[0] == 1
    assert call(tmp_path, *OURS, *COMMAND, "AllOrderd", "--folder", ".")[0] == 2


class Here(luigi.Task):  # type: ignore[misc]
    folder = luigi.Parameter()

    def output(self) -> Any:
        return luigi.LocalTarget(f"{self.folder}/here")

    def run(self) -> None:
        with self.output().open("w") as stream:
            stream.write(str(os.getpid()))


def test_from_python_build_is_luigi_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker is this process, as in Luigi; the result is one of Luigi's."""
    monkeypatch.chdir(tmp_path)
    quiet = {"local_scheduler": True, "log_level": "ERROR"}
    assert actorsched.luigi.build([Here(folder=str(tmp_path))], **quiet) is True
    assert (tmp_path / "here").read_text() == str(os.getpid())
    result = actorsched.luigi.build([Here(folder=str(tmp_path))], detailed_summary=True, **quiet)
    assert result.status is luigi.LuigiStatusCode.SUCCESS
    assert result.result.counts["already_complete"] == 1
    assert "complete already" in result.summary_text
    with pytest.raises(ConfigError, match=r"worker_scheduler_factory=.*luigi.cfg"):
        actorsched.luigi.build([], worker_scheduler_factory=object(), **quiet)
    luigi.configuration.get_config().set("actorsched", "ignore_factory", "true")
    try:
        assert actorsched.luigi.build([], worker_scheduler_factory=object(), **quiet)
    finally:
        luigi.configuration.get_config().remove_section("actorsched")


def test_install_is_for_good_and_run_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that cannot be changed can be told elsewhere, in sitecustomize for instance."""
    monkeypatch.chdir(tmp_path)
    before = luigi.interface._schedule_and_run
    args = ["Here", "--folder", str(tmp_path), "--no-lock", "--local-scheduler", "--log-level", "ERROR"]
    assert actorsched.luigi.run(args) is True
    assert luigi.interface._schedule_and_run is before
    monkeypatch.setattr(luigi.interface, "_schedule_and_run", before)  # to be undone, as the next ones
    monkeypatch.setattr(luigi.retcodes, "run_with_retcodes", luigi.retcodes.run_with_retcodes)
    monkeypatch.setattr(luigi.cmdline, "run_with_retcodes", luigi.retcodes.run_with_retcodes)
    actorsched.luigi.install()
    result = luigi.build([Here(folder=str(tmp_path))], local_scheduler=True, detailed_summary=True)
    assert result.result.succeeded
