"""Which modules may be imported because somebody far away named them.

A name from the network is code: importing a module runs it. So a worker node imports what lies in the
folders that it was given, and what it was told to allow by name, and nothing else. Where a module lies is
found out without importing it, nor the packages around it; and once, because what has been imported is there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder

from actorsched.errors import TaskLoadError

#: what has passed, and under which rules
_passed: set[tuple[str, tuple[str, ...], tuple[str, ...]]] = set()


def check_module(name: str, folders: Sequence[str] | None, allowed: Sequence[str]) -> None:
    """Let a module pass that may be imported.

    Args:
        name: of the module, as it came from the network.
        folders: modules that lie in these may be imported; None: all may.
        allowed: these may, too, and what is inside of them.

    Raises:
        TaskLoadError: it may not; with the remedy.
    """
    if folders is None or any(name == each or name.startswith(f"{each}.") for each in allowed):
        return
    rules = (name, tuple(folders), tuple(allowed))
    if rules in _passed and name in sys.modules:
        return
    _refuse_elsewhere(name, folders)
    _passed.add(rules)


def _refuse_elsewhere(name: str, folders: Sequence[str]) -> None:
    top = name.partition(".")[0]
    if all(part.isidentifier() for part in name.split(".")) and top not in sys.builtin_module_names:
        spec = PathFinder.find_spec(top)
        if spec is not None and any(_is_inside(place, folders) for place in _places(spec)):
            return
        if spec is None and any(os.path.exists(os.path.join(folder, f"{top}.py")) for folder in folders):
            return  # not on the path yet: it will be looked for in the current folder
    shown = ", ".join(folders) or "none"
    raise TaskLoadError(
        f"module {name!r} is not allowed on this node: it lies in none of its folders ({shown}); start the"
        f" node with --path FOLDER or with --allow-module {name}"
    )


def _places(spec: ModuleSpec) -> list[str]:
    places = list(spec.submodule_search_locations or ())
    return [*places, spec.origin] if spec.origin and spec.has_location else places


def _is_inside(place: str, folders: Sequence[str]) -> bool:
    real = os.path.realpath(place)
    for folder in folders:
        root = os.path.realpath(folder)
        if os.path.commonpath((real, root)) == root and not _is_installed(real, root):
            return True
    return False


def _is_installed(place: str, root: str) -> bool:
    """Whether it lies in a folder for installed packages inside of `root`, such as a virtual environment."""
    inside = os.path.relpath(place, root).split(os.sep)
    return "site-packages" in inside or "dist-packages" in inside
