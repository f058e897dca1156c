"""Failures are told: to a hook, and by mail, to a mail server in this process."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from actorsched import Task, build
from actorsched.errors import ConfigError
from actorsched.facade.notifying import Failure, SmtpNotifier


class Postbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"

    def to(self, recipient: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == recipient]


@pytest.fixture
def postbox() -> Iterator[tuple[Postbox, str]]:
    postbox = Postbox()
    with socket.socket() as free:  # aiosmtpd wants to know its port before it begins
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(postbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield postbox, f"smtp://127.0.0.1:{port}"
    controller.stop()


class Fails(Task):
    n: int

    owner_email = "owner@example.org"

    def run(self) -> None:
        raise ValueError(f"bad luck {self.n}")


class CannotBeAsked(Task):
    owner_email = "owner@example.org"

    def complete(self) -> bool:
        raise RuntimeError("no such table")


class Works(Task):
    owner_email = "owner@example.org"

    def run(self) -> None: ...


OPTIONS: dict[str, Any] = {"execution": "inline", "email_to": "all@example.org", "log_dir": "off"}


def test_owners_and_those_who_want_all_get_one_mail_with_everything(postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    build([Fails(1), Fails(2), Works(), CannotBeAsked()], smtp=url, **OPTIONS)
    for recipient in ("owner@example.org", "all@example.org"):
        [mail] = box.to(recipient)
        assert mail["Subject"] == "actorsched: 3 tasks failed"
        text = mail.get_content()
        assert "Fails(n=1) failed: ValueError: bad luck 1" in text
        assert 'raise ValueError(f"bad luck {self.n}")' in text
        assert "CannotBeAsked() could not be scheduled: RuntimeError: no such table" in text
        assert "Works" not in text


def test_a_run_without_failures_sends_nothing(postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    assert build([Works()], smtp=url, **OPTIONS).succeeded
    assert box.mails == []


def test_a_mail_server_that_is_away_costs_mails_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actorsched.facade.notifying.PAUSE_S", 0.0)
    result = build([Fails(1), Works()], smtp="smtp://127.0.0.1:1", **OPTIONS)
    assert (result.counts["failed"], result.counts["ran"]) == (1, 1)


def test_a_hook_hears_of_each_failure_and_takes_the_place_of_mail(postbox: tuple[Postbox, str]) -> None:
    box, url = postbox
    heard: list[Failure] = []
    build([Fails(1), CannotBeAsked()], smtp=url, notifier=heard.append, **OPTIONS)
    assert sorted((failure.name, failure.what, failure.owners) for failure in heard) == [
        ("CannotBeAsked()", "could not be scheduled", ("owner@example.org",)),
        ("Fails(n=1)", "failed", ("owner@example.org",)),
    ]
    assert box.mails == []


def test_a_bad_url_is_refused_without_showing_its_password() -> None:
    with pytest.raises(ConfigError, match="expected smtp://host:port") as caught:
        SmtpNotifier("http://me:secret@mail", "a@b")
    assert "secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # smtps has it from the start
@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_mail_server_may_ask_for_encryption_and_a_password(
    scheme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As those of providers do; whoever cannot show a trusted certificate gets no password."""
    trustme = pytest.importorskip("trustme")
    authority, certificate = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(certificate)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    logins: list[tuple[bytes, bytes]] = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p@ss")

    box, starttls = Postbox(), scheme == "smtp+starttls"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=port, authenticator=check, auth_required=True,
        ssl_context=None if starttls else certificate,
        tls_context=certificate if starttls else None, auth_require_tls=starttls,
    )  # fmt: skip
    # it looks whether it listens, in a way that does not work with its own certificate
    controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", port), 10).close()
    monkeypatch.setattr("actorsched.facade.notifying.PAUSE_S", 0.0)
    controller.start()
    try:
        url = f"{scheme}://me:p%40ss@localhost:{port}"
        build([Fails(1)], smtp=url, **OPTIONS)
        assert (box.mails, logins) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        build([Fails(1)], smtp=url, **OPTIONS)
    finally:
        controller.stop()
    assert sorted(str(mail["To"]) for mail in box.mails) == ["all@example.org", "owner@example.org"]
    assert logins == [(b"me", b"p@ss")] * 2
