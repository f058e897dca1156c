"""`actorsched node`: a process that is a scheduler, or a worker for one, until a signal ends it.

When a node is ready it prints one line on standard output, which ends with its address or its worker id.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from actorsched.cli.client import CLIENT_SECTION, DEFAULT_URL
from actorsched.cli.config_file import config_option
from actorsched.cli.sections import Option, SectionedCommand
from actorsched.cli.settings import (
    log_level_option,
    positive,
    resource_option,
    setting_options,
    users_option,
    values_of,
)
from actorsched.config import ClientSettings, SchedulerSettings, WorkerSettings
from actorsched.errors import StoreHeldError
from actorsched.store.url import LEASE_S

if TYPE_CHECKING:
    from actorsched.facade.events import Event
    from actorsched.facade.scheduler import Scheduler

#: seconds between two looks of a standby at whether it has become the scheduler
STANDBY_LOOK_S = 0.2
#: seconds between two looks of a scheduler at whether it still is one
READY_LOOK_S = 1.0
#: seconds without an answer after which a worker says that it waits for its scheduler
WAIT_SAID_AFTER_S = 2.0

SCHEDULER_SECTION = "Of --role scheduler"
WORKER_SECTION = "Of --role worker"


def run_node(ctx: click.Context, /, **values: Any) -> int:
    """See the help of the command."""
    from actorsched.cli import logging
    from actorsched.cli.signals import StoppedError

    _refuse_options_of_other_role(ctx, values["role"])
    logging.set_up(values["log_level"])
    gc.disable()  # until it is ready: what is loaded stays, and the search for garbage is a sixth of a start
    try:
        return _be_scheduler(values) if values["role"] == "scheduler" else _be_worker(values)
    except StoppedError:  # before it was ready; a node that was told to end has done what it should
        return 0
    finally:
        gc.enable()


def _refuse_options_of_other_role(ctx: click.Context, role: str) -> None:
    """On the line such an option is a mistake; environment and file may be shared by both roles."""
    others = (WORKER_SECTION, CLIENT_SECTION) if role == "scheduler" else (SCHEDULER_SECTION,)
    for param in ctx.command.params:
        name = param.name or ""
        given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and isinstance(param, Option) and param.section in others:
            raise click.UsageError(f"{param.opts[0]} has no meaning for --role {role}", ctx)


def _be_scheduler(values: Mapping[str, Any]) -> int:
    from actorsched.actors.log import log
    from actorsched.cli.signals import StopSignals
    from actorsched.facade.scheduler import Scheduler
    from actorsched.facade.serve import serve

    _refuse_bad_addresses(values)
    _have_room()
    stopped = threading.Event()
    settings = values_of(SchedulerSettings, values)
    store = values["store"] or _default_store(values["bind"][0])
    with (
        StopSignals().installed() as signals,
        Scheduler(
            resources=dict(values["resource"]),
            store=store,
            standby=True,
            lease_s=values["store_lease"],
            **settings,
        ) as scheduler,
        serve(
            scheduler,
            bind=values["bind"],
            allow_remote=values["allow_remote"],
            keys=values["keys"],
            users=values["users"],
            events_port=values["events_port"],
        ) as server,
        signals.stopping(lambda _drain_s: stopped.set()),
    ):
        addresses = " ".join(server.addresses)
        _tell_how_it_is(scheduler, addresses, values["store"] is None, stopped)
        log.info("scheduler is stopping", address=addresses)
    return 0


def _have_room() -> None:
    """Let this process have as many connections as it may: a worker node makes three, and the usual limit of
    1024 open files is there for the sake of old programs."""
    with contextlib.suppress(ImportError):  # not on every system
        from actorsched.children.descriptors import UNLIMITED, allow

        allow(UNLIMITED)


def _default_store(bound_to: str) -> str:
    from actorsched.actors.log import log
    from actorsched.store.url import default_stores, default_url

    url, known = default_url(bound_to), default_stores()
    if url not in known and default_url() in known:
        # schedulers at all addresses once had the same one, so somebody may miss their tasks here
        log.info("this scheduler begins with an empty store of its own", store=url, usual=default_url())
    return url


def _tell_how_it_is(scheduler: Scheduler, addresses: str, by_default: bool, stopped: threading.Event) -> None:
    """Say whether the scheduler serves, and each time when that changes, until it is stopped."""
    told = ""
    while not stopped.is_set():
        trouble = scheduler.trouble
        if trouble is None:
            now = "ready"
        elif isinstance(trouble, StoreHeldError):
            now = "standing by"
        else:  # the log says what is wrong with the store; a scheduler that was ready will be so again
            now = told or "waiting for its store"
        if now != told:
            told = now
            _say_ready(f"scheduler {now} at {addresses}")
            if now == "standing by":
                _explain_standby(str(trouble), by_default)
        stopped.wait(READY_LOOK_S if trouble is None else STANDBY_LOOK_S)


def _explain_standby(cause: str, by_default: bool) -> None:
    """On the terminal, whatever the level of the log: whoever did not mean it would wait for nothing."""
    remedy = "another --bind, or --store" if by_default else "--store"
    print(
        f"actorsched: this scheduler serves nobody for now: {cause}, and takes over when that one ends. For a"
        f" scheduler of its own, say {remedy} with another place.",
        file=sys.stderr,
        flush=True,
    )


def _refuse_bad_addresses(values: Mapping[str, Any]) -> None:
    """A mistake on the line is told before a store is opened, or waited for."""
    from actorsched.transport.address import parse_bind

    protected = "CURVE" if values["keys"] else "PLAIN" if values["users"] else ""
    for text in values["bind"]:
        parse_bind(text, allow_remote=values["allow_remote"], protected=protected)


def _be_worker(values: Mapping[str, Any]) -> int:
    from actorsched.actors.keep_alive import refuse_interval
    from actorsched.actors.log import log
    from actorsched.cli.client import connect
    from actorsched.cli.signals import StopSignals
    from actorsched.facade.worker import Worker

    folders = [os.path.abspath(folder) for folder in values["path"]]
    sys.path[:0] = folders
    with (
        StopSignals().installed() as signals,
        connect(values, patience_s=0.0) as remote,
        Worker(
            remote,
            worker_id=values["worker_id"],
            worker_processes=values["slots"],
            assistant=True,
            forever=True,
            observer=_tell_of_failures,
            module_folders=module_folders(folders),
            **values_of(WorkerSettings, values),
        ) as worker,
    ):
        with _said_to_wait(remote.url):
            met = remote.hello()
        refuse_interval(values["ping_interval"], met.get("lease_s") or inf)
        _say_ready(f"worker ready for {remote.url} as {worker.worker_id}")
        with signals.stopping(lambda drain_s: worker.stop(drain_s, at_once=drain_s == 0)):
            worker.run()
        log.info("worker is stopping", worker=worker.worker_id)
    return 0


def _tell_of_failures(event: Event) -> None:
    """In the log: whoever looks after this machine need not have submitted the task."""
    from actorsched.actors.log import log
    from actorsched.facade.events import RunEnded

    if isinstance(event, RunEnded) and event.status == "FAILED":
        log.error("a task failed", task=event.name, cause=event.cause)


@contextlib.contextmanager
def _said_to_wait(url: str) -> Iterator[None]:
    """On the terminal, whatever the log shows: whoever forgot to start a scheduler would see nothing."""
    text = (
        f"actorsched: no answer from {url} yet; this worker waits for its scheduler. Is it running"
        " (`actorsched node --role scheduler`), and is --scheduler right?"
    )
    timer = threading.Timer(WAIT_SAID_AFTER_S, print, [text], {"file": sys.stderr, "flush": True})
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def module_folders(folders: list[str]) -> tuple[str, ...]:
    """From where a node may import what a scheduler names: its folders, or else the current one, and what
    the environment names for all programs."""
    environment = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    return tuple(dict.fromkeys(map(os.path.abspath, [*(folders or [os.getcwd()]), *environment])))


def _say_ready(text: str) -> None:
    gc.enable()
    print(text, flush=True)


node = SectionedCommand(
    "node",
    callback=click.pass_context(run_node),
    params=[
        click.Option(
            ["--role"], type=click.Choice(["scheduler", "worker"]), required=True, help="What this node is."
        ),
        log_level_option(),
        config_option(),
        Option(
            ["--bind"],
            section=SCHEDULER_SECTION,
            default=(DEFAULT_URL,),
            show_default=True,
            multiple=True,
            metavar="ADDRESS",
            help="Listen here: tcp://HOST:PORT (port 0: any free one) or ipc:///PATH; may be repeated.",
        ),
        Option(
            ["--keys"],
            section=SCHEDULER_SECTION,
            type=click.Path(file_okay=False),
            metavar="FOLDER",
            help="Let only the holders of the keys in here in; made by `actorsched keygen server`.",
        ),
        users_option(SCHEDULER_SECTION),
        Option(
            ["--allow-remote"],
            section=SCHEDULER_SECTION,
            is_flag=True,
            help="Let other machines reach it without keys. Whoever reaches a scheduler can make its workers"
            " run things.",
        ),
        Option(
            ["--events-port"],
            section=SCHEDULER_SECTION,
            type=click.IntRange(0, 65535),
            default=0,
            show_default="any free one",
            metavar="PORT",
            help="Tell workers here when there is work, for a firewall that wants to know the port.",
        ),
        Option(
            ["--store"],
            section=SCHEDULER_SECTION,
            metavar="URL",
            help="Keep the state here: sqlite:///PATH, postgresql+psycopg://USER@HOST/DATABASE, or memory://."
            " Two schedulers with the same store: one of them serves, the other stands by."
            "  [default: a SQLite file for this port, in the state directory of the user]",
        ),
        Option(
            ["--store-lease"],
            section=SCHEDULER_SECTION,
            type=click.FloatRange(min=1.0),
            default=LEASE_S,
            show_default=True,
            metavar="SECONDS",
            help="A scheduler that gives no sign of life for so long loses its store to one that waits.",
        ),
        *setting_options(SchedulerSettings, SCHEDULER_SECTION, record_task_history=True),
        resource_option(SCHEDULER_SECTION),
        Option(
            ["--scheduler"],
            section=WORKER_SECTION,
            default=DEFAULT_URL,
            show_default=True,
            metavar="URL",
            help="Address of the scheduler; several with commas between are tried in turn.",
        ),
        Option(
            ["--slots"],
            section=WORKER_SECTION,
            type=positive,
            default=1,
            show_default=True,
            metavar="N",
            help="Tasks that run here at the same time.",
        ),
        Option(
            ["--path"],
            section=WORKER_SECTION,
            type=click.Path(exists=True, file_okay=False),
            multiple=True,
            metavar="FOLDER",
            help="Load the modules of tasks from here; may be repeated.  [default: the current folder]",
        ),
        Option(
            ["--allow-module"],
            section=WORKER_SECTION,
            multiple=True,
            metavar="NAME",
            help="Load tasks from this installed module too, and from what is in it; may be repeated. A name"
            " that comes from a scheduler is code: nothing else is imported.",
        ),
        Option(
            ["--worker-id"],
            section=WORKER_SECTION,
            metavar="TEXT",
            help="The name of this worker, if it shall not be made up; no two may have the same.",
        ),
        *setting_options(WorkerSettings, WORKER_SECTION),
        *setting_options(ClientSettings, CLIENT_SECTION, patience=0.0),
    ],
    help="Be a scheduler, or a worker for one, until told to stop.\n\nA worker node takes tasks that others"
    " registered, loads them by module, family and parameters, and runs them. SIGTERM or SIGINT: take no more"
    " work, let what runs finish within --drain-timeout, end; a second one: end at once. SIGUSR1: take no"
    " more work and end when what runs has finished.",
)
