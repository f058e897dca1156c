"""The samples on the page about Python run, in the order of the page, as one program."""

from __future__ import annotations

from pathlib import Path

from tests.integration.docs.pages import ROOT, check_links, run_samples

PAGE = ROOT / "docs" / "python.md"


def test_the_samples_run(tmp_path: Path) -> None:
    """A page that lies is worse than none."""
    run_samples(PAGE, tmp_path)


def test_the_links_of_the_page_lead_somewhere() -> None:
    check_links(PAGE)
