"""Errors on their way through JSON-RPC: from an exception to an error object, and back.

What the caller can mend keeps its class: its name travels in `data`, and is looked up in our own tree
and nowhere else. What is our own bug travels without its details, which are nobody's business.
"""

from __future__ import annotations

from typing import Any

from actorsched import errors
from actorsched.errors import ActorschedError, CallerError, InternalError, RemoteError
from actorsched.errors import UnavailableError as UnavailableError
from actorsched.rpc import envelope
from actorsched.rpc.envelope import ErrorBody

#: the classes that are made again on the other side
MENDABLE: dict[str, type[CallerError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, CallerError)
}

_BY_CODE: dict[int, type[CallerError]] = {
    envelope.METHOD_NOT_FOUND: errors.UnknownMethodError,
    envelope.INVALID_PARAMS: errors.InvalidParamsError,
    envelope.INVALID_REQUEST: errors.MalformedRequestError,
    envelope.PARSE_ERROR: errors.MalformedRequestError,
}


class StaleRequestError(ActorschedError):
    """A late copy of a request, after which its client has sent another one."""

    rpc_code = envelope.STALE_REQUEST

    def __init__(self, client: str, seq: int, last: int) -> None:
        super().__init__(
            f"request {seq} of {client!r} is stale: {last} came after it; numbers must rise, and a client"
            " that was started again needs another name"
        )


class ReusedNumberError(StaleRequestError):
    """Another request has come under this number."""

    def __init__(self, client: str, seq: int) -> None:
        ActorschedError.__init__(
            self,
            f"request {seq} of {client!r} was another one; each request needs a number of its own, and a"
            " client that was started again another name",
        )


def error_body(error: BaseException) -> ErrorBody:
    """Describe an exception to the other side."""
    if isinstance(error, RemoteError):  # it comes from a scheduler further on, and is passed on as it is
        return ErrorBody(error.code, str(error))
    if isinstance(error, ActorschedError) and not isinstance(error, InternalError):
        name = type(error).__name__
        return ErrorBody(error.rpc_code, str(error), {"type": name} if name in MENDABLE else None)
    return ErrorBody(
        envelope.INTERNAL_ERROR, f"Internal error ({type(error).__name__}); see the log of the scheduler"
    )


def error_from(body: ErrorBody) -> ActorschedError:
    """Make the exception that a client raises for an error object."""
    data: Any = body.data
    kind = (
        MENDABLE.get(data["type"]) if isinstance(data, dict) and isinstance(data.get("type"), str) else None
    )
    if kind is None:
        kind = _BY_CODE.get(body.code)
    return kind(body.message) if kind is not None else RemoteError(body.message, body.code)
