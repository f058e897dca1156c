"""One seed is one run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from actorsched.errors import ConfigError
from actorsched.simulation.case import read_case, write_case
from actorsched.simulation.options import FIRST_FULL, options_of
from actorsched.simulation.simulation import Simulation

TRACE = """
import sys
from actorsched.simulation.options import options_of
from actorsched.simulation.simulation import Simulation
simulation = Simulation(options_of(int(sys.argv[1])), keep=None)
report = simulation.run()
sys.stdout.write(simulation.trace.text())
sys.stdout.write(f"{report.digest} {report.steps}\\n")
"""


def trace_of(seed: int, hash_seed: str) -> bytes:
    command = [sys.executable, "-c", TRACE, str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=100).stdout


@pytest.mark.parametrize("seed", [3, 93, 151, FIRST_FULL + 1])
def test_the_same_seed_gives_the_same_trace_in_each_process(seed: int) -> None:
    """Without that no failure can be replayed; sets and ids of objects differ between the two."""
    first, second = trace_of(seed, "0"), trace_of(seed, "4711")
    assert first.count(b"\n") > 100
    assert first == second


def test_another_seed_gives_another_trace() -> None:
    """The comparison above compares something."""
    assert trace_of(3, "0") != trace_of(4, "0")


def test_a_case_that_was_written_down_plays_as_it_did(tmp_path: Path) -> None:
    """A finding travels as a file, to people who have no seed of ours."""
    report = Simulation(options_of(3)).run()
    write_case(report.case, tmp_path / "case.json")
    again = Simulation.of(read_case(tmp_path / "case.json")).run()
    assert (again.digest, again.steps) == (report.digest, report.steps)


def test_a_file_that_is_no_case_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    for text in (None, "no JSON", '{"options": {"seed": "three"}}'):
        if text is not None:
            file.write_text(text)
        with pytest.raises(ConfigError, match=r"case\.json"):
            read_case(file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plans": [{"name": "a"}, {"name": "a"}]}, "two plans that are called 'a'"),
        ({"plans": [{"name": "a", "deps": ["b"]}]}, "plan 'a' needs 'b', which is no plan before it"),
        ({"plans": [{"name": "a", "endings": []}]}, "say how its runs end"),
        ({"plans": [{"name": "a", "duration_s": -1}]}, "duration_s=-1"),
        (
            {"plans": [{"name": "a"}], "submissions": {"w1": ["b"]}},
            "'w1' submits 'b', which is no plan; plans: a",
        ),
        ({"submissions": {"scheduler": []}}, "'scheduler' submits nothing"),
        ({"faults": [{"at_s": -1, "kind": "crash", "node": "w1"}]}, "at_s and for_s are seconds from 0 up"),
    ],
)
def test_a_file_that_cannot_be_played_says_why(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """People edit them; a slip of the pen is no finding."""
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"options": {"seed": 1}} | change))
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_case(file)
