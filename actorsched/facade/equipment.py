"""What the slots of a worker have in common: where their children come from, and where output goes."""

from __future__ import annotations

import os
from pathlib import Path

from actorsched.actors.runtime import Runtime
from actorsched.children.launcher import method_named
from actorsched.children.nursery import Nursery
from actorsched.children.runlog import RunLogs, default_folder, echo_to_stderr
from actorsched.config import WorkerSettings
from actorsched.errors import ConfigError
from actorsched.tasks.luggage import pack_luggage


class Equipment:
    """The nursery of a worker, opened when it is needed (one that has no slots may get some later), its logs.

    Raises:
        ConfigError: a bad start method, or a folder of logs that cannot be written.
    """

    def __init__(self, settings: WorkerSettings, runtime: Runtime) -> None:
        self._settings = settings
        self._runtime = runtime
        self._nursery: Nursery | None = None
        self.logs = _logs_of(settings)
        method_named(settings.start_method)  # a bad name is an error of whoever said it, now

    def nursery(self) -> Nursery:
        if self._nursery is None:
            launcher = self._runtime.make_launcher(self._settings.start_method)
            self._nursery = Nursery(launcher, self._settings.suspended_max, self._luggage)
        return self._nursery

    def _luggage(self) -> bytes:
        return pack_luggage() if self._runtime.is_here else b""  # else its children are not elsewhere

    def close(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
        self.logs.close()


def _refuse_unwritable(folder: Path) -> None:
    """Whoever names a folder hears now that it does not work, and not once for each run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise ConfigError(
            f"setting log_dir={str(folder)!r}: nothing can be written there ({reason}); name another folder,"
            " or say 'off'"
        )


def _logs_of(settings: WorkerSettings) -> RunLogs:
    folder = None if settings.log_dir == "off" else Path(settings.log_dir or default_folder())
    if folder is not None and settings.log_dir:
        _refuse_unwritable(folder)
    return RunLogs(
        folder,
        settings.log_size_max,
        settings.log_runs_max,
        echo_to_stderr if settings.log_console else None,
        settings.log_total_max,
        settings.log_max_age,
    )
