"""Settings: one frozen record for each part of the system, filled from keywords.

Flags over environment over file over defaults is the order for the commands (`cli/settings.py`);
here is only what a setting is called, what it means, and what it is when nobody says anything.
Names and defaults without a remark are those of Luigi 3.8.
"""

from __future__ import annotations

from math import inf
from typing import Any, TypeVar

import msgspec

from actorsched.errors import ConfigError
from actorsched.names import hint

S = TypeVar("S", bound=msgspec.Struct)


class SchedulerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scheduler decides by. All durations are seconds."""

    #: a failed task is tried again after this long; negative: never
    retry_delay: float = 900.0
    #: a task that nobody wants any more is forgotten after this long
    remove_delay: float = 600.0
    #: a worker that is silent for this long is given up; it is also the length of a lease
    worker_disconnect_delay: float = 60.0
    #: failures older than this do not count
    disable_window: float = 3600.0
    #: so many failures within the window disable a task
    retry_count: int = 999_999_999
    #: a task that still fails this long after its first failure is disabled
    disable_hard_timeout: float = 999_999_999.0
    #: a task that was disabled by the scheduler gets a new chance after this long
    disable_persist: float = 86_400.0
    max_shown_tasks: int = 100_000
    max_graph_nodes: int = 100_000
    record_task_history: bool = False
    #: runs that ended longer ago leave the history; 0: none does (ours, as the next)
    history_max_age: float = 90 * 86_400.0
    #: so many runs stay in the history, the newest; 0: all
    history_max_runs: int = 1_000_000
    prune_on_get_work: bool = False
    pause_enabled: bool = True
    send_messages: bool = True
    batch_emails: bool = False
    #: PENDING for a task that was done so recently is a late message and is ignored
    stable_done_cooldown_secs: float = 10.0
    #: a task whose workers died so many times in a row is disabled (ours; Luigi charges the task)
    max_worker_deaths: int = 3


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a worker behaves. All durations are seconds."""

    keep_alive: bool = False
    count_uniques: bool = False
    count_last_scheduled: bool = False
    #: how long an idle worker waits before it asks again; None: 5.0 where the scheduler gives hints, and the
    #: waiting is only for those that get lost, else 1.0 (Luigi: 1.0)
    wait_interval: float | None = None
    #: up to this much is added to the wait, by chance (Luigi: 5.0; ours is small, asking is cheap here)
    wait_jitter: float = 0.1
    #: time between two heartbeats; more than a third of the lease is refused. None: 1.0 (as Luigi), or a
    #: third of the lease where that is less
    ping_interval: float | None = None
    max_keep_alive_idle_duration: float = 0.0
    max_reschedules: int = 1
    #: a run that takes longer is ended and fails; 0: no limit
    timeout: float = 0.0
    #: time between the polite signal and the final one when a run is ended
    kill_grace: float = 5.0
    #: time that running tasks get to finish after a stop was asked for
    drain_timeout: float = 30.0
    #: so many tasks are scheduled, in the order in which they are found; the rest is not
    task_limit: int | None = None
    #: ask tasks whether they are complete and what they require in several threads (Luigi: processes)
    parallel_scheduling: bool = False
    #: number of these threads; 0: chosen by itself
    parallel_scheduling_processes: int = 0
    retry_external_tasks: bool = False
    check_unfulfilled_deps: bool = True
    #: a run that leaves its task incomplete is a failure (Luigi: off)
    check_complete_on_run: bool = True
    #: time that a store gets to show what a run has written, before the run counts as a failure (ours)
    completion_grace: float = 0.0
    #: do not ask a task again that was complete once
    cache_task_completion: bool = False
    #: package.module.Class of a context manager around each run; called with an object that has `task`
    task_process_context: str = ""
    #: modules that a scheduler names are imported from these folders only; None: from anywhere
    module_folders: tuple[str, ...] | None = None
    #: modules that may be imported from elsewhere, too
    allow_module: tuple[str, ...] = ()
    no_install_shutdown_handler: bool = False
    #: so many runs that wait for dynamic requirements are kept, each in a process; others start again
    suspended_max: int = 16
    #: what runs print goes to files under this folder; "" is the user's state folder, "off" writes none
    log_dir: str = ""
    #: bytes of output that are kept of one run
    log_size_max: int = 10_000_000
    #: so many runs of each task keep their output
    log_runs_max: int = 5
    #: bytes of output that are kept of all runs in `log_dir` together, the newest; 0: any number
    log_total_max: int = 1_000_000_000
    #: what a run printed is kept for so long; 0: for ever
    log_max_age: float = 30 * 86_400.0
    #: show what runs print on standard error, each line with its task's name
    log_console: bool = True
    #: mail server for failures, `smtp://user:password@host:port`; also smtp+starttls and smtps; "": no mail
    smtp: str = ""
    email_from: str = "actorsched@localhost"
    #: who hears of every failure, with commas between; the owners of a task hear of theirs anyway
    email_to: str = ""
    #: "process": a child process for each slot; "inline": the thread that called run()
    execution: str = "process"
    #: "forkserver" or "spawn" (a fresh Python for each child); "" is the faster one
    start_method: str = ""


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a client of a remote scheduler waits and retries. All durations are seconds."""

    #: a request without an answer for so long is sent again on a new socket; if somebody was there to ask, it
    #: gets twice as long then, up to 16 times
    connect_timeout: float = 10.0
    #: waiting between two attempts grows from the first to the last of these
    retry_wait_min: float = 0.1
    retry_wait_max: float = 5.0
    #: of a wait, the share that is left to chance
    retry_jitter: float = 0.5
    #: give up after so many attempts; 0: only the patience counts (Luigi: 3, with a fixed wait of 30 s)
    retry_attempts: int = 0
    #: when all attempts together took so long, the caller gets an error; 0: never
    patience: float = 120.0
    #: the public key of the scheduler, as text or as the path of its file; "" where none is asked for
    server_key: str = ""
    #: the path of the file with the own secret key
    client_key: str = ""
    #: the path of a file with the certificates that are trusted (PEM), for https; "": those that are usual
    tls_ca: str = ""
    #: let the password of the address travel to another machine without encryption
    allow_clear_password: bool = False


#: what a number must be, where not every number works: the smallest one (None: more than 0), the largest one
_BOUNDS: dict[str, tuple[float | None, float]] = {
    "worker_disconnect_delay": (None, inf),
    "wait_interval": (0.0, inf),
    "wait_jitter": (0.0, inf),
    "ping_interval": (None, inf),
    "log_size_max": (1, inf),
    "log_runs_max": (1, inf),
    "log_total_max": (0, inf),
    "log_max_age": (0.0, inf),
    "connect_timeout": (None, inf),
    "retry_wait_min": (0.0, inf),
    "retry_wait_max": (0.0, inf),
    "retry_jitter": (0.0, 1.0),
    "retry_attempts": (0, inf),
    "patience": (0.0, inf),
}


def _check(kind: type[msgspec.Struct], said: dict[str, Any]) -> None:
    """Refuse a number that cannot work.

    Raises:
        ConfigError: naming the setting, the value and what it must be.
    """
    for name, value in said.items():
        if name not in _BOUNDS or not isinstance(value, int | float):
            continue
        least, most = _BOUNDS[name]
        if not (value > 0 if least is None else value >= least) or value > most:
            wanted = (
                "more than 0" if least is None else f"{least:g} or more" if most == inf else "from 0 to 1"
            )
            raise ConfigError(f"setting {name}={value!r} of {kind.__name__}: it must be {wanted}")


def settings_from(kind: type[S], values: dict[str, Any]) -> S:
    """Make a settings record from keywords.

    Args:
        kind: one of the records of this module.
        values: names and values; `None` means "not said".

    Raises:
        ConfigError: an unknown name (with the nearest known one) or a value that does not fit or cannot work.
    """
    said = {name: value for name, value in values.items() if value is not None}
    for name in said:
        if name not in kind.__struct_fields__:
            near = hint(name, kind.__struct_fields__, "known")
            raise ConfigError(f"unknown setting {name!r} of {kind.__name__}{near}")
    _check(kind, said)
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{kind.__name__}: {error} in {said!r}") from None
