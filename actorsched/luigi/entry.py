"""Luigi's ways in: `build`, `run`, and what both of them end in.

Parsing the command line, settings, logging and the lock against a second run of the same command stay
Luigi's own; scheduler and worker are ours. Luigi has one function behind all its ways in, which makes the
two; ours takes its place.
"""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import luigi
import luigi.cmdline_parser
import luigi.execution_summary
import luigi.interface
import luigi.lock
import luigi.setup_logging

from actorsched.errors import ConfigError
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.result import RunResult
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.worker import Worker
from actorsched.luigi.settings import Settings, settings_said
from actorsched.tasks import luigi_bridge
from actorsched.transport.address import is_http

#: seconds that a scheduler has to answer for the first time; later the patience counts
FIRST_CONTACT_S = 10.0
#: what a run happens in, made of its worker: a command handles signals by itself
around_run: ContextVar[Callable[[Worker], contextlib.AbstractContextManager[Any]]] = ContextVar(
    "around_run", default=contextlib.nullcontext
)
#: are told the ids of the tasks that were asked for, and what came of it, at the end of each run
listeners: list[Callable[[frozenset[str], RunResult], None]] = []


class LuigiRunResult(luigi.execution_summary.LuigiRunResult):  # type: ignore[misc]
    """What Luigi's callers get with `detailed_summary=True`.

    Attributes:
        status: of Luigi's own enum; the names are the same.
        summary_text, one_line_summary: ours.
        scheduling_succeeded: whether everything that was asked for is complete.
        result: all that is known.
    """

    def __init__(self, result: RunResult, worker: Worker) -> None:
        self.result = result
        self.worker = worker
        self.status = luigi.execution_summary.LuigiStatusCode[result.status.name]
        self.summary_text = result.summary_text
        self.one_line_summary = f"{result.status.name}: {result.status.value}"
        self.scheduling_succeeded = result.succeeded


def build(tasks: Iterable[Any], detailed_summary: bool = False, **env_params: Any) -> Any:
    """Run tasks: as `luigi.build`, with the same keywords.

    Returns:
        Whether everything that was asked for is complete; with `detailed_summary` a `LuigiRunResult`.

    Raises:
        ConfigError: `worker_scheduler_factory`, or settings that cannot work.
        SchedulerUnreachableError: nobody answered within the patience of the client.
        luigi.interface.PidLockAlreadyTakenExit: with `no_lock=False`, another process runs the same command.
    """
    factory = env_params.pop("worker_scheduler_factory", None)
    found = schedule_and_run(tasks, factory, {"no_lock": True, **env_params})
    return found if detailed_summary else found.scheduling_succeeded


def run(
    cmdline_args: Sequence[str] | None = None,
    main_task_cls: Any = None,
    worker_scheduler_factory: Any = None,
    use_dynamic_argparse: Any = None,
    local_scheduler: bool = False,
    detailed_summary: bool = False,
) -> Any:
    """Run the task that a command line describes: as `luigi.run`; returns and raises as `build`."""
    with installed():
        found = luigi.interface._run(
            cmdline_args, main_task_cls, worker_scheduler_factory, use_dynamic_argparse, local_scheduler
        )
    return found if detailed_summary else found.scheduling_succeeded


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """For a while, whatever begins a run of Luigi's begins one of ours."""
    before = luigi.interface._schedule_and_run
    luigi.interface._schedule_and_run = schedule_and_run
    try:
        yield
    finally:
        luigi.interface._schedule_and_run = before


def schedule_and_run(
    tasks: Iterable[Any], worker_scheduler_factory: Any = None, override_defaults: Any = None
) -> LuigiRunResult:
    """What all of Luigi's ways in end in."""
    core = luigi.interface.core(**(override_defaults or {}))
    luigi.setup_logging.InterfaceLogging.setup(core)
    luigi_bridge.remember_logging(core.logging_conf_file, core.log_level)
    settings = settings_said(core)
    _pass_over(worker_scheduler_factory, settings)
    _take_lock(core)
    logger = logging.getLogger("luigi-interface")
    with contextlib.ExitStack() as stack:
        scheduler = stack.enter_context(_scheduler(core, settings))
        worker = stack.enter_context(
            Worker(
                scheduler,
                worker_id=settings.worker_id,
                worker_processes=core.workers,
                assistant=core.assistant,
                **settings.worker,
            )
        )
        wanted = list(tasks)
        worker.add_all(wanted, core.parallel_scheduling, core.parallel_scheduling_processes)
        logger.info("Done scheduling tasks")
        with around_run.get()(worker):
            worker.run()
        result = worker.result
    logger.info("%s", result.summary_text)
    for listener in listeners:
        listener(frozenset(str(task.task_id) for task in wanted), result)
    return LuigiRunResult(result, worker)


def _pass_over(factory: Any, settings: Settings) -> None:
    """It makes Luigi's scheduler and worker, or somebody else's; whoever brought it has to agree."""
    if factory is not None and not settings.ignores_factory:
        raise ConfigError(
            f"worker_scheduler_factory={factory!r}: it makes a scheduler and a worker, which are ours here; "
            "leave it out, or have it passed over by ignore_factory = true in [actorsched] of luigi.cfg; "
            "what it sets can be said there, in [scheduler] and in [worker]"
        )


def _take_lock(core: Any) -> None:
    if core.no_lock:
        return
    kill_signal = signal.SIGUSR1 if core.take_lock else None
    if not luigi.lock.acquire_for(core.lock_pid_dir, core.lock_size, kill_signal):
        raise luigi.interface.PidLockAlreadyTakenExit()


def _scheduler(core: Any, settings: Settings) -> Any:
    if core.local_scheduler:
        return Scheduler(resources=settings.resources, **settings.scheduler)
    url = core.scheduler_url or f"http://{core.scheduler_host}:{core.scheduler_port}/"
    if not is_http(url):  # a wrong address is noticed at once, and not when the patience ends
        patience = min(FIRST_CONTACT_S, settings.client.get("patience") or FIRST_CONTACT_S)
        first = {**settings.client, "patience": patience, "connect_timeout": patience / 2}
        with RemoteScheduler(url, **first) as remote:
            remote.hello()
    return RemoteScheduler(url, **settings.client)
