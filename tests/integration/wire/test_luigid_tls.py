"""A stock luigid behind a proxy that speaks TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import actorsched
from actorsched.errors import ConfigError, SchedulerUnreachableError, UntrustedServerError
from tests.integration.wire.test_luigid import Numbered
from tests.integration.wire.test_luigid import luigid as luigid

pytest.importorskip("httpx")
trustme = pytest.importorskip("trustme")

LONG_S = 60.0
Connect = Callable[..., Any]


class Proxy:
    """Passes on what it decrypts to a Unix socket; in a thread of its own.

    Args:
        certificate: what it shows.
        target: path of the socket.
    """

    def __init__(self, certificate: Any, target: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._target = target
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, sock=self._listening, ssl=self._context)
        await self._over.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError):  # luigid may not be there yet
            inner_reader, inner_writer = await asyncio.open_unix_connection(self._target)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
            inner_writer.transport.abort()
        writer.transport.abort()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(LONG_S)
        self._loop.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    target.close()


@pytest.fixture
def authority() -> Any:
    return trustme.CA()


@pytest.fixture
def trusted(authority: Any, tmp_path: Path) -> str:
    """The file with the certificate of who signs."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.fixture
def make_proxy() -> Iterator[Callable[[Any, str], Proxy]]:
    proxies: list[Proxy] = []

    def make(certificate: Any, url: str) -> Proxy:
        proxies.append(Proxy(certificate, unquote(url.removeprefix("http+unix://"))))
        return proxies[-1]

    yield make
    for proxy in proxies:
        proxy.close()


def test_a_pipeline_is_finished_through_tls(
    luigid: str, authority: Any, trusted: str, make_proxy: Any, connect: Connect, tmp_path: Path
) -> None:
    """With a certificate of one's own authority; calls and pings have a connection each that they keep."""
    proxy = make_proxy(authority.issue_cert("127.0.0.1"), luigid)
    with connect(luigid, patience=LONG_S) as direct:
        direct.ping("w")  # it is there
    client = connect(f"https://{proxy.address}", tls_ca=trusted)
    task = Numbered(folder=str(tmp_path), n=3)
    assert actorsched.build([task], scheduler=client, execution="inline", wait_interval=0.1).succeeded
    assert len(client.task_list(status="DONE", upstream_status="")) == 4
    assert proxy.connections <= 3


@pytest.mark.parametrize("why", ["nobody knows it", "another authority", "another name"])
def test_a_certificate_that_is_not_trusted_is_refused(
    why: str, luigid: str, authority: Any, trusted: str, make_proxy: Any, connect: Connect
) -> None:
    """At once, with what to do; a password is not sent."""
    signed_by = trustme.CA() if why == "another authority" else authority
    proxy = make_proxy(signed_by.issue_cert("other.org" if why == "another name" else "127.0.0.1"), luigid)
    url = f"https://eve:secret@{proxy.address}"
    client = connect(url, **({} if why == "nobody knows it" else {"tls_ca": trusted}))
    with pytest.raises(UntrustedServerError, match=r"https://.* not trusted \(.*\); .*--tls-ca") as caught:
        client.ping("w")
    assert "secret" not in str(caught.value)


def test_a_server_without_tls_is_told_from_one_that_is_away(connect: Connect, free_address: str) -> None:
    """The address says one thing, and who is there another."""
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            with plain.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UntrustedServerError, match="does not speak TLS; is it http://"):
            connect(f"https://127.0.0.1:{plain.getsockname()[1]}").ping("w")
        thread.join(LONG_S)
    with pytest.raises(SchedulerUnreachableError):
        connect(free_address.replace("tcp", "https"), patience=0.1).ping("w")


def test_a_file_without_certificates_is_refused_at_the_start(connect: Connect, tmp_path: Path) -> None:
    """By its name, before anything is sent."""
    (tmp_path / "empty.pem").write_text("no certificate\n")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(ConfigError, match=rf"tls_ca='.*{name}': no certificates .* PEM"):
            connect("https://127.0.0.1:1", tls_ca=str(tmp_path / name))
