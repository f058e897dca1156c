"""Pipelines as Luigi's users write them, run by Luigi and by us: what comes of them is the same.

The pipelines (`pipelines/`) hold no word of ours; `scenarios.py` says what is wanted of them, `side.py` runs
all with one engine. What is compared: status, what the caller is told, what became of each task, everything
that tasks and handlers of events noted, and what is left on the disk. Where one of these differs, and why,
stands in DIFFERENCES and in docs/luigi.md. The order of equal tasks is chance in Luigi: it is not compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commands import scheduler_node, worker_node

HERE = Path(__file__).parent
PIPELINES = HERE / "pipelines"
TIMEOUT_S = 100

TRUE = "True and exit code 0 mean that all is complete; in Luigi, that nothing has failed, now or before"
CHECKED = "a run that leaves its task incomplete has failed"
WAITS = "Luigi counts a task that waits for what it has found while running as external and missing"
WORDS = "Luigi says NOT_RUN where somebody waits for what is missing"
#: scenario → what is not the same, and why
DIFFERENCES: dict[str, tuple[set[str], str]] = {
    "half the outputs": ({"status", "good", "fates"}, CHECKED),
    "external by hand, missing": ({"status", "good"}, f"{WORDS}; {TRUE}"),
    "finds a failing one": ({"fates"}, WAITS),
    "finds a missing one": ({"status", "good", "fates"}, f"{WAITS}; {WORDS}; {TRUE}"),
    "missing": ({"good"}, TRUE),
    "disabled": ({"good", "fates"}, f"Luigi does not count a disabled task at all; {TRUE}"),
    "retried": ({"good"}, TRUE),
    "watched while found": ({"good"}, TRUE),
}
#: of each kind something, for the ways that take longer
IN_CHILDREN = (
    "decorators", "state", "clinging", "flow", "yields nested", "a failure, twice", "half written", "retried",
    "watched failure", "resources",
)  # fmt: skip
ON_NODES = (
    "many outputs", "decorators", "diamond", "yields nested", "yields one after the other",
    "yields own check", "finds a failing one", "static and dynamic", "a failure upstream", "missing",
    "rows", "formats", "configured", "resources", "namespaces", "sick output", "ranges", "no values",
)  # fmt: skip


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUIGI_CONFIG_PATH", str(PIPELINES / "luigi.cfg"))
    monkeypatch.setenv("PYTHONPATH", str(PIPELINES))


def side(engine: str, folder: Path, url: str = "", names: tuple[str, ...] = ()) -> dict[str, Any]:
    place = folder / engine
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="as-") as own:  # Luigi's RunAnywayTarget is by process id there
        done = subprocess.run(
            [sys.executable, str(HERE / "side.py"), engine, str(place), url, *names],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=os.environ | {"TMPDIR": own},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def luigis(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LUIGI_CONFIG_PATH", str(PIPELINES / "luigi.cfg"))
        return side("luigi", tmp_path_factory.mktemp("oracle"))


def differing(theirs: dict[str, Any], ours: dict[str, Any]) -> set[str]:
    """The aspects in which the two differ."""
    found = {
        aspect
        for one, other in zip(theirs["runs"], ours["runs"], strict=True)
        for aspect in ("status", "good", "fates")
        if one[aspect] != other[aspect]
    }
    if Counter(theirs["story"]) != Counter(ours["story"]):
        found.add("story")
    if theirs["left"] != ours["left"]:
        found.add("left")
    return found


def compare(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert ours
    wrong = []
    for name, told in ours.items():
        expected, _why = DIFFERENCES.get(name, (set(), ""))
        found = differing(theirs[name], told)
        if found != expected:
            wrong.append(f"{name}: {found} and not {expected}\n  Luigi: {theirs[name]}\n  ours: {told}")
    assert not wrong, "\n".join(wrong)


def test_in_one_process_all_comes_out_as_with_luigi(luigis: dict[str, Any], tmp_path: Path) -> None:
    """All scenarios, in the thread of the caller: that is how Luigi runs with one worker."""
    ours = side("inline", tmp_path)
    assert set(ours) == set(luigis)
    assert set(DIFFERENCES) <= set(ours)
    compare(luigis, ours)
    order = [line for line in ours["priorities"]["story"] if line not in ("Ordered 3", "Ordered 4")]
    assert order == ["Ordered 2", "Ordered 1", "Ordered 5"]
    assert ours["priorities flow"]["story"][0] == "Ordered 5"


def test_in_child_processes_all_comes_out_as_with_luigi(luigis: dict[str, Any], tmp_path: Path) -> None:
    """Two slots."""
    compare(luigis, side("two", tmp_path, names=IN_CHILDREN))


def test_on_nodes_all_comes_out_as_with_luigi(luigis: dict[str, Any], tmp_path: Path) -> None:
    """Registered here, and made again by name there."""
    place = tmp_path / "nodes"
    place.mkdir()
    with (
        scheduler_node(place, "--resource", "line=1") as (url, _),
        worker_node(place, url, "--slots", "2", "--path", PIPELINES),
    ):
        ours = side("nodes", tmp_path, url, ON_NODES)
    for name, told in ours.items():  # what a task has found while it ran, the nodes know
        for one, other in zip(luigis[name]["runs"], told["runs"], strict=True):
            other["fates"] = one["fates"] | other["fates"]
    compare(luigis, ours)
