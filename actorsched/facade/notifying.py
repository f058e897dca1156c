"""Telling people about failures: a hook, and one that sends mail.

A notifier is called in the worker's own thread and must be quick. `SmtpNotifier` only notes the failure;
a thread of its own sends, with what has come up meanwhile in one mail for each recipient, so that a
thousand tasks that fail together are no thousand mails. A mail server that is away costs mails and
nothing else.
"""

from __future__ import annotations

import queue
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

from actorsched.actors.log import log
from actorsched.errors import ConfigError

#: seconds that failures are collected before a mail goes out
COLLECT_S = 1.0
#: of the failures in one mail so many are told in full
TOLD_MAX = 20
#: attempts at each mail, and seconds between them
ATTEMPTS = 3
PAUSE_S = 1.0
#: seconds that one step of a conversation with the mail server may take
TIMEOUT_S = 10.0
#: seconds that closing waits for the last mails
CLOSE_S = 30.0

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A task that failed, or could not be scheduled.

    Attributes:
        what: "failed" or "could not be scheduled".
        cause: one line; `detail` is the whole story, a traceback as a rule.
        owners: who the task says wants to know (`owner_email`).
        worker: which worker saw it.
    """

    task_id: str
    name: str
    what: str
    cause: str
    detail: str
    owners: tuple[str, ...]
    worker: str


Notifier = Callable[[Failure], None]


def notify_with(notifier: Notifier, worker: str) -> Callable[[str, Mapping[str, Any]], None]:
    """Return what an actor may tell, and the notifier hears as failures."""

    def observe(kind: str, fields: Mapping[str, Any]) -> None:
        outcome = fields.get("outcome")
        if outcome is None or outcome.status != "FAILED" or fields["given_back"]:
            return
        notifier(
            Failure(
                task_id=fields["task_id"],
                name=fields["name"],
                what="failed" if kind == "ended" else "could not be scheduled",
                cause=outcome.cause,
                detail=outcome.error,
                owners=tuple(fields["owners"]),
                worker=worker,
            )
        )

    return observe


class SmtpNotifier:
    """Sends mail to the owners of a task and to those who want to hear of all.

    Args:
        url: `smtp://[user:password@]host[:port]`, `smtp+starttls://…` or `smtps://…`.
        sender: the address that it comes from.
        recipients: who hears of every failure.

    Raises:
        ConfigError: the url cannot be understood.
    """

    def __init__(self, url: str, sender: str, recipients: tuple[str, ...] = ()) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            shown = url if "@" not in url else f"…@{url.rpartition('@')[2]}"  # a password is not shown
            raise ConfigError(
                f"setting smtp={shown!r}: expected smtp://host:port, "
                "smtp+starttls://user:password@host:port or smtps://…"
            )
        self._scheme, self._host = parts.scheme, parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender
        self._recipients = recipients
        self._failures: queue.SimpleQueue[Failure | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def __call__(self, failure: Failure) -> None:
        """Note a failure, to be sent soon; any thread."""
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="actorsched-mail", daemon=True)
                self._thread.start()
        self._failures.put(failure)

    def close(self) -> None:
        """Send what waits, and end."""
        with self._guard:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._failures.put(None)
            thread.join(CLOSE_S)

    def _work(self) -> None:
        over = False
        while not over:
            first = self._failures.get()
            if first is None:
                return
            found = [first]
            until = time.monotonic() + COLLECT_S
            while not over and (left := until - time.monotonic()) > 0:
                try:
                    failure = self._failures.get(timeout=left)
                except queue.Empty:
                    break
                if failure is None:
                    over = True
                else:
                    found.append(failure)
            for recipient, failures in self._by_recipient(found).items():
                self._send(compose(self._sender, recipient, failures))

    def _by_recipient(self, failures: list[Failure]) -> dict[str, list[Failure]]:
        found: dict[str, list[Failure]] = {}
        for failure in failures:
            for recipient in dict.fromkeys((*failure.owners, *self._recipients)):
                if recipient.strip():
                    found.setdefault(recipient.strip(), []).append(failure)
        return found

    def _send(self, message: EmailMessage) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._connect() as server:
                    server.send_message(message)
                return
            except (OSError, smtplib.SMTPException) as error:
                log.warning(
                    "a mail could not be sent",
                    to=message["To"],
                    server=f"{self._host}:{self._port}",
                    attempt=attempt,
                    error=str(error),
                )
                if attempt < ATTEMPTS:
                    time.sleep(PAUSE_S)

    def _connect(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        if self._scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        return self._logged_in(server)

    def _logged_in(self, server: smtplib.SMTP) -> smtplib.SMTP:
        if self._user:
            server.login(self._user, self._password)
        return server


def compose(sender: str, recipient: str, failures: list[Failure]) -> EmailMessage:
    """The mail that tells one recipient of some failures."""
    message = EmailMessage()
    first = failures[0]
    subject = f"{first.name} {first.what}" if len(failures) == 1 else f"{len(failures)} tasks failed"
    message["Subject"] = " ".join(f"actorsched: {subject}".split())[:200]
    message["From"] = sender
    message["To"] = recipient
    parts = [
        f"{failure.name} {failure.what}: {failure.cause}\n"
        f"task id: {failure.task_id}\nworker: {failure.worker}\n\n{failure.detail}\n"
        for failure in failures[:TOLD_MAX]
    ]
    if len(failures) > TOLD_MAX:
        parts.append("\n".join(f"{failure.name}: {failure.cause}" for failure in failures[TOLD_MAX:]))
    message.set_content(("\n" + "-" * 70 + "\n\n").join(parts))
    return message
