"""Tasks as bytes, on their way to a child process of the same machine and back.

A task travels as itself, so that attributes that were set on it arrive. Pickle does, as long as the other
process can import what is named in it. It does not import the program's `__main__`, nor modules that no
finder would find again, nor classes made inside of functions: those travel by value, by cloudpickle. A Luigi
task that holds something that cannot travel is made anew at the other end (`_in_parts`).

In front of the pickle stands the task's id, so that bytes that cannot be read still say whose they are.
"""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actorsched.errors import TaskLoadError
from actorsched.tasks import luigi_bridge
from actorsched.tasks.blame import cause_of

PROTOCOL = 5
_LENGTH_BYTES = 4

#: slots pack from threads of their own
_registering = threading.Lock()
#: module name -> whether another process with the same path would import the same file
_importable: dict[str, bool] = {}


def pack(task: Any) -> bytes:
    """Return the task as bytes.

    Raises:
        TaskLoadError: something in it cannot travel; names the task and the reason.
    """
    name: bytes = task.task_id.encode()
    return len(name).to_bytes(_LENGTH_BYTES, "big") + name + _pickled(task)


def unpack(data: bytes) -> Any:
    """Return the task.

    Raises:
        TaskLoadError: it cannot be made again here; names the task and the reason.
    """
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
    try:
        task: Any = pickle.loads(memoryview(data)[start:])
    except Exception as error:
        name = data[_LENGTH_BYTES:start].decode(errors="replace")
        raise TaskLoadError(f"task {name} cannot be made again in this process: {cause_of(error)}") from error
    luigi_bridge.arrived(task)
    return task


def _pickled(task: Any) -> bytes:
    module = type(task).__module__
    if _importable_elsewhere(module):
        try:
            data = pickle.dumps(task, PROTOCOL)
        except Exception:
            data = b""  # cloudpickle takes more than pickle does
        # an attribute may hold what only this process's __main__ knows; a text that merely says so costs time
        if data and b"__main__" not in data:
            return data
    return _pickled_by_value(task, module)


def _pickled_by_value(task: Any, module: str) -> bytes:
    try:
        with _as_values(module):
            try:
                return _dumped(task)
            except Exception:
                parts = _in_parts(task)
                if parts is None:
                    raise
                return parts
    except Exception as error:
        raise TaskLoadError(
            f"task {task.task_id} cannot travel to another process: {cause_of(error)}; "
            "leave open files, locks and the like out of its attributes"
        ) from error


def pack_definition(thing: Any) -> bytes:
    """Return a class or a function as bytes for `pickle.loads`, by value where it cannot be imported.

    Raises:
        Exception: something in it cannot travel.
    """
    with _as_values(thing.__module__):
        return _dumped(thing)


def _dumped(thing: Any) -> bytes:
    import cloudpickle

    data: bytes = cloudpickle.dumps(thing, PROTOCOL)
    return data


@contextmanager
def _as_values(module: str) -> Iterator[None]:
    """While the block lasts, what this module defines travels by value, if nobody else can import it."""
    import cloudpickle

    if module == "__main__" or module not in sys.modules or _importable_elsewhere(module):
        yield
        return
    with _registering:  # what is registered is so for all threads
        cloudpickle.register_pickle_by_value(sys.modules[module])
        try:
            yield
        finally:
            cloudpickle.unregister_pickle_by_value(sys.modules[module])


def _importable_elsewhere(module: str) -> bool:
    known = _importable.get(module)
    if known is None:
        known = _importable[module] = _can_import(module)
    return known


def _in_parts(task: Any) -> bytes | None:
    """Return a Luigi task as what it is made of, without what cannot travel; None if that fails, too.

    Luigi forks, so its users keep clients and locks in their tasks, made by `__init__` or when they are first
    needed. The other process makes the task anew, and gives it the attributes that could travel.
    """
    import cloudpickle

    if not luigi_bridge.is_luigi_class(type(task)):
        return None
    attributes, left = {}, []
    for name, value in vars(task).items():
        try:
            cloudpickle.dumps(value, PROTOCOL)
        except Exception:
            left.append(name)
        else:
            attributes[name] = value
    if not left:
        return None  # it is something else that cannot travel
    try:
        data: bytes = cloudpickle.dumps(_Parts(type(task), task.param_kwargs, attributes, left), PROTOCOL)
    except Exception:
        return None
    return data


class _Parts:
    """Becomes the task when it is unpickled."""

    def __init__(self, *parts: Any) -> None:
        self._parts = parts

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return luigi_bridge.made_of, self._parts


def _can_import(module: str) -> bool:
    """Tell whether the import system finds the module again, in the file where it was found."""
    here = sys.modules.get(module)
    if here is None or module == "__main__":
        return False
    path = None
    name = ""
    spec = None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = _find_spec(name, path)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    origin = getattr(here, "__file__", None)
    return origin is None or spec is None or spec.origin is None or spec.origin == origin


def _find_spec(name: str, path: Any) -> Any:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(name, path) if find is not None else None
        if spec is not None:
            return spec
    return None
