"""What a program has set up while it ran, and its child processes would not know: packed for the way there.

A child imports the modules of the tasks that it runs, and nothing else. What else the program has said counts
there as well:

* handlers of events that stand in another module than the class, the program's `__main__` as a rule;
* Luigi's settings, which a program may have read from further files, or set;
* the values that Luigi's command line gave to parameters of other tasks than the wanted one.

Luigi is imported in the child if it is in the program: its settings must be there before a module reads them.
"""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from actorsched.tasks import families, luigi_bridge
from actorsched.tasks.blame import cause_of
from actorsched.tasks.travel import pack_definition

Handler = Callable[..., Any]


class Packed(NamedTuple):
    """A handler, and what keeps it from travelling, if anything does."""

    event: str
    name: str
    data: bytes
    trouble: str


def pack_luggage() -> bytes:
    """Return what the children need to know; empty when there is nothing, or when it cannot be packed."""
    try:
        return _pack()
    except Exception:  # the children do without, which is better than no children
        logging.getLogger(__name__).exception(
            "what the program has set up cannot travel to its child processes"
        )
        return b""


def _pack() -> bytes:
    handlers = [found for kind, callbacks in _registered() if (found := _packed(kind, callbacks)) is not None]
    settings = luigi_bridge.settings_said()
    if not handlers and settings is None:
        return b""
    return pickle.dumps((settings, handlers), pickle.HIGHEST_PROTOCOL)


def unpack_luggage(data: bytes) -> None:
    """Take over what the program has set up. What cannot be had here is logged, and harms nobody."""
    if not data:
        return
    settings, handlers = pickle.loads(data)
    try:
        luigi_bridge.take_settings(settings)
    except Exception:
        logging.getLogger(__name__).exception("Luigi's settings of the program cannot be used here")
    for name, packed_kind, packed in handlers:
        try:
            kind = pickle.loads(packed_kind)
        except Exception as error:
            words = "handlers of %s are not called here, because it cannot be made again: %s"
            logging.getLogger(__name__).warning(words, name, cause_of(error))
            continue
        _listen(kind, packed)


def _registered() -> Iterator[tuple[Any, dict[str, list[Handler]]]]:
    """All classes with handlers, native and Luigi's."""
    yield from families.listening()
    yield from luigi_bridge.listening()


def _packed(kind: Any, callbacks: dict[str, list[Handler]]) -> tuple[str, bytes, list[Packed]] | None:
    packed = [
        Packed(event, _name(callback), *_travelling(callback))
        for event, each in callbacks.items()
        for callback in each
        if _may_be_unknown(kind, callback)
    ]
    if not packed:
        return None
    data, trouble = _travelling(kind)
    return None if trouble else (_name(kind), data, packed)  # then its tasks cannot travel either, and say so


def _may_be_unknown(kind: Any, callback: Handler) -> bool:
    """Whether a process that imports the class may not have this handler."""
    home = getattr(callback, "__module__", None)
    return home == "__main__" or home != kind.__module__ or "<locals>" in _name(callback)


def _travelling(thing: Any) -> tuple[bytes, str]:
    try:
        return pack_definition(thing), ""
    except Exception as error:
        return b"", cause_of(error)


def _name(callback: Handler) -> str:
    home = getattr(callback, "__module__", "")
    return f"{home}.{getattr(callback, '__qualname__', type(callback).__name__)}"


def _listen(kind: Any, packed: list[Packed]) -> None:
    """Register the handlers that are not there yet; those that a module registers by itself are."""
    present = Counter(
        (event, _name(callback))
        for other, callbacks in _registered()
        if other is kind
        for event, each in callbacks.items()
        for callback in each
    )
    for event, name, data, trouble in packed:
        if present[event, name]:
            present[event, name] -= 1
            continue
        try:
            if trouble:
                raise pickle.PicklingError(trouble)
            kind.event_handler(event)(pickle.loads(data))
        except Exception as error:
            logging.getLogger(__name__).warning(
                "handler %s of %s is not called here, because it cannot travel: %s (execution='inline' keeps"
                " everything in one process)",
                name, event, cause_of(error),
            )  # fmt: skip
