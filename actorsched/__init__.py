"""A central scheduler and its workers for pipelines of tasks, built as actors.

Everything here is loaded when it is first used, so that `import actorsched` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched._version import __version__

if TYPE_CHECKING:
    from actorsched.facade.build import build
    from actorsched.facade.remote_scheduler import RemoteScheduler
    from actorsched.facade.result import RunResult, RunStatus
    from actorsched.facade.scheduler import Scheduler
    from actorsched.facade.serve import serve
    from actorsched.facade.worker import Worker
    from actorsched.tasks import Event, ExternalTask, LocalTarget, Target, Task, WrapperTask, param

_HOMES = {
    "build": "actorsched.facade.build",
    "RemoteScheduler": "actorsched.facade.remote_scheduler",
    "RunResult": "actorsched.facade.result",
    "RunStatus": "actorsched.facade.result",
    "Scheduler": "actorsched.facade.scheduler",
    "serve": "actorsched.facade.serve",
    "Worker": "actorsched.facade.worker",
    "Event": "actorsched.tasks",
    "ExternalTask": "actorsched.tasks",
    "LocalTarget": "actorsched.tasks",
    "Target": "actorsched.tasks",
    "Task": "actorsched.tasks",
    "WrapperTask": "actorsched.tasks",
    "param": "actorsched.tasks",
}

__all__ = [
    "Event",
    "ExternalTask",
    "LocalTarget",
    "RemoteScheduler",
    "RunResult",
    "RunStatus",
    "Scheduler",
    "Target",
    "Task",
    "Worker",
    "WrapperTask",
    "__version__",
    "build",
    "param",
    "serve",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'actorsched' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
