"""`actorsched store` and `history`, as a person runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from actorsched.facade.scheduler import Scheduler


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with a task that failed and then worked, and one that waits."""
    url = f"sqlite:///{tmp_path}/state.db"
    with Scheduler(store=url, record_task_history=True) as scheduler:
        for number in range(3):
            params = {"n": str(number), "key": "s3cret"}
            scheduler.add_task(
                task_id=f"T{number}", worker="w", family="F", params=params, param_visibilities={"key": 2}
            )
        for status, expl in (("DONE", None), ("FAILED", "Traceback\nValueError: no")):
            work = scheduler.get_work(worker="w", host="here")
            scheduler.add_task(
                task_id=work["task_id"], worker="w", status=status, run_id=work["run_id"], expl=expl
            )
    return url


def actorsched(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "actorsched", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if name != "ACTORSCHED_STORE"},
    )
    assert done.returncode == code, done.stderr
    return done


def test_a_store_is_checked_exported_and_imported(url: str, tmp_path: Path) -> None:
    """Into another one, which is then the same."""
    assert "tasks: 1 PENDING, 1 DONE, 1 FAILED" in actorsched("store", "check", "--store", url).stdout
    backup = tmp_path / "backup.jsonl"
    actorsched("store", "export", "--store", url, "--output", str(backup))
    other = f"sqlite:///{tmp_path}/other.db"
    assert "3 tasks are in" in actorsched("store", "import", str(backup), "--store", other).stderr
    found = json.loads(actorsched("store", "check", "--json", "--store", other).stdout)
    assert found["tasks"] == {"PENDING": 1, "DONE": 1, "FAILED": 1}
    assert actorsched("store", "export", "--store", other).stdout == backup.read_text()
    assert "MB now" in actorsched("store", "vacuum", "--store", url).stdout


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A typing error shall not look like an empty store."""
    path = tmp_path / "typo.db"
    for command in ("check", "export", "vacuum"):
        error = actorsched("store", command, "--store", f"sqlite:///{path}", code=69).stderr
        assert "there is no store" in error
    assert "there is no history" in actorsched("history", "--store", f"sqlite:///{path}", code=69).stderr
    assert "expected memory://" in actorsched("store", "check", "--store", "nonsense", code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_the_history_is_shown_and_filtered(url: str) -> None:
    """For people, and for programs; without what is private."""
    shown = actorsched("history", "--store", url).stdout
    assert "FAILED" in shown
    assert "F(key=***, n=1)" in shown
    assert "ValueError: no" in shown
    assert "s3cret" not in shown
    found = json.loads(actorsched("history", "--store", url, "--json").stdout)
    assert [row["outcome"] for row in found["runs"]] == ["FAILED", "DONE"]
    assert found["runs"][0]["error"] == "Traceback\nValueError: no"

    def tasks(*filters: str) -> list[str]:
        output = json.loads(actorsched("history", "--store", url, "--json", *filters).stdout)
        return [row["task_id"] for row in output["runs"]]

    assert tasks("--state", "failed") == ["T1"]
    assert tasks("--param", "n=0") == ["T0"]
    assert tasks("--family", "G") == []
    assert tasks("--since", "1h", "--limit", "1") == ["T1"]
    assert tasks("--until", "1h") == []
    assert "expected 30m, 2h" in actorsched("history", "--store", url, "--since", "soon", code=2).stderr
