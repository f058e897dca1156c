"""One call of the scheduler in one HTTP request, as Luigi's clients write it and a luigid answers it.

    POST /api/METHOD   data={"argument": …} as a form, or the object itself as JSON
    GET  /api/METHOD?data={"argument": …}    for methods that change nothing

    200 {"response": result}, else {"error": message}

Luigi's `rpc.py` and `server.py` were read for this form. There, GET may do everything; here a link that
somebody clicks changes nothing.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import msgspec
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from actorsched.errors import (
    AccessDeniedError,
    ActorschedError,
    CallerError,
    InvalidParamsError,
    RemoteError,
    UnknownMethodError,
    WorldError,
)
from actorsched.names import hint
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.envelope import MAX_FRAME_BYTES
from actorsched.rpc.methods import METHODS, Method

#: a longer request is not read
BODY_BYTES_MAX = MAX_FRAME_BYTES
_FORM = "application/x-www-form-urlencoded"


class TooLongError(CallerError):
    """A request that is not read to its end."""


class WrongVerbError(CallerError):
    """GET, for a method that changes something."""


class NoHistoryError(CallerError):
    """Nobody has said where the history is."""


async def answer_call(
    scheduler: SchedulerApi, request: Request, read_only: bool, limiter: CapacityLimiter
) -> Response:
    """Make the call that a request asks for.

    Args:
        scheduler: is called in another thread, because it may have to wait.
        read_only: whether whoever asks may only look.
        limiter: of the threads for calls of this kind.
    """
    try:
        method = _method_of(request)
        if read_only and not method.reads_only:
            raise AccessDeniedError(f"{method.name} changes something, and you may only look")
        params = method.parse(_arguments(await _payload(request)))

        def ask() -> bytes:  # a long answer is written there, too
            return msgspec.json.encode({"response": getattr(scheduler, method.name)(**params)})

        return Response(await run_sync(ask, limiter=limiter), media_type="application/json")
    except ActorschedError as error:
        return error_response(error)


def json_response(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def error_response(error: ActorschedError) -> Response:
    """What went wrong, with a status that says whose fault it is."""
    return json_response({"error": str(error), "type": type(error).__name__}, _status_of(error))


def _status_of(error: ActorschedError) -> int:
    match error:
        case UnknownMethodError() | NoHistoryError():
            return 404
        case WrongVerbError():
            return 405
        case TooLongError():
            return 413
        case AccessDeniedError():
            return 403
        case CallerError():
            return 400
        case RemoteError():
            return 502
        case WorldError():
            return 503
        case _:
            return 500


def _method_of(request: Request) -> Method:
    name = request.path_params["method"]
    method = METHODS.get(name)
    if method is None:
        raise UnknownMethodError(f"no method {name!r:.100}{hint(name[:100], METHODS)}")
    if request.method != "POST" and not method.reads_only:
        raise WrongVerbError(f"{name} changes something: ask for it by POST")
    return method


async def _payload(request: Request) -> str:
    """The arguments as text; "" for none."""
    if request.method != "POST":
        return request.query_params.get("data", "")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise TooLongError(f"the request is longer than {BODY_BYTES_MAX} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidParamsError(f"the request is not UTF-8: {error}") from None
    if not request.headers.get("content-type", _FORM).startswith(_FORM):
        return text
    try:
        return parse_qs(text, max_num_fields=10).get("data", [""])[0]
    except ValueError as error:
        raise InvalidParamsError(f"the form cannot be read: {error}") from None


def _arguments(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_constant) if text else {}
    except (ValueError, RecursionError) as error:
        raise InvalidParamsError(f"data={text!r:.100}: expected a JSON object ({error})") from None
    if not isinstance(found, dict):
        raise InvalidParamsError(f"data={text!r:.100}: expected a JSON object, name to value")
    return found


def _constant(text: str) -> None:
    """Python writes `Infinity`, which JSON does not have; Luigi means "no limit" by it."""
    if text != "Infinity":
        raise ValueError(f"{text} is no number")
