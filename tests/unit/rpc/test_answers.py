"""Answers as they are remembered."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.errors import InvalidParamsError
from actorsched.rpc.answers import is_answer_to, mark_of_calls, read_answers, write_answers
from actorsched.rpc.envelope import ErrorBody

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("ping", {"worker": "w"}),
    ("get_work", {"worker": "w", "n": None}),
]


def test_results_and_errors_come_back() -> None:
    mark = mark_of_calls(CALLS)
    data = write_answers([{"a": [1]}, InvalidParamsError("n")], reports := [], mark)
    first, second = read_answers(data)
    assert bytes(first) == b'{"a":[1]}'
    assert second == ErrorBody(-32602, "n", {"type": "InvalidParamsError"})
    assert reports == []
    assert is_answer_to(data, mark)


@pytest.mark.parametrize(
    "others",
    [CALLS[:1], CALLS[::-1], [("ping", {"worker": "v"}), CALLS[1]], [("prune", CALLS[0][1]), CALLS[1]]],
)
def test_other_calls_are_told_apart(others: Any) -> None:
    data = write_answers([], [].append, mark_of_calls(CALLS))
    assert not is_answer_to(data, mark_of_calls(others))


def test_what_an_older_version_has_stored_is_still_an_answer() -> None:
    """It did not note what was asked."""
    assert is_answer_to(b"[[0,5]]", mark_of_calls(CALLS))
    assert [bytes(raw) for raw in read_answers(b"[[0,5]]")] == [b"5"]


def test_what_cannot_be_written_down_is_taken_on_trust() -> None:
    mark = mark_of_calls([("ping", {"worker": object()})])
    assert mark == b""
    assert is_answer_to(write_answers([1], [].append, mark), mark)
