"""The layers of the design: who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import actorsched

ROOT = Path(actorsched.__file__).parent

#: package -> packages of ours that it may import (besides itself, `errors`, `config`, `names` and `_version`)
ALLOWED: dict[str, set[str]] = {
    "core": set(),
    "rpc": {"core"},
    "transport": {"rpc", "core"},
    "store": {"rpc", "core"},
    "tasks": {"rpc", "core"},
    "children": {"tasks", "rpc", "core"},
    "actors": {"store", "children", "transport", "tasks", "rpc", "core"},
    "facade": {"store", "actors", "children", "transport", "tasks", "rpc", "core"},
    "luigi": {"store", "facade", "actors", "children", "transport", "tasks", "rpc", "core"},
    "simulation": {"store", "facade", "actors", "children", "transport", "tasks", "rpc", "core"},
    "web": {"facade", "actors", "store", "transport", "rpc", "core"},
    "cli": {
        "web",
        "luigi",
        "simulation",
        "store",
        "facade",
        "actors",
        "children",
        "transport",
        "tasks",
        "rpc",
        "core",
    },
}
BASE = {"errors", "config", "names", "_version"}

#: modules that decide nothing but reach into the world: clocks, threads, sockets, files, chance
WORLD = {
    "asyncio", "datetime", "logging", "multiprocessing", "os", "pathlib", "pykka", "queue", "random",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "structlog", "subprocess", "tempfile",
    "threading", "time", "uuid", "zmq",
}  # fmt: skip
PURE = {"core", "rpc"}
NO_ZMQ = {"tasks", "children", "facade", "cli"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if len(path.relative_to(ROOT).parts) > 1)


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [alias.name for alias in node.names] if node.module == "actorsched" else []
            found += [f"actorsched.{name}" for name in names] or [node.module or ""]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_the_layers_below(path: Path) -> None:
    """The structure stays a structure only as long as no arrow turns round."""
    package = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "actorsched":
            layer = rest[0] if rest else ""
            assert layer in BASE | ALLOWED[package] | {package}, f"{path} imports {name}"
        elif package in PURE:
            assert top not in WORLD, f"{path} imports {name}: this layer decides and reaches nowhere"
        elif package in NO_ZMQ:
            assert top != "zmq", f"{path} imports {name}: sockets belong to transport and actors"


def test_every_package_has_its_place_in_the_order() -> None:
    """A new package must say where it belongs."""
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ALLOWED)
