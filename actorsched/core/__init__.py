"""The scheduler as a deterministic state machine.

What is named here is loaded when it is first used: tasks and workers need the policies and the clock of
this package, and a warm child should not be kept waiting for the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorsched.core.instant import Instant as Instant
    from actorsched.core.invariants import check_invariants as check_invariants
    from actorsched.core.machine import SchedulerMachine as SchedulerMachine

_HOMES = {"Instant": "instant", "SchedulerMachine": "machine", "check_invariants": "invariants"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
