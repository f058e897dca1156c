"""The context around each run: named by `task_process_context`, made by the user, entered for the run.

Luigi's setting of this name holds `package.module.Class`; the class is called with an object whose `task`
is the task that is about to run, and what it returns is entered before the run and left after it. The
same works here; a function that returns a context manager does as well.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from actorsched.errors import ConfigError


class RunContext(NamedTuple):
    """What a context is called with."""

    task: Any


def run_context(path: str, task: Any) -> AbstractContextManager[Any]:
    """Make the context of this dotted path for a run of this task; "" is none.

    Raises:
        ConfigError: there is no such thing.
        Exception: whatever importing or calling it raises.
    """
    if not path:
        return nullcontext()
    module_name, _, name = path.replace(":", ".").rpartition(".")
    if not module_name:
        raise ConfigError(f"task_process_context={path!r}: expected package.module.Class")
    try:
        make = getattr(importlib.import_module(module_name), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ConfigError(f"task_process_context={path!r} cannot be found: {error}") from None
    made = make(RunContext(task))
    if not isinstance(made, AbstractContextManager):
        raise ConfigError(f"task_process_context={path!r} made no context manager, but {made!r}")
    return made
