"""Whatever bytes arrive, there is an answer, and it is JSON-RPC."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorsched.rpc import envelope
from actorsched.rpc.dispatch import Dispatcher
from actorsched.rpc.methods import METHODS
from actorsched.rpc.replies import ReplyMemory

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from([p.name for m in METHODS.values() for p in m.parameters])
requests = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | values,
        "method": st.sampled_from(sorted(METHODS)) | values,
        "params": st.dictionaries(names, values, max_size=5) | values,
        "id": values,
        "client": st.sampled_from(["a", "b"]) | values,
        "seq": st.integers(0, 3) | values,
    },
)


class BugError(Exception):
    """What a broken method raises."""


def make_calls(calls: Any) -> list[Any]:
    return [BugError("secret") if len(params) % 5 == 4 else params for _, params in calls]


memory = ReplyMemory()


def check(frame: bytes) -> None:
    bugs: list[BaseException] = []
    dispatcher = Dispatcher(make_calls, report=bugs.append, memory=memory)
    answer = dispatcher.answer(frame)
    assert all(isinstance(bug, BugError) for bug in bugs), bugs
    assert b"secret" not in answer
    if not answer:
        return
    decoded = json.loads(answer)
    for response in decoded if isinstance(decoded, list) else [decoded]:
        assert response["jsonrpc"] == "2.0"
        assert "id" in response
        assert ("result" in response) != ("error" in response)
        if "error" in response:
            assert isinstance(response["error"]["code"], int)
            assert isinstance(response["error"]["message"], str)
    envelope.read_responses(answer)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_answered(frame: bytes) -> None:
    """Strangers can send anything."""
    check(frame)


@given(requests | st.lists(requests, max_size=4) | values)
@settings(max_examples=300, deadline=None)
def test_any_json_is_answered(value: Any) -> None:
    """Also what is almost a request."""
    check(json.dumps(value).encode())


@given(requests, st.integers(0, 300), st.binary(min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_a_request_with_broken_bytes_is_answered(value: Any, at: int, noise: bytes) -> None:
    """Almost JSON, almost UTF-8."""
    frame = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    at = min(at, len(frame))
    check(frame[:at] + noise + frame[at + len(noise) :])
