"""Which class a family name means.

Classes are held weakly: one that nobody can reach any more is no candidate. A class that is defined again
under the same module and qualified name (a module loaded anew, a function called again) replaces the
old one. Of several classes, one that derives from all the others is meant; else the name is ambiguous.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from actorsched.errors import TaskLoadError
from actorsched.names import hint

_classes: dict[str, dict[tuple[str, str], weakref.ref[type]]] = {}


def register(cls: Any) -> None:
    """Make a class known under its family name."""
    _classes.setdefault(cls.task_family, {})[cls.__module__, cls.__qualname__] = weakref.ref(cls)


def families(module: str | None = None) -> list[str]:
    """Return the known family names, of all modules or of one, in the order of definition."""
    return [family for family in list(_classes) if candidates(family, module)]


def candidates(family: str, module: str | None = None) -> list[type]:
    """Return the living classes with this family name, of all modules or of one."""
    places = list(_classes.get(family, {}).items())
    found = [(place, ref()) for place, ref in places if module is None or place[0] == module]
    return [cls for place, cls in found if cls is not None]


def find(family: str, module: str | None = None) -> type:
    """Return the class that a family name means.

    Raises:
        TaskLoadError: there is none, or more than one.
    """
    found = candidates(family, module)
    if not found:
        place = f" in {module}" if module else ""
        raise TaskLoadError(f"no task {family!r}{place}{hint(family, families(module), 'tasks')}")
    return most_derived(family, found)


def most_derived(family: str, found: list[type]) -> type:
    """Return the one class that derives from all the others, or raise TaskLoadError."""
    for cls in found:
        if all(issubclass(cls, other) for other in found):
            return cls
    places = ", ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in found)
    raise TaskLoadError(
        f"task {family!r} is ambiguous: {places}; give one a task_namespace or name the module"
    )


def listening() -> Iterator[tuple[type, dict[str, list[Callable[..., Any]]]]]:
    """Yield the living classes that have handlers of events, base classes too: event → handlers."""
    seen: dict[type, None] = {}
    for places in list(_classes.values()):
        for ref in list(places.values()):
            cls = ref()
            if cls is not None:
                seen.update(dict.fromkeys(reversed(cls.__mro__)))
    for cls in seen:
        callbacks = cls.__dict__.get("_event_callbacks")
        if callbacks:
            yield cls, callbacks
