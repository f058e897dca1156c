"""The samples on the page about moving from Luigi run."""

from __future__ import annotations

from pathlib import Path

from tests.integration.docs.pages import ROOT, check_links, run_samples

PAGE = ROOT / "docs" / "luigi.md"


def test_the_samples_run(tmp_path: Path) -> None:
    """A page that lies is worse than none."""
    run_samples(PAGE, tmp_path)


def test_the_links_of_the_page_lead_somewhere() -> None:
    """To a heading, or to another page."""
    check_links(PAGE)
