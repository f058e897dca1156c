"""For programs that were written for Luigi: `build` and `run` with Luigi's arguments, and its command line.

A program keeps its tasks, its `luigi.cfg` and its flags; who schedules and runs is ours. `docs/luigi.md` says
what to change where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorsched.luigi.entry import build, run
    from actorsched.luigi.install import install

__all__ = ["build", "install", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'actorsched.luigi' has no attribute {name!r}")
    from importlib import import_module

    home = "install" if name == "install" else "entry"
    return getattr(import_module(f"actorsched.luigi.{home}"), name)
