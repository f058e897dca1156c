"""The results of a frame as bytes, to be remembered and told again.

    9f31c02a[[0, result], [1, [code, message, data]], …]

In front stands the mark of the frame (`replies.py`); what was stored by older versions has none.
Results are not read again, they only pass through (`msgspec.Raw`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from actorsched.errors import ActorschedError, InternalError
from actorsched.rpc.envelope import ErrorBody, encode
from actorsched.rpc.errors import error_body

_entries = msgspec.json.Decoder(list[tuple[int, Raw]])
_errors = msgspec.json.Decoder(tuple[int, str, Any])


def is_answer_to(data: bytes, mark: bytes) -> bool:
    """Whether these are the results of a frame with this mark, as far as is known."""
    return not mark or data.startswith((mark, b"["))


def write_answers(
    results: Sequence[Any], report: Callable[[BaseException], None], mark: bytes = b""
) -> bytes:
    """Write results and exceptions; `report` is told of those that are our own bugs."""
    return mark + b"[" + b",".join([_write(result, report) for result in results]) + b"]"


def _write(result: Any, report: Callable[[BaseException], None]) -> bytes:
    if not isinstance(result, BaseException):
        try:
            return b"[0," + encode(result) + b"]"
        except Exception as error:  # a result that is not JSON-shaped is our own bug
            result = error
    if not isinstance(result, ActorschedError) or isinstance(result, InternalError):
        report(result)
    body = error_body(result)
    return b"[1," + encode([body.code, body.message, body.data]) + b"]"


def read_answers(data: bytes) -> list[Raw | ErrorBody]:
    entries = _entries.decode(data[data.index(b"[") :])
    return [raw if not failed else ErrorBody(*_errors.decode(raw)) for failed, raw in entries]
