"""JSON-RPC 2.0: requests and responses as records and as bytes.

One frame holds one JSON value: a request, or a batch of them. Reading is done in two steps: the frame
becomes `Request` records whose parameters are still bytes, and the registry of methods turns those
into checked arguments. Whatever does not fit becomes a record too (`Malformed`), so that the rest of a
batch goes on. Nothing that arrives here makes these functions raise.

A request may carry two members beside those of the specification, `client` and `seq`; see `replies.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Raw, UnsetType

#: the version of the protocol that `hello` agrees on
PROTOCOL_VERSION = 1
#: the longest frame that a server takes; a task with a thousand dependencies needs less than 0.1 MB
MAX_FRAME_BYTES = 16 * 1024 * 1024
#: the longest batch: as many registrations as a frame can hold; without a limit, a frame of 16 MB could ask
#: for a million answers
MAX_BATCH = 50_000

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
#: the scheduler behind the server is going away; the same frame may be sent again
UNAVAILABLE = -32002
#: the client has sent a later request already, so nobody waits for the answer to this one
STALE_REQUEST = -32003

Id: TypeAlias = int | str | float | None

#: what the bytes of no request are
_READ_ERRORS = (msgspec.MsgspecError, RecursionError, ValueError)


class Request(msgspec.Struct, frozen=True):
    """A well-formed request; without an `id` it is a notification and gets no answer."""

    jsonrpc: Literal["2.0"]
    method: str
    params: Raw = Raw()
    id: Id | UnsetType = UNSET
    client: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET


class Malformed(msgspec.Struct, frozen=True):
    """What stood in the place of a request."""

    code: int
    message: str
    id: Id = None


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `error` member of a response."""

    code: int
    message: str
    data: Any = None


class Success(msgspec.Struct, frozen=True):
    """A response with a result."""

    result: Any
    id: Id
    jsonrpc: Literal["2.0"] = "2.0"


class Failure(msgspec.Struct, frozen=True):
    """A response with an error."""

    error: ErrorBody
    id: Id
    jsonrpc: Literal["2.0"] = "2.0"


class Response(msgspec.Struct, frozen=True):
    """A response as a client reads it: `error` is set, or `result` is what came back."""

    jsonrpc: Literal["2.0"]
    id: Id
    result: Any = None
    error: ErrorBody | None = None


class _Outgoing(msgspec.Struct, frozen=True, omit_defaults=True):
    method: str
    params: Any
    id: Id
    client: str | None = None
    seq: int | None = None


class _JustId(msgspec.Struct):
    id: Id = None


_request = msgspec.json.Decoder(Request)
_requests = msgspec.json.Decoder(list[Request])
_raws = msgspec.json.Decoder(list[Raw])
_anything = msgspec.json.Decoder()
_just_id = msgspec.json.Decoder(_JustId)
_responses: msgspec.json.Decoder[list[Response] | Response] = msgspec.json.Decoder(list[Response] | Response)


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it knows (Luigi's frozen mappings, paths)."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"a value of type {type(value).__name__} cannot travel as JSON: {value!r:.100}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
#: JSON-shaped values, mappings and paths as bytes
encode = _encoder.encode


def read_requests(frame: bytes | memoryview) -> tuple[list[Request | Malformed], bool]:
    """Read a frame.

    Returns:
        The requests, in order, and whether they came as a batch. A frame that is no JSON, an empty
        batch and a batch that is too long are one `Malformed`, and no batch.
    """
    if len(frame) > MAX_FRAME_BYTES:
        message = f"Invalid Request: a frame of {len(frame)} bytes is longer than {MAX_FRAME_BYTES}"
        return [Malformed(INVALID_REQUEST, message)], False
    if not bytes(frame[:64]).lstrip(b" \t\r\n").startswith(b"["):
        try:
            return [_request.decode(frame)], False
        except _READ_ERRORS as error:
            return [_malformed(frame, error)], False
    try:
        requests: list[Request | Malformed] = list(_requests.decode(frame))
    except _READ_ERRORS:
        requests = _read_one_by_one(frame)
        if len(requests) == 1 and isinstance(requests[0], Malformed) and requests[0].code == PARSE_ERROR:
            return requests, False
    if not requests:
        return [Malformed(INVALID_REQUEST, "Invalid Request: an empty batch")], False
    if len(requests) > MAX_BATCH:
        message = f"Invalid Request: a batch of {len(requests)} requests is longer than {MAX_BATCH}"
        return [Malformed(INVALID_REQUEST, message)], False
    return requests, True


def _read_one_by_one(frame: bytes | memoryview) -> list[Request | Malformed]:
    try:
        raws = _raws.decode(frame)
    except _READ_ERRORS as error:
        return [Malformed(PARSE_ERROR, f"Parse error: {error}")]
    if len(raws) > MAX_BATCH:
        return [Malformed(INVALID_REQUEST, "Invalid Request")] * len(raws)
    requests: list[Request | Malformed] = []
    for raw in raws:
        try:
            requests.append(_request.decode(raw))
        except _READ_ERRORS as error:
            malformed = _malformed(raw, error)
            if malformed.code == PARSE_ERROR:  # one frame is one JSON value: all of it, or nothing
                return [malformed]
            requests.append(malformed)
    return requests


def _malformed(data: bytes | memoryview | Raw, error: Exception) -> Malformed:
    """Say what is wrong with something that is no request: no JSON at all, or other JSON."""
    try:
        _anything.decode(data)
    except _READ_ERRORS as no_json:
        return Malformed(PARSE_ERROR, f"Parse error: {no_json}")
    try:
        return Malformed(INVALID_REQUEST, f"Invalid Request: {error}", _just_id.decode(data).id)
    except _READ_ERRORS:
        return Malformed(INVALID_REQUEST, f"Invalid Request: {error}")


def write_response(response: Success | Failure) -> bytes:
    """Write one response.

    Raises:
        TypeError: the result holds something that is not JSON-shaped.
        Exception: as `msgspec.json.encode` (cycles, keys that are no text, lone surrogates).
    """
    return _encoder.encode(response)


def write_batch(responses: list[bytes]) -> bytes:
    """Join responses that are written already."""
    return b"[" + b",".join(responses) + b"]"


def write_value(value: Any) -> bytes:
    """Write any JSON-shaped value.

    Raises:
        TypeError: it is none.
    """
    return _encoder.encode(value)


def write_call(
    method: str, params: Mapping[str, Any], id: Id = None, client: str | None = None, seq: int | None = None
) -> bytes:
    """Write one request that wants an answer; `client` and `seq` are its identity, if it has one.

    Raises:
        TypeError: a parameter is not JSON-shaped.
    """
    # the version is put in by hand: a default would be omitted with the others
    return b'{"jsonrpc":"2.0",' + _encoder.encode(_Outgoing(method, params, id, client, seq))[1:]


def read_responses(frame: bytes | memoryview) -> list[Response] | Response:
    """Read what a server answered.

    Raises:
        ValueError: it is no answer.
    """
    try:
        return _responses.decode(frame)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"{error} in {bytes(frame[:80])!r}") from None
