"""`actorsched simulate`, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.commands import run, run_json

#: what a user may plug in
PLUGIN = '''
from actorsched.actors.worker import WorkerActor
from actorsched.simulation import Checker


class Nobody(Checker):
    """Finds the very first run."""

    def run_started(self, attempt):
        self.fail(f"{attempt} began, and nothing should")


class Mine(WorkerActor):
    pass
'''
SMALL = ["--seed", 3, "--calm", "--tasks", 5, "--workers", 2, "--drop", 0.05, "--hostile-s", 60]


def test_a_seed_is_a_run_and_says_what_it_was(tmp_path: Path) -> None:
    """Options first, then what came of it; the same again gives the same."""
    done = run("simulate", *SMALL, cwd=tmp_path)
    assert done.stdout.startswith("seed=3 hostile_s=60.0 workers=2 tasks=5 drop=0.05\n")
    assert "5 of 5 complete" in done.stdout
    assert "nothing found" in done.stdout
    (first,) = run_json("simulate", *SMALL, cwd=tmp_path)["simulations"]
    (second,) = run_json("simulate", *SMALL, "--save", "it.json", cwd=tmp_path)["simulations"]
    replayed = run_json("simulate", "--replay", "it.json", cwd=tmp_path)["simulations"][0]
    assert first["digest"] == second["digest"] == replayed["digest"]
    assert first["events"]["sent"] > 0


def test_what_is_found_is_told_shrunk_and_played_again(tmp_path: Path) -> None:
    """With classes of the user's own, by exit code 1."""
    (tmp_path / "mine.py").write_text(PLUGIN, encoding="utf-8")
    plugins = ["--worker-class", "mine:Mine", "--checker", "mine:Nobody"]
    done = run("simulate", *SMALL, *plugins, "--shrink", 20, cwd=tmp_path, code=1)
    assert "FOUND by Nobody at" in done.stdout
    assert "1 of 5 tasks, 0 of 0 faults" in done.stdout
    assert f"again: actorsched simulate --replay simulation-3.json {' '.join(plugins)}" in done.stdout
    case = json.loads((tmp_path / "simulation-3.json").read_text())
    assert len(case["plans"]) == 1
    found = run_json("simulate", "--replay", "simulation-3.json", *plugins, cwd=tmp_path, code=1)
    assert found["simulations"][0]["findings"][0]["checker"] == "Nobody"
    # without the checker there is nothing to find
    run("simulate", "--replay", "simulation-3.json", "--worker-class", "mine:Mine", cwd=tmp_path)


def test_many_seeds_are_counted(tmp_path: Path) -> None:
    done = run("simulate", *SMALL, "--seeds", 3, cwd=tmp_path)
    assert done.stdout.startswith("3 seeds, 0 with a finding, ")


def test_without_the_extra_the_remedy_is_told(tmp_path: Path) -> None:
    """One message, for either of the two packages."""
    for name in ("greenlet", "hypothesis"):
        folder = tmp_path / f"without_{name}"
        folder.mkdir()
        (folder / f"{name}.py").write_text(
            f"raise ModuleNotFoundError('no {name}', name='{name}')", encoding="utf-8"
        )
        done = run("simulate", cwd=tmp_path, code=2, PYTHONPATH=str(folder))
        assert (
            f"needs {name}, which is not installed; say: pip install 'actorsched[simulation]'" in done.stderr
        )
