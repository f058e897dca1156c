"""Errors on their way through the network."""

from __future__ import annotations

import pytest

from actorsched import errors
from actorsched.rpc.envelope import ErrorBody
from actorsched.rpc.errors import MENDABLE, error_body, error_from


@pytest.mark.parametrize("name", sorted(MENDABLE))
def test_an_error_of_the_caller_arrives_as_it_was(name: str) -> None:
    """`except InvalidParamsError` means the same with and without a network."""
    again = error_from(error_body(MENDABLE[name]("what is wrong")))
    assert type(again) is MENDABLE[name]
    assert str(again) == "what is wrong"


def test_an_own_bug_says_nothing_of_the_inside() -> None:
    """A message of an unforeseen exception may hold anything, passwords included."""
    body = error_body(KeyError("password=hunter2"))
    assert body.code == -32603
    assert "hunter2" not in body.message + repr(body.data)
    assert "KeyError" in body.message
    assert "hunter2" not in error_body(errors.InternalError("hunter2")).message


def test_an_error_of_a_scheduler_further_on_is_passed_on() -> None:
    """A server in front of a remote scheduler changes nothing."""
    assert error_body(errors.RemoteError("no", -32050)) == ErrorBody(-32050, "no")


@pytest.mark.parametrize(
    "data", [None, 1, "x", [], {"type": 1}, {"type": "SystemExit"}, {"type": "WorldError"}]
)
def test_no_class_is_made_that_is_not_in_our_tree(data: object) -> None:
    """What comes from the network chooses among our classes and nothing else."""
    error = error_from(ErrorBody(-32000, "text", data))
    assert isinstance(error, errors.RemoteError)
    assert error.code == -32000


def test_codes_of_the_specification_choose_a_class() -> None:
    """Another server sends no `data`."""
    assert isinstance(error_from(ErrorBody(-32601, "x")), errors.UnknownMethodError)
    assert isinstance(error_from(ErrorBody(-32602, "x")), errors.InvalidParamsError)
    assert isinstance(error_from(ErrorBody(-32700, "x")), errors.MalformedRequestError)
