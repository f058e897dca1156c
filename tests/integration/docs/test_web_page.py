"""The page about the web shows what there is."""

from __future__ import annotations

import re

from tests.integration.docs.pages import ROOT, check_links

PAGE = ROOT / "docs" / "web.md"


def test_the_links_of_the_page_lead_somewhere() -> None:
    """To a heading, to another page, or to a picture."""
    check_links(PAGE)


def test_the_metrics_on_the_page_are_those_that_there_are() -> None:
    """And no other."""
    source = (ROOT / "actorsched" / "web" / "metrics.py").read_text(encoding="utf-8")
    written = set(re.findall(r'"actorsched_(\w+)"', source)) | {"resource_total", "resource_used"}
    assert set(re.findall(r"`actorsched_(\w+)(?:\{\w+\})?`", PAGE.read_text(encoding="utf-8"))) == written
