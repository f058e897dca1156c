"""A worker node imports what it was told to, and nothing because somebody far away named it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched.children.performing import Performer
from actorsched.children.speech import Job
from actorsched.config import WorkerSettings
from actorsched.errors import TaskLoadError
from actorsched.tasks.allowing import check_module

MODULE = """
import actorsched

class Hello(actorsched.Task):
    def run(self): pass
    def complete(self): return True
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of pipelines on the path, with a folder of installed packages in it."""
    (tmp_path / "allowed_pipeline.py").write_text(MODULE)
    (tmp_path / "allowed_package" / "inside").mkdir(parents=True)
    (tmp_path / "allowed_package" / "__init__.py").write_text("raise SystemExit('imported by a check')")
    installed = tmp_path / "venv" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "installed_pipeline.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("allowed_pipeline", "installed_pipeline"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["allowed_pipeline", "allowed_package", "allowed_package.inside.x"])
def test_a_module_in_an_own_folder_is_allowed(name: str, folder: Path) -> None:
    """And is not imported to find that out."""
    check_module(name, [str(folder)], [])


@pytest.mark.parametrize(
    "name",
    [
        "os", "sys", "subprocess", "this", "http.server", "pytest", "installed_pipeline", "no_such_module",
        "/tmp/evil.py", "../evil", "allowed_pipeline/../evil.py", "", ".", "a..b", "__main__ ", "x y",
    ],
)  # fmt: skip
def test_any_other_module_is_refused(name: str, folder: Path) -> None:
    """Python's own, installed ones, files, and what is no name at all; with the remedy."""
    with pytest.raises(TaskLoadError, match="--allow-module") as caught:
        check_module(name, [str(folder)], [])
    assert repr(name) in str(caught.value)


def test_a_module_can_be_allowed_by_name(folder: Path) -> None:
    """With what is in it, and nothing that only begins like it."""
    check_module("installed_pipeline", [], ["installed_pipeline"])
    check_module("http.server", [], ["http"])
    with pytest.raises(TaskLoadError):
        check_module("https.server", [], ["http"])
    with pytest.raises(TaskLoadError):
        check_module("http", [], ["http.server"])


def test_without_folders_everything_may_be_imported() -> None:
    """In a program of the user's own, names come from the program."""
    check_module("os", None, [])


@pytest.mark.parametrize(
    ("module", "settings", "status"),
    [
        ("allowed_pipeline", {}, "DONE"),
        ("installed_pipeline", {}, "FAILED"),
        ("installed_pipeline", {"allow_module": ("installed_pipeline",)}, "DONE"),
        ("installed_pipeline", {"module_folders": None}, "DONE"),
    ],
)
def test_a_run_that_names_another_module_does_not_begin(
    module: str, settings: dict[str, Any], status: str, folder: Path
) -> None:
    """It is said why, and that another worker may be able to; the module is not imported."""
    known = WorkerSettings(**({"module_folders": (str(folder),)} | settings))
    job = Job(run_id="1", task_id="T", module=module, family="Hello")
    outcome, _ = Performer(known).perform(job, lambda kind, value: None)
    assert outcome.status == status
    if status == "FAILED":
        assert "--allow-module installed_pipeline" in outcome.unloadable
        assert outcome.error.endswith(outcome.unloadable)
        assert module not in sys.modules


def test_a_file_is_never_loaded_for_a_scheduler(tmp_path: Path) -> None:
    """A path is for the person at the keyboard."""
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    job = Job(run_id="1", task_id="T", module=str(tmp_path / "evil.py"), family="Hello")
    outcome, _ = Performer(WorkerSettings()).perform(job, lambda kind, value: None)
    assert outcome.status == "FAILED"
    assert not (tmp_path / "ran").exists()
