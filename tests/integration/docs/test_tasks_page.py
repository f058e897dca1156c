"""The samples on the page about tasks run, in the order of the page, as one program."""

from __future__ import annotations

from pathlib import Path

from tests.integration.docs.pages import ROOT, check_links, program, run_samples

PAGE = ROOT / "docs" / "tasks.md"


def test_the_samples_run(tmp_path: Path) -> None:
    """A page that lies is worse than none."""
    assert program(PAGE.read_text(encoding="utf-8")).count("assert ") > 20
    run_samples(PAGE, tmp_path)


def test_the_links_of_the_page_lead_somewhere() -> None:
    """To a heading, or to another page."""
    check_links(PAGE)
