"""The one line of a report that says what went wrong."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable

import pytest

from actorsched.tasks.reports import cause_of, reported


def plain() -> None:
    raise ValueError("bad luck")


def several_lines() -> None:
    raise ValueError("first\n  indented\nlast")


def chained() -> None:
    try:
        several_lines()
    except ValueError as error:
        raise RuntimeError("could not\ngo on") from error


def no_message() -> None:
    raise KeyError


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (plain, "ValueError: bad luck"),
        (several_lines, "ValueError: first"),
        (chained, "RuntimeError: could not"),
        (no_message, "KeyError"),
    ],
)
def test_of_a_traceback_it_is_the_error(function: Callable[[], None], told: str) -> None:
    """And not the last line of its message, which alone says nothing."""
    with pytest.raises(Exception) as caught:  # of any kind
        function()
    report = "".join(traceback.format_exception(caught.value))
    assert cause_of(report) == cause_of(reported(json.dumps(report))) == told


@pytest.mark.parametrize(
    ("report", "told"),
    [("", ""), ("cancelled", "cancelled"), ("some\nwords\n", "words"), (' File "x', ' File "x')],
)
def test_of_anything_else_it_is_the_last_line(report: str, told: str) -> None:
    """Whoever wrote it."""
    assert cause_of(report) == told.strip()


@pytest.mark.parametrize("text", [None, "", "null", '""'])
def test_nothing_reported_is_an_empty_text(text: str | None) -> None:
    assert reported(text) == ""
