"""The page that describes the protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorsched.rpc import document, envelope
from actorsched.rpc.methods import METHODS

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"


def test_the_page_is_current() -> None:
    """Run `python -m actorsched.rpc.document docs/protocol.md` after a change of a signature."""
    page = PAGE.read_text(encoding="utf-8")
    assert document.replace(page) == page


def test_every_method_and_every_code_is_on_the_page() -> None:
    """Somebody writes a client from it."""
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"#### `{name}`" in page for name in METHODS)
    codes = (
        envelope.PARSE_ERROR,
        envelope.INVALID_REQUEST,
        envelope.METHOD_NOT_FOUND,
        envelope.INVALID_PARAMS,
        envelope.INTERNAL_ERROR,
        envelope.UNAVAILABLE,
        envelope.STALE_REQUEST,
    )
    assert all(f"| {code} |" in page for code in codes)


def test_a_document_without_marks_is_refused() -> None:
    """Rather than overwritten."""
    with pytest.raises(ValueError, match="has no"):
        document.replace("a page about something else")
