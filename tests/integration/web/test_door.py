"""Who may come in over HTTP, from which page, and where the server listens."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import httpx
import pytest
import trustme

from actorsched import Scheduler
from actorsched.errors import AddressError, AddressInUseError, ConfigError
from actorsched.transport import guard, passwords
from actorsched.transport.guard import write_user
from actorsched.web import connection, doorkeeper
from actorsched.web.serving import WebServer


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    with Scheduler() as scheduler:
        yield scheduler


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    write_user(path, "anna", "full", "right: ü")
    write_user(path, "otto", "read-only", "look")
    return path


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "HERE"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        # a proxy that does not pass on how the browser calls it
        ({"sec-fetch-site": "same-origin", "origin": "https://tasks.example"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
        ({"host": "[::1"}, 421),
        ({"host": "localhost:1", "origin": "http://localhost:1"}, 200),
    ],
)
def test_pages_of_others_change_nothing(scheduler: Scheduler, headers: dict[str, str], status: int) -> None:
    with WebServer(scheduler, "127.0.0.1:0") as server:
        sent = {name: server.address if value == "HERE" else value for name, value in headers.items()}
        reply = httpx.post(f"{server.address}/api/pause", headers=sent)
    assert reply.status_code == status
    assert scheduler.is_paused()["paused"] is (status == 200)
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_names_of_other_servers_show_nothing_either(scheduler: Scheduler) -> None:
    with WebServer(scheduler, "127.0.0.1:0", host_names=("Tasks.example",)) as server:
        for host, status in (("evil.example", 421), ("tasks.example", 200), ("localhost:99", 200)):
            assert httpx.get(f"{server.address}/standing", headers={"host": host}).status_code == status


def test_a_password_is_asked_for_and_says_what_somebody_may_do(scheduler: Scheduler, users: Path) -> None:
    with WebServer(scheduler, "127.0.0.1:0", users=users) as server:
        anna, otto = ("anna", "right: ü"), ("otto", "look")
        for path in ("/", "/standing", "/metrics", "/static/app.js", "/api/is_paused"):
            reply = httpx.get(server.address + path)
            assert reply.status_code == 401
            assert reply.headers["www-authenticate"].startswith("Basic")
        latin_1 = base64.b64encode("anna:right: ü".encode("latin-1")).decode()  # so requests writes it
        headers = {"authorization": f"Basic {latin_1}"}
        assert httpx.get(f"{server.address}/standing", headers=headers).status_code == 200
        for auth in (("anna", "wrong"), ("nobody", "look"), ("otto", "")):
            assert httpx.get(f"{server.address}/standing", auth=auth).status_code == 401
        for text in ("Basic", "Basic !!!", "Basic " + "QQ==", "Bearer x", "basic " + "Og=="):
            reply = httpx.get(f"{server.address}/standing", headers={"authorization": text})
            assert reply.status_code == 401
        assert httpx.get(f"{server.address}/standing", auth=otto).json()["read_only"] is True
        refused = httpx.post(f"{server.address}/api/pause", auth=otto)
        assert (refused.status_code, "you may only look" in refused.text) == (403, True)
        assert httpx.post(f"{server.address}/api/pause", auth=anna).status_code == 200
        # a name that leads here by a trick brings no password with it
        assert httpx.get(f"{server.address}/", auth=anna, headers={"host": "elsewhere"}).status_code == 200
        users.write_text("", encoding="utf-8")
        assert httpx.get(f"{server.address}/standing", auth=anna).status_code == 401


@pytest.mark.parametrize(
    ("bind", "text"),
    [
        ("8082", "expected HOST:PORT"),
        ("127.0.0.1", "expected HOST:PORT"),
        ("127.0.0.1:x", "expected HOST:PORT"),
        ("127.0.0.1:99999", "expected HOST:PORT"),
        ("http://127.0.0.1:80", "expected HOST:PORT"),
        ("a@127.0.0.1:80", "expected HOST:PORT"),
        ("0.0.0.0:8082", "give --users"),
        ("nowhere.invalid:8082", "give --users"),
    ],
)
def test_a_bad_place_is_refused_with_the_remedy(scheduler: Scheduler, bind: str, text: str) -> None:
    with pytest.raises(AddressError, match=text) as caught:
        WebServer(scheduler, bind)
    assert repr(bind) in str(caught.value)


def test_strangers_need_a_password_and_encryption(scheduler: Scheduler, users: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    with pytest.raises(AddressError, match=r"give --certificate and --key, for https; or"):
        WebServer(scheduler, "0.0.0.0:0", users=users)
    with pytest.raises(AddressError, match=r"give --users, .*\); or"):
        WebServer(scheduler, "0.0.0.0:0", certificate=certificate, key=key)
    with WebServer(scheduler, "0.0.0.0:0", users=users, certificate=certificate, key=key) as server:
        address = server.address.replace("0.0.0.0", "localhost")
        assert address.startswith("https://")
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with httpx.Client(verify=context, auth=("otto", "look")) as client:
            assert client.get(f"{address}/standing").json()["read_only"] is True
    with WebServer(scheduler, "0.0.0.0:0", allow_remote=True) as server:
        address = server.address.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{address}/standing").status_code == 200
    with pytest.raises(ConfigError, match=r"key\.pem"):
        WebServer(scheduler, "127.0.0.1:0", certificate=key, key=key)
    with pytest.raises(ConfigError, match="no-users"):
        WebServer(scheduler, "127.0.0.1:0", users=tmp_path / "no-users")


def test_its_place_is_free_when_it_is_stopped(scheduler: Scheduler) -> None:
    server = WebServer(scheduler, "127.0.0.1:0")
    bind = server.address.removeprefix("http://")
    with pytest.raises(AddressInUseError, match="somebody else listens there"):
        WebServer(scheduler, bind)
    half = socket.create_connection(("127.0.0.1", int(bind.split(":")[1])))
    half.sendall(b"POST /api/pause HTTP/1.1\r\nhost: 127.0.0.1\r\n")  # and says no more
    server.stop()
    server.stop()
    half.close()
    with WebServer(scheduler, bind) as again:
        assert httpx.get(f"{again.address}/standing").status_code == 200


TIMEOUT_S = 60


def test_few_guesses_wait_for_their_hash_and_others_are_sent_away(
    scheduler: Scheduler, users: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line without end would keep people out for long after whoever guesses has gone."""
    go_on = threading.Event()
    monkeypatch.setattr(guard, "check_password", lambda *_: not go_on.wait(TIMEOUT_S))
    waiting = doorkeeper.WAITING_OF_ONE_MAX
    with WebServer(scheduler, "127.0.0.1:0", users=users) as server, ThreadPoolExecutor(waiting + 12) as pool:

        def guess(number: int) -> httpx.Response:
            return httpx.get(f"{server.address}/", auth=("anna", f"guess {number}"), timeout=TIMEOUT_S)

        guesses = [pool.submit(guess, number) for number in range(waiting + 12)]
        try:
            answered = as_completed(guesses, timeout=TIMEOUT_S / 2)
            busy = [next(answered).result() for _ in range(12)]
        finally:
            go_on.set()
        assert {(reply.status_code, reply.headers["retry-after"]) for reply in busy} == {(503, "1")}
        assert [each.result().status_code for each in answered] == waiting * [401]


