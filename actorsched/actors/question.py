"""A single request and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorsched.errors import InvalidParamsError, ProtocolError
from actorsched.rpc import envelope
from actorsched.rpc.envelope import Response
from actorsched.rpc.errors import error_from


def write_question(
    method: str, params: Mapping[str, Any], id_: int, client: str | None, seq: int | None
) -> bytes:
    """Write one request.

    Raises:
        InvalidParamsError: an argument cannot travel.
    """
    try:
        return envelope.write_call(method, params, id_, client, seq)
    except Exception as error:  # whatever the encoder says about it, it cannot travel
        raise InvalidParamsError(f"{method}: an argument cannot be sent: {error}") from None


def answer_to(response: Response | list[Response], id_: int, url: str) -> Any:
    """The result in the answer to the request with this id.

    Raises:
        ProtocolError: it is no answer to it.
        Exception: the error in it.
    """
    if isinstance(response, list):
        raise ProtocolError(f"{url} answered a single request with a batch")
    if response.error is not None:
        raise error_from(response.error)
    if response.id != id_:
        raise ProtocolError(f"{url} answered request {response.id!r} instead of {id_}")
    return response.result
