"""The examples of the README, embedded and on nodes: the same bytes, whoever does the work."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.commands import EXAMPLES, environment, run, run_json, scheduler_node, worker_node

#: a census of these is some two hundred tasks; the whole library takes a while
PACKAGES = json.dumps(["asyncio", "email", "json", "multiprocessing", "unittest", "xml"])
CENSUS = [EXAMPLES / "stdlib_census.py", "CensusReport", "--only", PACKAGES, "--out", "out"]
MONTH = [EXAMPLES / "luigi_pipeline.py", "MonthReport", "--month", "2024-02", "--hits", "50", "--out", "out"]


def results(folder: Path) -> dict[str, bytes]:
    """All that a run has left, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "out").rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(("line", "tasks"), [(CENSUS, 100), (MONTH, 60)], ids=["census", "luigi"])
def test_a_pipeline_has_the_same_results_embedded_and_on_nodes(
    line: list[object], tasks: int, tmp_path: Path
) -> None:
    """What a task makes does not depend on where it runs."""
    embedded, nodes = tmp_path / "embedded", tmp_path / "nodes"
    embedded.mkdir()
    nodes.mkdir()
    report = run_json("run", *line, "--workers", "2", cwd=embedded)
    assert report["counts"]["ran"] >= tasks
    with (
        scheduler_node(nodes) as (url, _),
        worker_node(nodes, url, "--path", EXAMPLES) as first,
        worker_node(nodes, url, "--path", EXAMPLES) as second,
    ):
        shared = run_json("run", *line, "--workers", "0", "--scheduler", url, cwd=nodes)
        # fewer than there: what a task asks for while it runs is known only to the node that runs it
        assert tasks <= shared["counts"]["run_by_others"] <= report["counts"]["ran"]
        assert shared["counts"]["ran"] == 0
        assert first.is_alive()
        assert second.is_alive()
    assert results(nodes) == results(embedded)


def test_the_census_has_a_row_for_each_file_and_a_page(tmp_path: Path) -> None:
    run("run", *CENSUS[:3], '["json", "xml"]', "--out", "out", "--workers", "2", cwd=tmp_path)
    with (tmp_path / "out" / "census.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["package"] for row in rows} == {"json", "xml"}
    assert all(int(row["lines"]) >= int(row["code"]) for row in rows)
    (decoder,) = [row for row in rows if row["source"] == "json/decoder.py"]
    assert (int(decoder["classes"]), int(decoder["functions"]) > 3) == (2, True)
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<svg") >= 3
    assert "json" in page


def test_the_luigi_pipeline_has_the_results_that_luigi_gives(tmp_path: Path) -> None:
    """It is an ordinary Luigi pipeline; Luigi itself says what is right."""
    run("run", *MONTH, cwd=tmp_path)
    ours = results(tmp_path)
    theirs = tmp_path / "luigi"
    theirs.mkdir()
    arguments = [*map(str, MONTH[1:]), "--local-scheduler"]
    subprocess.run(
        [sys.executable, "-m", "luigi", "--module", "luigi_pipeline", *arguments],
        cwd=theirs,
        env=environment(tmp_path) | {"PYTHONPATH": str(EXAMPLES)},
        check=True,
        capture_output=True,
        timeout=90,
    )
    assert results(theirs) == ours
