"""Answers as they are remembered."""

from __future__ import annotations

from actorsched.errors import InvalidParamsError
from actorsched.rpc.answers import is_answer_to, read_answers, write_answers
from actorsched.rpc.envelope import ErrorBody
from actorsched.rpc.replies import mark_of

MARK = mark_of(b"a frame")


def test_results_and_errors_come_back() -> None:
    data = write_answers([{"a": [1]}, InvalidParamsError("n")], reports := [], MARK)
    first, second = read_answers(data)
    assert bytes(first) == b'{"a":[1]}'
    assert second == ErrorBody(-32602, "n", {"type": "InvalidParamsError"})
    assert reports == []


def test_answers_to_other_frames_are_told_apart() -> None:
    data = write_answers([], [].append, MARK)
    assert is_answer_to(data, MARK)
    assert not is_answer_to(data, mark_of(b"another frame"))


def test_what_an_older_version_has_stored_is_still_an_answer() -> None:
    """It did not note what was asked."""
    assert is_answer_to(b"[[0,5]]", MARK)
    assert [bytes(raw) for raw in read_answers(b"[[0,5]]")] == [b"5"]


def test_a_frame_without_a_mark_is_taken_on_trust() -> None:
    """It comes from an actor of this process."""
    assert is_answer_to(write_answers([1], [].append, MARK), b"")
