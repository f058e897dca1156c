"""The samples on the page about the simulation run, and its table of options is that of the record."""

from __future__ import annotations

from pathlib import Path

from actorsched.simulation.knobs import table
from actorsched.simulation.options import Options
from tests.integration.docs.pages import ROOT, check_links, run_samples

PAGE = ROOT / "docs" / "simulation.md"


def test_the_samples_run(tmp_path: Path) -> None:
    """A page that lies is worse than none."""
    run_samples(PAGE, tmp_path)


def test_the_links_of_the_page_lead_somewhere() -> None:
    check_links(PAGE)


def test_the_table_of_options_is_that_of_the_record() -> None:
    """Print it anew with `python -c` and `actorsched.simulation.knobs.table`."""
    assert table(Options) in PAGE.read_text(encoding="utf-8")
