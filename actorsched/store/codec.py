"""Rows as bytes: JSON arrays, which any tool can read, and which keep whole numbers of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from actorsched.core.rows import ITEM_KINDS, ItemRow, ProgressRow, TaskRow
from actorsched.errors import InvalidParamsError


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it knows (Luigi's frozen mappings, paths)."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"a value of type {type(value).__name__} cannot be stored: {value!r:.100}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_task = msgspec.json.Decoder(TaskRow)
_progress = msgspec.json.Decoder(ProgressRow)
_items = {kind: msgspec.json.Decoder(row) for kind, row in ITEM_KINDS.items()}

#: the bytes of anything that is plain JSON; raises where it is not
encode_plain = _encoder.encode
decode_task = _task.decode
decode_progress = _progress.decode


def encode(row: msgspec.Struct) -> bytes:
    """The bytes of a row.

    Raises:
        InvalidParamsError: something that a caller gave us is not JSON-shaped.
    """
    try:
        return _encoder.encode(row)
    except UnicodeEncodeError:  # half a character, from a file name that is no text: not worth a refusal
        return _encoder.encode(_whole(msgspec.to_builtins(row, enc_hook=_plain)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidParamsError(f"this cannot be stored: {error}") from None


def encode_value(value: Any) -> bytes:
    """The bytes of something that a row has held already."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_whole(value))


def encode_all(rows: Sequence[tuple[int, msgspec.Struct]]) -> list[tuple[int, bytes]]:
    """The bytes of rows of tasks, by number."""
    dump = _encoder.encode
    try:
        return [(seq, dump(row)) for seq, row in rows]
    except Exception:  # one of them needs a closer look
        return [(seq, encode(row)) for seq, row in rows]


def decode_item(kind: str, data: bytes) -> ItemRow:
    return _items[kind].decode(data)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_whole(key): _whole(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(part) for part in value]
    return value


def key_of(text: str) -> bytes:
    """Text as a key: bytes, because PostgreSQL's text cannot hold every character."""
    return text.encode("utf-8", "surrogatepass")


def text_of(key: bytes) -> str:
    return bytes(key).decode("utf-8", "surrogatepass")
