"""Checking the arguments of a call."""

from __future__ import annotations

import pytest

from actorsched.errors import InvalidParamsError, MalformedRequestError
from actorsched.rpc.methods import METHODS


def test_what_was_not_given_is_not_there() -> None:
    """The defaults are those of the machine."""
    assert METHODS["add_task"].parse({"task_id": "T", "worker": "w"}) == {"task_id": "T", "worker": "w"}


def test_bytes_and_values_give_the_same() -> None:
    """A call from the network and one from this process differ in nothing."""
    raw = b'{"task_id":"T","worker":"w","priority":2.5,"deps":["A"],"resources":{"cpu":1}}'
    expected = {"task_id": "T", "worker": "w", "priority": 2.5, "deps": ["A"], "resources": {"cpu": 1}}
    assert METHODS["add_task"].decode(raw) == METHODS["add_task"].parse(expected) == expected


def test_unknown_arguments_are_dropped_where_luigi_takes_them() -> None:
    """A stock client may send what only its own scheduler knows."""
    assert METHODS["get_work"].decode(b'{"worker":"w","later":1}') == {"worker": "w"}


def test_a_report_may_leave_open_whether_its_worker_can_run_the_task() -> None:
    """Luigi's worker, and ours, report the end of a run with `runnable` null."""
    raw = b'{"task_id":"T","worker":"w","status":"DONE","runnable":null}'
    assert METHODS["add_task"].decode(raw)["runnable"] is None


def test_unknown_arguments_are_refused_by_name_elsewhere() -> None:
    """A misspelt name must not be taken for a default."""
    with pytest.raises(InvalidParamsError, match="count_pending takes no argument 'wrker'; it takes: worker"):
        METHODS["count_pending"].decode(b'{"wrker":"w"}')


def test_a_missing_argument_is_named() -> None:
    """A person who reads the message knows what to do."""
    with pytest.raises(InvalidParamsError, match=r"ping: .*`worker`"):
        METHODS["ping"].decode(b"{}")


@pytest.mark.parametrize(
    ("method", "raw", "message"),
    [
        ("add_task", b'{"status":"DOEN"}', r"add_task\(status='DOEN'\)"),
        ("add_task", b'{"priority":"high"}', r"add_task\(priority='high'\)"),
        ("add_task", b'{"deps":["A",1]}', r"add_task\(deps=\['A', 1\]\)"),
        ("add_task", b'{"deps":"A"}', r"add_task\(deps='A'\)"),
        ("get_work", b'{"max_tasks":0}', r"get_work\(max_tasks=0\)"),
        ("set_worker_processes", b'{"worker":"w","n":"2"}', r"set_worker_processes\(n='2'\)"),
        ("update_resources", b'{"cpu":"4"}', "update_resources"),
    ],
)
def test_a_wrong_value_is_shown(method: str, raw: bytes, message: str) -> None:
    """Method, argument and value."""
    with pytest.raises(InvalidParamsError, match=message):
        METHODS[method].decode(raw)


def test_arguments_may_come_by_position() -> None:
    """JSON-RPC allows it; those that are ours and named only are not counted."""
    assert METHODS["update_resource"].decode(b'["cpu", 4]') == {"resource": "cpu", "amount": 4}
    with pytest.raises(InvalidParamsError, match="at most 2 arguments"):
        METHODS["dep_graph"].decode(b'["T", true, 5]')


def test_null_stands_for_no_limit() -> None:
    """JSON has no infinity; msgspec and others write it as null."""
    raw = b'{"worker":"w","task_family":"F","batched_args":["day"],"max_batch_size":null}'
    assert "max_batch_size" not in METHODS["add_task_batcher"].decode(raw)


def test_parameters_that_are_no_object_are_no_request() -> None:
    """That is a broken request, not a wrong argument."""
    with pytest.raises(MalformedRequestError):
        METHODS["ping"].decode(b'"text"')


def test_introduction_takes_pairs_and_an_object() -> None:
    """Luigi's worker sends a list of pairs."""
    assert METHODS["add_worker"].decode(b'{"worker":"w","info":[["host","a"]]}')["info"] == [("host", "a")]
    assert METHODS["add_worker"].decode(b'{"worker":"w","info":{"host":"a"}}')["info"] == {"host": "a"}
