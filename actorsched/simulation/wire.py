"""What can be seen on the wire of a simulation: every request that was served, with its answer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from actorsched.errors import UnavailableError

_decode = msgspec.json.decode


class Served(NamedTuple):
    """One call and its answer.

    Attributes:
        node: name of the node that asked; "" for a copy of a frame that came out of nowhere.
        error: the `error` member of the answer, or None.
        fresh: the server had not answered the frame before, or only that it cannot answer now; else the
            answer is from memory.
        frame: client and number of the frame, where it says them.
        place: of the call in the frame.
        taken_at: when the server began with it; -inf where that is not known.
    """

    node: str
    method: str
    params: dict[str, Any]
    result: Any
    error: Any
    fresh: bool = True
    frame: tuple[str, int] | None = None
    place: int = 0
    taken_at: float = -math.inf


def was_put_off(call: Served) -> bool:
    """Whether the answer is that nobody can say now, and that the same may be asked again."""
    return isinstance(call.error, dict) and call.error.get("code") == UnavailableError.rpc_code


class WireWatcher:
    """What a checker may hear of the wire."""

    def served(self, call: Served) -> None:
        """The server has sent this answer; nobody knows yet whether it arrives."""

    def unanswered(self, call: Served) -> None:
        """The server has taken this call, and crashed before it answered."""

    def delivered(self, call: Served) -> None:
        """The answer has arrived at who asked."""


def identity_of(request: bytes) -> tuple[str, int] | None:
    """Client and number of a frame, where it says them."""
    try:
        asked = _decode(request)
    except msgspec.DecodeError:
        return None
    return _identity_in(asked)


def _identity_in(asked: Any) -> tuple[str, int] | None:
    first = asked[0] if isinstance(asked, list) and asked else asked
    if not isinstance(first, dict) or not isinstance(first.get("seq"), int):
        return None
    return str(first.get("client")), first["seq"]


def _params_of(call: dict[str, Any]) -> dict[str, Any]:
    """The named parameters; strangers send anything."""
    params = call.get("params")
    return params if isinstance(params, dict) else {}


def asked_in(node: str, request: bytes) -> Iterator[Served]:
    """The calls of a frame that was not answered yet; a frame that is no JSON-RPC has none."""
    try:
        asked = _decode(request)
    except msgspec.DecodeError:
        return
    frame = _identity_in(asked)
    for place, call in enumerate(asked if isinstance(asked, list) else [asked]):
        if isinstance(call, dict) and "method" in call:
            yield Served(node, call["method"], _params_of(call), None, None, True, frame, place)


def calls_in(
    node: str, request: bytes, answer: bytes, *, fresh: bool = True, taken_at: float = -math.inf
) -> Iterator[Served]:
    """Pair the calls of a frame with their answers; frames that are no JSON-RPC have none.

    An error that answers a frame as a whole is one of each call in it.
    """
    try:
        asked, said = _decode(request), _decode(answer)
    except msgspec.DecodeError:
        return
    requests = asked if isinstance(asked, list) else [asked]
    responses = said if isinstance(said, list) else [said]
    by_id = {response.get("id"): response for response in responses if isinstance(response, dict)}
    frame = _identity_in(asked)
    whole = said if isinstance(said, dict) and said.get("id") is None and "error" in said else None
    for place, call in enumerate(requests):
        if not isinstance(call, dict) or "method" not in call:
            continue
        response = by_id.get(call.get("id"), whole)
        if response is not None:
            params = _params_of(call)
            result, error = response.get("result"), response.get("error")
            yield Served(node, call["method"], params, result, error, fresh, frame, place, taken_at)