def test_those_who_say_the_same_cost_one_hash(
    scheduler: Scheduler, users: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All workers of a machine come back at once when this server is started again."""
    hashed, knocked, all_there = [], [], threading.Event()
    check, admit = passwords.check_password, guard.PlainGuard.admit

    def count_and_check(password: bytes, line: str) -> bool:
        hashed.append(password)
        all_there.wait(TIMEOUT_S)
        return check(password, line)

    def count_and_admit(self: guard.PlainGuard, credentials: tuple[bytes, bytes]) -> object:
        verdict = admit(self, credentials)
        knocked.append(1)
        if len(knocked) == 20:
            all_there.set()
        return verdict

    monkeypatch.setattr(guard, "check_password", count_and_check)
    monkeypatch.setattr(guard.PlainGuard, "admit", count_and_admit)
    with WebServer(scheduler, "127.0.0.1:0", users=users) as server, ThreadPoolExecutor(20) as pool:

        def ask(_: int) -> int:
            reply = httpx.get(f"{server.address}/standing", auth=("otto", "look"), timeout=TIMEOUT_S)
            return reply.status_code

        assert set(pool.map(ask, range(20))) == {200}
    assert hashed == [b"look"]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nhost: 127",
        # refused before its body has come, which never does
        b"POST /api/pause HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 9\r\n\r\nda",
        b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET / HT",
    ],
)
def test_whoever_says_no_whole_request_is_not_kept(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connection, "HEADERS_S", 0.2)
    with WebServer(scheduler, "127.0.0.1:0") as server:
        place = ("127.0.0.1", int(server.address.rpartition(":")[2]))
        with socket.create_connection(place, timeout=TIMEOUT_S) as half:
            half.sendall(said)
            try:
                while half.recv(65536):
                    pass
            except ConnectionResetError:
                pass
