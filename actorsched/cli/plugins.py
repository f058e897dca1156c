"""Classes of the user that a simulation is played with: a worker, and checkers."""

from __future__ import annotations

import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

from actorsched.actors.worker import WorkerActor
from actorsched.errors import ConfigError
from actorsched.simulation.checker import Checker


class Plugins(NamedTuple):
    """Classes of the user."""

    worker_class: type[WorkerActor]
    checkers: tuple[type[Checker], ...]

    @classmethod
    def find(cls, worker_class: str | None, checkers: tuple[str, ...]) -> Plugins:
        """Import them; the current folder counts, as with `python -m`.

        Raises:
            ConfigError: there is no such class, or it is no such class.
        """
        worker = _find("--worker-class", worker_class, WorkerActor) if worker_class else WorkerActor
        return cls(worker, tuple(_find("--checker", name, Checker) for name in checkers))

    def flags(self) -> str:
        """How a command line names them."""
        said = ""
        if self.worker_class is not WorkerActor:
            said += f" --worker-class {_name(self.worker_class)}"
        return said + "".join(f" --checker {_name(kind)}" for kind in self.checkers)


def _find(flag: str, name: str, base: type[Any]) -> type[Any]:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    if ":" not in name:
        raise ConfigError(f"{flag} {name!r}: expected MODULE:CLASS")
    try:
        found = resolve_name(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{flag} {name!r}: {error}; set PYTHONPATH to the folder of the module, or call this from there"
        ) from None
    except Exception as error:  # whatever the module does when it is imported
        raise ConfigError(f"{flag} {name!r}: {type(error).__name__}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ConfigError(f"{flag} {name!r}: it must be a subclass of {base.__module__}.{base.__name__}")
    return found


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
