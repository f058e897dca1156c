"""What a `luigi.cfg` (or `luigi.toml`) says, as settings of ours.

`[worker]`, `[scheduler]`, `[resources]`, `[email]` and `[smtp]` are read by Luigi's own classes, so old names
and the command line count as in Luigi. Where a default of ours is another one, Luigi's default is none.
`[actorsched]` may hold what Luigi has no word for, by our names, and comes before the others.
"""

from __future__ import annotations

import datetime
import logging
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import luigi.configuration
import luigi.notifications
import luigi.scheduler
import luigi.task_register
import luigi.worker
import msgspec

from actorsched.config import ClientSettings, SchedulerSettings, WorkerSettings
from actorsched.errors import ConfigError
from actorsched.names import hint

SECTION = "actorsched"
#: besides our settings: a `worker_scheduler_factory` is passed over, and not refused
IGNORE_FACTORY = "ignore_factory"
#: settings of a worker whose default is not Luigi's
OWN_DEFAULTS = {"wait_interval", "wait_jitter", "ping_interval", "check_complete_on_run"}
#: a scheduler for one run keeps no history, and looks at the time itself, as Luigi's does
LOCAL = {"prune_on_get_work": True, "record_task_history": False}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """For each part of the system its keywords."""

    worker: dict[str, Any]
    scheduler: dict[str, Any]
    client: dict[str, Any]
    resources: dict[str, int]
    worker_id: str | None
    ignores_factory: bool


def settings_said(core: Any) -> Settings:
    """Return what Luigi's settings come to.

    Args:
        core: Luigi's record of what its flags and `[core]` say.

    Raises:
        ConfigError: `[actorsched]` has an unknown name or a bad value.
    """
    own = _own_section()
    worker = luigi.worker.worker()
    said = {**_fields(worker, "worker", WorkerSettings), **_mail(worker)}
    if core.workers == 1 and not worker.force_multiprocessing and not worker.timeout and not _may_time_out():
        said["execution"] = "inline"  # as in Luigi: in this process
    return Settings(
        worker=said | _of(WorkerSettings, own),
        scheduler=_fields(luigi.scheduler.scheduler(), "scheduler", SchedulerSettings)
        | LOCAL
        | _of(SchedulerSettings, own),
        client=_of(ClientSettings, own),
        resources=luigi.configuration.get_config().getintdict("resources"),
        worker_id=worker.id or None,
        ignores_factory=own.pop(IGNORE_FACTORY, False),
    )


def _may_time_out() -> bool:
    """Whether any task that is known has a time limit of its own: Luigi runs such a one in a process."""
    register = luigi.task_register.Register
    return any(getattr(cls, "worker_timeout", None) is not None for cls in register._reg)


def _fields(config: Any, section: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Of one of Luigi's records what ours has, too."""
    found = {}
    for name, parameter in config.get_params():
        if name not in kind.__struct_fields__:
            continue
        value = getattr(config, name)
        said = luigi.configuration.get_config().has_option(section, name)
        if name in OWN_DEFAULTS and not said and value == parameter._default:
            continue
        found[name] = value.total_seconds() if isinstance(value, datetime.timedelta) else value
    return found


def _mail(worker: Any) -> dict[str, Any]:
    """To whom failures are mailed, as Luigi does: not from a terminal, unless it must be."""
    email = luigi.notifications.email()
    config = luigi.configuration.get_config()
    wanted = (
        bool(email.receiver) or config.has_option("smtp", "host") or config.has_option("email", "smtp_host")
    )
    if not wanted or not worker.send_failure_email or email.format == "none":
        return {}
    if sys.stdout.isatty() and not email.force_send:
        return {}
    if email.method != "smtp":
        logging.getLogger("luigi-interface").warning(
            "[email] method=%s: failures are not mailed; actorsched speaks SMTP only", email.method
        )
        return {}
    smtp = luigi.notifications.smtp()
    user = f"{quote(smtp.username, '')}:{quote(smtp.password or '', '')}@" if smtp.username else ""
    scheme = "smtps" if smtp.ssl else "smtp+starttls" if user and not smtp.no_tls else "smtp"
    return {
        "smtp": f"{scheme}://{user}{smtp.host}" + (f":{smtp.port}" if smtp.port else ""),
        "email_from": email.sender,
        "email_to": email.receiver or "",
    }


def _own_section() -> dict[str, Any]:
    config = luigi.configuration.get_config()
    if hasattr(config, "data"):
        said = dict(config.data.get(SECTION, {}))
    else:
        # what stands in [DEFAULT] is for all sections, and not for this one in particular
        names = config._sections.get(SECTION, {})
        said = {name: config.get(SECTION, name) for name in names}
    known = [
        name
        for kind in (WorkerSettings, SchedulerSettings, ClientSettings)
        for name in kind.__struct_fields__
    ]
    for name in said:
        if name.replace("-", "_") not in (*known, IGNORE_FACTORY):
            raise ConfigError(f"Luigi's settings: [{SECTION}] has no setting {name!r}{hint(name, known)}")
    own = {name.replace("-", "_"): value for name, value in said.items()}
    if IGNORE_FACTORY in own:
        own[IGNORE_FACTORY] = _flag(own[IGNORE_FACTORY])
    return own


def _flag(text: Any) -> bool:
    try:
        return msgspec.convert(text, bool, strict=False)
    except msgspec.ValidationError:
        raise ConfigError(
            f"Luigi's settings: [{SECTION}] {IGNORE_FACTORY} = {text!r}: expected true or false"
        ) from None


def _of(kind: type[msgspec.Struct], said: dict[str, Any]) -> dict[str, Any]:
    mine = {name: value for name, value in said.items() if name in kind.__struct_fields__}
    try:
        record = msgspec.convert(mine, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"Luigi's settings: [{SECTION}]: {error} in {mine!r}") from None
    return {name: getattr(record, name) for name in mine}
