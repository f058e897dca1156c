"""The table of guarantees names tests that exist, and counts them right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.children.deeds import ENDINGS, ENDLESS
from tests.integration.children.test_endings import METHODS
from tests.integration.children.test_matrix import TROUBLES
from tests.integration.docs.pages import ROOT, check_links

PAGE = ROOT / "docs" / "worker.md"
HERE = "tests/integration/children"


def named() -> list[str]:
    """The tests that stand in the right column of the table."""
    rows = PAGE.read_text(encoding="utf-8").partition("| guarantee | test |")[2].split("\n\n")[0]
    return [test for row in rows.splitlines()[2:] for test in re.findall(r"`([^`]+)`", row.split("|")[2])]


def defines(path: Path, function: str) -> bool:
    return f"def {function}(" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("test", named())
def test_each_guarantee_names_a_test_that_exists(test: str) -> None:
    """A renamed test would leave its guarantee without a proof."""
    path, _, function = test.rpartition("::")
    if function.endswith(".py"):
        file = ROOT / function if "/" in function else ROOT / HERE / function
        assert file.exists()
    elif path:
        assert defines(ROOT / path, function)
    else:
        assert any(defines(file, function) for file in (ROOT / HERE).glob("test_*.py"))


def test_the_counts_are_those_of_the_tests() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"`test_matrix.py` ({len(TROUBLES)} × 2)" in text
    assert f"({len(ENDINGS)} endings × {len(METHODS)})" in text
    assert f"({len(ENDLESS)} × 2 × {len(METHODS)})" in text


def test_the_links_of_the_page_lead_somewhere() -> None:
    """To a heading, or to another page."""
    check_links(PAGE)
