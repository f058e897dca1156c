"""What the README promises: its samples run, its files exist, its first command line works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.docs.pages import ROOT, SAMPLE, TIMEOUT_S, check_links, run_samples

PAGE = ROOT / "README.md"


def test_the_samples_run(tmp_path: Path) -> None:
    run_samples(PAGE, tmp_path)


def test_the_links_of_the_page_lead_somewhere() -> None:
    check_links(PAGE)


def test_the_first_sample_runs_from_the_command_line(tmp_path: Path) -> None:
    """With the very line that stands below it."""
    text = PAGE.read_text(encoding="utf-8")
    first = SAMPLE.search(text)
    line = re.search(r"^    actorsched (run totals.py .*)$", text, re.MULTILINE)
    assert first
    assert line
    (tmp_path / "totals.py").write_text(first[1], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "actorsched", *line[1].split()],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=tmp_path,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "total-2026-11-24.txt").read_text() == str(sum(range(100)))


def test_files_that_commands_name_exist() -> None:
    files = re.findall(r"\b(examples/\w+\.py)\b", PAGE.read_text(encoding="utf-8"))
    assert len(set(files)) == 2
    assert all((ROOT / file).is_file() for file in files)


def test_the_settings_file_is_understood(tmp_path: Path) -> None:
    """The sample, as the commands read it."""
    from actorsched.cli.config_file import defaults_from
    from actorsched.cli.run import run

    (sample,) = re.findall(
        r"^```toml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    file = tmp_path / "actorsched.toml"
    file.write_text(sample, encoding="utf-8")
    assert defaults_from(file, run) == {
        "scheduler": "tcp://127.0.0.1:8081",
        "workers": 4,
        "retry_delay": 60,
    }
