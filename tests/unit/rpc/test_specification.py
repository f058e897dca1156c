"""The examples of the JSON-RPC 2.0 specification, section 7, and what it says about ids."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorsched.rpc.dispatch import Dispatcher
from actorsched.rpc.methods import registry_of


class Example:
    """The methods that the examples call."""

    def subtract(self, minuend: int, subtrahend: int) -> int:
        return minuend - subtrahend

    def update(self, a: int, b: int, c: int, d: int, e: int) -> None: ...

    def sum(self, a: int, b: int, c: int) -> int:
        return a + b + c

    def notify_hello(self, number: int) -> None: ...

    def notify_sum(self, a: int, b: int, c: int) -> None: ...

    def get_data(self) -> list[Any]:
        return ["hello", 5]


NAMES = ["subtract", "update", "sum", "notify_hello", "notify_sum", "get_data"]


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def dispatcher(calls: list[str]) -> Dispatcher:
    example = Example()

    def make_calls(wanted: Any) -> list[Any]:
        calls.extend(name for name, _ in wanted)
        return [getattr(example, name)(**params) for name, params in wanted]

    return Dispatcher(make_calls, methods=registry_of(Example, NAMES))


def error(code: int, id_: Any = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": code}, "id": id_}


def result(value: Any, id_: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "result": value, "id": id_}


def without_texts(answer: Any) -> Any:
    """The specification fixes the codes; texts and data are up to the server."""
    if isinstance(answer, list):
        return [without_texts(each) for each in answer]
    if isinstance(answer, dict) and "error" in answer:
        assert isinstance(answer["error"].pop("message"), str)
        answer["error"].pop("data", None)
    return answer


EXAMPLES: dict[str, tuple[str, Any]] = {
    "positional parameters": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        result(19, 1),
    ),
    "positional parameters the other way round": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        result(-19, 2),
    ),
    "named parameters": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        result(19, 3),
    ),
    "named parameters in another order": (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        result(19, 4),
    ),
    "a notification": ('{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    "a notification of an unknown method": ('{"jsonrpc": "2.0", "method": "foobar"}', None),
    "an unknown method": ('{"jsonrpc": "2.0", "method": "foobar", "id": "1"}', error(-32601, "1")),
    "no JSON": ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', error(-32700)),
    "no request": ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', error(-32600)),
    "a batch that is no JSON": (
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"]',
        error(-32700),
    ),
    "an empty batch": ("[]", error(-32600)),
    "an invalid batch that is not empty": ("[1]", [error(-32600)]),
    "an invalid batch": ("[1,2,3]", [error(-32600)] * 3),
    "a batch": (
        """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
        ]""",
        [result(7, "1"), result(19, "2"), error(-32600), error(-32601, "5"), result(["hello", 5], "9")],
    ),
    "a batch of notifications": (
        """[
        {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
        ]""",
        None,
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_specification_gets_its_answer(name: str, dispatcher: Dispatcher) -> None:
    """Clients in other languages are written after the specification, not after ours."""
    request, expected = EXAMPLES[name]
    answer = dispatcher.answer(request.encode())
    assert (without_texts(json.loads(answer)) if answer else None) == expected


def test_a_notification_takes_effect(dispatcher: Dispatcher, calls: list[str]) -> None:
    """No answer does not mean no effect."""
    assert dispatcher.answer(b'{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}') == b""
    assert calls == ["update"]


@pytest.mark.parametrize(
    "id_", ['"a"', '""', "0", "-7", "1.5", "null", "12345678901234567890123", '"\\u00e9"']
)
def test_an_id_comes_back_as_it_was(id_: str, dispatcher: Dispatcher) -> None:
    """Ids are text, numbers or null; the client alone knows what they mean."""
    answer = dispatcher.answer(f'{{"jsonrpc": "2.0", "method": "get_data", "id": {id_}}}'.encode())
    assert json.loads(answer) == result(["hello", 5], json.loads(id_))


@pytest.mark.parametrize("id_", ["true", "[]", "{}", "[1]"])
def test_an_id_of_another_kind_is_an_invalid_request(id_: str, dispatcher: Dispatcher) -> None:
    """It cannot be given back, so the answer has the id null."""
    answer = dispatcher.answer(f'{{"jsonrpc": "2.0", "method": "get_data", "id": {id_}}}'.encode())
    assert without_texts(json.loads(answer)) == error(-32600)


@pytest.mark.parametrize(
    "request_",
    [
        '{"method": "get_data", "id": 1}',
        '{"jsonrpc": "1.0", "method": "get_data", "id": 1}',
        '{"jsonrpc": 2.0, "method": "get_data", "id": 1}',
        '{"jsonrpc": "2.0", "id": 1}',
        '{"jsonrpc": "2.0", "method": "get_data", "params": null, "id": 1}',
        '{"jsonrpc": "2.0", "method": "get_data", "params": "text", "id": 1}',
    ],
)
def test_what_is_no_request_is_refused_with_the_id_that_it_has(
    request_: str, dispatcher: Dispatcher, calls: list[str]
) -> None:
    """The version must be there, and `params`, if there, must be an object or an array."""
    assert without_texts(json.loads(dispatcher.answer(request_.encode()))) == error(-32600, 1)
    assert calls == []


def test_wrong_parameters_are_refused(dispatcher: Dispatcher) -> None:
    """Too few, too many, of a wrong type, or with unknown names."""
    for params in ("[1]", "[1,2,3]", '["a","b"]', '{"minuend":1}', '{"minuend":1,"subtrahend":2,"x":3}'):
        request = f'{{"jsonrpc": "2.0", "method": "subtract", "params": {params}, "id": 1}}'
        assert without_texts(json.loads(dispatcher.answer(request.encode()))) == error(-32602, 1), params
