"""`actorsched web`: a scheduler over HTTP, for people, for monitoring and for Luigi's own workers."""

from __future__ import annotations

import threading
from typing import Any

import click

from actorsched.cli.client import CLIENT_SECTION, connect, scheduler_option
from actorsched.cli.config_file import config_option
from actorsched.cli.sections import Option, SectionedCommand
from actorsched.cli.settings import log_level_option, setting_options, users_option
from actorsched.config import ClientSettings
from actorsched.errors import ConfigError

DEFAULT_PLACE = "127.0.0.1:8082"
#: seconds that somebody who looks at the page waits for the scheduler before hearing that it is away
PATIENCE_S = 5.0
WEB_SECTION = "Who may come in"


def run_web(**values: Any) -> int:
    """See the help of the command."""
    from actorsched.children.descriptors import UNLIMITED, allow
    from actorsched.cli import logging
    from actorsched.cli.signals import StopSignals

    try:
        from actorsched.web.serving import WebServer
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed: pip install 'actorsched[web]'") from None
    logging.set_up(values["log_level"])
    if (values["certificate"] is None) != (values["key"] is None):
        raise click.UsageError("--certificate and --key belong together")
    allow(UNLIMITED)  # one for each connection
    stopped = threading.Event()
    with (
        StopSignals().installed() as signals,
        connect(values, PATIENCE_S) as remote,
        WebServer(
            remote,
            values["listen"],
            users=values["users"],
            certificate=values["certificate"],
            key=values["key"],
            allow_remote=values["allow_remote"],
            host_names=values["host_name"],
            about=remote.url,
            store=values["store"],
        ) as server,
        signals.stopping(lambda _drain_s: stopped.set()),
    ):
        print(f"web page of {remote.url} ready at {server.address}", flush=True)
        stopped.wait()
    return 0


def _file_option(name: str, text: str) -> click.Option:
    kind = click.Path(exists=True, dir_okay=False)
    return Option([name], section=WEB_SECTION, type=kind, metavar="FILE", help=text)


web = SectionedCommand(
    "web",
    callback=run_web,
    params=[
        scheduler_option(),
        click.Option(
            ["--listen"],
            default=DEFAULT_PLACE,
            show_default=True,
            metavar="HOST:PORT",
            help="Listen here; port 0: any free one.",
        ),
        click.Option(
            ["--store"],
            metavar="URL",
            help="The store of the scheduler, where it can be read from here: sqlite:///PATH or"
            " postgresql+psycopg://USER@HOST/DATABASE. Then the runs that have ended are shown, too.",
        ),
        log_level_option(),
        config_option(),
        users_option(WEB_SECTION),
        _file_option("--certificate", "Speak https with this certificate (PEM)."),
        _file_option("--key", "The secret key of the certificate (PEM)."),
        Option(
            ["--host-name"],
            section=WEB_SECTION,
            multiple=True,
            metavar="NAME",
            help="The server is called so, too, for instance behind a proxy; may be repeated. Without --users"
            " it answers to no other name.",
        ),
        Option(
            ["--allow-remote"],
            section=WEB_SECTION,
            is_flag=True,
            help="Let other machines reach it without passwords or without encryption. Whoever reaches it can"
            " make workers run things.",
        ),
        *setting_options(ClientSettings, CLIENT_SECTION, patience=PATIENCE_S),
    ],
    help="Show a scheduler on a web page, until told to stop.\n\nThe page shows tasks, what they wait for,"
    " workers and resources, and lets people cancel, retry and pause. /metrics is for Prometheus. /api/…"
    " takes what Luigi's own workers send to a luigid, so they can use this scheduler. With a --client-key"
    " that may only look, nothing can be changed.",
)
