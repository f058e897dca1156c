"""A store as lines of JSON, and back: for backups, for moving to another database, for looking.

{"kind": "store", "format": 1, "clock": …}
{"kind": "task", "seq": 1, "definition": {…}, "progress": {…} or null}
{"kind": "item", "of": "worker", "key": "…", "value": {…}}
{"kind": "reply", "client": "…", "seq": 7, "answer": "…"}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine, check_invariants
from actorsched.core.rows import ITEM_KINDS, Changes, NotesRow, ProgressRow, TaskRow, TroubleRow
from actorsched.errors import InvalidParamsError, StoreError, StoreHeldError
from actorsched.store.base import Reply, Store

FORMAT = 1
#: lines that are committed together
CHUNK = 5_000


def export_lines(store: Store) -> Iterator[bytes]:
    """All of an open store, as of one moment."""
    stored = store.read()
    yield _line({"kind": "store", "format": FORMAT, "clock": stored.clock})
    for seq, task, progress in stored.rows.tasks:
        named = None if progress is None else _named(progress)
        yield _line({"kind": "task", "seq": seq, "definition": _named(task), "progress": named})
    for kind, key, row in stored.rows.items:
        yield _line({"kind": "item", "of": kind, "key": key, "value": _named(row)})
    for reply in stored.replies:
        answer = (reply.answer or b"").decode("utf-8", "surrogateescape")
        yield _line({"kind": "reply", "client": reply.client, "seq": reply.seq, "answer": answer})


def import_lines(store: Store, lines: Iterable[bytes], epoch: str, where: str) -> int:
    """Fill an open store that is empty, and leave it to the next scheduler.

    Args:
        store: where to.
        lines: as `export_lines` makes them.
        epoch: a new one.
        where: the lines come from, for messages.

    Returns:
        how many tasks there were.

    Raises:
        StoreError: it is not empty, or a scheduler has it.
        InvalidParamsError: a line that cannot be understood; with its number.
    """
    seen = store.look()
    if not seen.free:
        raise StoreHeldError(f"{store.url}: {seen.holder} has this store; stop it first")
    if not store.take(seen, epoch):
        raise StoreHeldError(f"{store.url}: a scheduler has just taken this store; stop it first")
    try:
        if any(True for _ in list(store.read().rows.tasks)):
            raise StoreError(f"{store.url}: there are tasks in this store; import into an empty one")
        return _fill(store, lines, where)
    finally:
        store.give_back()


def _fill(store: Store, lines: Iterable[bytes], where: str) -> int:
    clock, n_tasks = 0.0, 0
    changes, replies = Changes([], [], [], []), list[Reply]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line)
            match value["kind"]:
                case "store":
                    if value["format"] > FORMAT:
                        raise StoreError(
                            f"{where}: the export is of format {value['format']}, and this actorsched knows"
                            f" formats up to {FORMAT}; use a newer actorsched"
                        )
                    clock = float(value["clock"])
                case "task":
                    n_tasks += 1
                    changes.tasks.append((value["seq"], _struct(TaskRow, value["definition"])))
                    if value["progress"] is not None:
                        changes.progress.append((value["seq"], _struct(ProgressRow, value["progress"])))
                case "item":
                    row = _struct(ITEM_KINDS[value["of"]], value["value"])
                    changes.items.append((value["of"], value["key"], row))
                case "reply":
                    answer = value["answer"].encode("utf-8", "surrogateescape")
                    replies.append(Reply(value["client"], value["seq"], answer))
                case other:
                    raise ValueError(f"unknown kind {other!r}")
        except StoreError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidParamsError(f"{where}, line {number}: not a line of an export: {error!r}") from None
        if number % CHUNK == 0:
            store.commit(changes, replies, clock)
            changes, replies = Changes([], [], [], []), []
    store.commit(changes, replies, clock)
    return n_tasks


def check(store: Store) -> dict[str, Any]:
    """Read all of an open store and look whether it makes a sound machine.

    Returns:
        what is in it.

    Raises:
        StoreError: it does not.
    """
    stored = store.read()
    machine = SchedulerMachine(SchedulerSettings(), epoch="check")
    replies = list(stored.replies)
    try:
        machine.load(stored.rows, Instant(stored.clock, 0.0))
        check_invariants(machine)
    except (KeyError, ValueError, AssertionError) as error:
        raise StoreError(f"{store.url}: the rows contradict each other: {error!r}") from None
    place = store.look()
    return {
        "store": store.url,
        "tasks": {status: len(known) for status, known in machine.by_status.items() if known},
        "workers": len(machine.workers),
        "replies": len(replies),
        "paused": machine.paused,
        "holder": None if place.free else str(place.holder),
    }


def _line(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _named(row: msgspec.Struct) -> dict[str, Any]:
    return {
        name: _named(value) if isinstance(value, msgspec.Struct) else value
        for name, value in msgspec.structs.asdict(row).items()
    }


def _struct(kind: type[Any], values: dict[str, Any]) -> Any:
    """The row with these fields; a field that we do not know is an error."""
    known = dict(values)
    for name, part in (("trouble", TroubleRow), ("notes", NotesRow)):
        if isinstance(known.get(name), dict):
            known[name] = _struct(part, known[name])
    row = kind(**known)
    return msgspec.json.decode(msgspec.json.encode(row), type=kind)
