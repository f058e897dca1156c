"""The example that finds a bug in a worker of the user's own, and makes it small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.acceptance.commands import EXAMPLES, environment, run


def test_the_example_finds_its_bug_and_makes_it_small(tmp_path: Path) -> None:
    """What it writes is one task, and plays again from the command line with the same finding."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "simulated_worker.py")],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ExitStatus at ")
    case = json.loads((tmp_path / "forgiving.json").read_text())
    assert len(case["plans"]) == 1
    assert not case["faults"]
    again = ["simulate", "--replay", "forgiving.json"]
    plugged = ["--worker-class", "simulated_worker:ForgivingWorker"]
    found = run(*again, *plugged, cwd=tmp_path, code=1, PYTHONPATH=str(EXAMPLES))
    assert "FOUND by ExitStatus" in found.stdout
    run(*again, cwd=tmp_path)  # the worker that ships has no such bug
