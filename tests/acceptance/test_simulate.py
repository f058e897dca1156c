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
    # without the checker there is nothing to find, and that it is missing may be why
    done = run("simulate", "--replay", "simulation-3.json", "--worker-class", "mine:Mine", cwd=tmp_path)
    assert "simulation-3.json says: Nobody at" in done.stderr
    assert "--checker with which it was found" in done.stderr


def test_a_replay_leaves_its_file_alone(tmp_path: Path) -> None:
    """And names it, instead of another one that says the same."""
    (tmp_path / "mine.py").write_text(PLUGIN, encoding="utf-8")
    run("simulate", *SMALL, "--checker", "mine:Nobody", "--save", "it.json", cwd=tmp_path, code=1)
    before = (tmp_path / "it.json").read_bytes()
    done = run("simulate", "--replay", "it.json", "--checker", "mine:Nobody", cwd=tmp_path, code=1)
    assert "again: actorsched simulate --replay it.json --checker mine:Nobody" in done.stdout
    assert (tmp_path / "it.json").read_bytes() == before
    assert not list(tmp_path.glob("simulation-*.json"))


def test_a_file_of_another_version_is_played_and_named(tmp_path: Path) -> None:
    """And when it says what this version does not know, its version is the explanation."""
    run("simulate", *SMALL, "--save", "it.json", cwd=tmp_path)
    case = json.loads((tmp_path / "it.json").read_text()) | {"version": "0.0.1"}
    (tmp_path / "it.json").write_text(json.dumps(case))
    done = run("simulate", "--replay", "it.json", cwd=tmp_path)
    assert "it.json was written by actorsched 0.0.1, and this is" in done.stderr
    case["options"]["gravity"] = 0.5
    (tmp_path / "it.json").write_text(json.dumps(case))
    done = run("simulate", "--replay", "it.json", cwd=tmp_path, code=2)
    assert "gravity" in done.stderr
    assert "it was written by actorsched 0.0.1" in done.stderr


def test_what_was_found_is_told_even_if_it_cannot_be_written(tmp_path: Path) -> None:
    """It may have taken an hour to find."""
    (tmp_path / "mine.py").write_text(PLUGIN, encoding="utf-8")
    lost = ["--save", "no/such/folder/x.json", "--checker", "mine:Nobody"]
    done = run("simulate", *SMALL, *lost, cwd=tmp_path, code=1)
    assert "FOUND by Nobody at" in done.stdout
    assert "again: the same command with --seed 3" in done.stdout
    assert "no/such/folder/x.json': cannot be written" in done.stderr
    done = run("simulate", *SMALL, "--trace", "no/such/folder/t", cwd=tmp_path, code=2)
    assert "5 of 5 complete" in done.stdout
    assert "no/such/folder/t': cannot be written" in done.stderr


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
