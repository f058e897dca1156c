"""Our workers and a stock luigid, over HTTP."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

import actorsched
from actorsched.actors.messages import Call, Heard, KeepAlive
from actorsched.errors import (
    AccessDeniedError,
    AddressError,
    ProtocolError,
    RemoteError,
    SchedulerUnreachableError,
    UnknownMethodError,
)

pytest.importorskip("httpx")

LONG_S = 60.0
Connect = Callable[..., Any]


class Numbered(actorsched.Task):
    """A chain of files, with a retry policy of which a luigid knows a part."""

    folder: str
    n: int

    retry_count = 3
    retry_delay = 1.0
    retry_backoff = 2.0

    def requires(self) -> list[Any]:
        return [Numbered(folder=self.folder, n=self.n - 1)] if self.n else []

    def output(self) -> Any:
        return actorsched.LocalTarget(f"{self.folder}/{self.n}")

    def run(self) -> None:
        with self.output().open("w") as file:
            file.write(str(self.n))


@pytest.fixture
def luigid(tmp_path: Path) -> Iterator[str]:
    """A real one, on a Unix socket, which needs no free port; its URL."""
    socket, log = tmp_path / "luigid.sock", tmp_path / "luigid.log"
    command = [os.path.join(os.path.dirname(sys.executable), "luigid"), "--unix-socket", str(socket)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, "--state-path", str(tmp_path / "state")], stdout=output, stderr=output, cwd=tmp_path
        ) as process,
    ):
        yield f"http+unix://{str(socket).replace('/', '%2F')}"
        process.terminate()


def test_a_pipeline_is_finished_with_a_stock_luigid(luigid: str, connect: Connect, tmp_path: Path) -> None:
    """Also while it is still starting; and it shows what was done."""
    client = connect(luigid, patience=LONG_S)
    task = Numbered(folder=str(tmp_path), n=4)
    result = actorsched.build([task], scheduler=client, execution="inline", wait_interval=0.1)
    assert result.succeeded
    assert (tmp_path / "4").read_text() == "4"
    done = client.task_list(status="DONE", upstream_status="")
    assert len(done) == 5
    assert task.task_id in done
    assert client.resource_list(limit=3, after="x") == []
    assert client.hello()["protocol_version"] == 1
    with pytest.raises(UnknownMethodError):
        client.cancel_task(task.task_id)


def test_messages_of_a_stock_luigid_come_with_the_pings(luigid: str, connect: Connect, listener: Any) -> None:
    """Which go on beside the calls."""
    ref, heard, told = listener
    client = connect(luigid, patience=LONG_S)
    client.add_worker("w", {"workers": 1})
    client.set_worker_processes("w", 3)
    client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.01, listener=ref))
    assert told.wait(LONG_S)
    assert heard == [Heard(worker="w", rpc_messages=({"name": "set_worker_processes", "kwargs": {"n": 3}},))]


class Gateway:
    """A web server that answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.away = False
        self._news = threading.Condition()
        self.connections = 0
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                gateway.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                data = json.loads(parse_qs(body)["data"][0])
                with gateway._news:
                    gateway.asked.append((self.path, data, self.headers.get("Authorization", "")))
                    gateway._news.notify_all()
                status, answer = gateway.answers.pop(0) if gateway.answers else (200, b'{"response": 7}')
                if gateway.away:
                    status, answer = 503, b"away"
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def wait_for(self, n: int) -> bool:
        """Wait until it was asked so often."""
        with self._news:
            return self._news.wait_for(lambda: len(self.asked) >= n, LONG_S)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(LONG_S)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.close()


def test_user_and_password_go_with_each_request(gateway: Gateway, connect: Connect) -> None:
    """As a proxy in front of a luigid wants them; one connection serves all."""
    client = connect(f"http://eve:p%40ss@{gateway.address}/luigi/")
    assert client.ping("w") == client.ping("w") == 7
    path, data, authorization = gateway.asked[0]
    assert (path, data) == ("/luigi/api/ping", {"worker": "w"})
    assert base64.b64decode(authorization.removeprefix("Basic ")) == b"eve:p@ss"
    assert gateway.connections == 1
    assert "p@ss" not in client.url + repr(client)
    with pytest.raises(AddressError, match="for everybody to read"):
        connect("http://eve:pass@example.org:1")


@pytest.mark.parametrize("status", [502, 503, 504, 429])
def test_a_scheduler_that_is_away_is_asked_again(status: int, gateway: Gateway, connect: Connect) -> None:
    """A proxy says so."""
    gateway.answers += [(status, b"away")] * 2
    assert connect(f"http://{gateway.address}").ping("w") == 7
    assert len(gateway.asked) == 3


def test_a_loss_is_told_of_once(gateway: Gateway, connect: Connect, logged: Any) -> None:
    """Calls and pings go ways of their own, and a ping gives up and is due again; it is the same loss."""
    client = connect(f"http://{gateway.address}", connect_timeout=0.5)
    client.ping("w")
    gateway.away = True
    with client.keep_alive("w", interval_s=0.01):
        waiting = client.actor_ref.ask(Call(method="prune", params={}), block=False)
        for _ in range(20):
            asked = len(gateway.asked)
            assert gateway.wait_for(asked + 1)
        gateway.away = False
        assert waiting.get(timeout=LONG_S) == 7
        assert logged.wait_for("contact with the scheduler is back")
    assert logged.events[:2] == ["lost contact with the scheduler", "contact with the scheduler is back"]


def test_pings_that_fail_are_told_of_once(gateway: Gateway, connect: Connect, logged: Any) -> None:
    """And when they succeed again."""
    gateway.answers += [(500, b"trace")] * 5
    with connect(f"http://{gateway.address}").keep_alive("w", interval_s=0.01):
        assert logged.wait_for("pings succeed again")
    assert logged.events == ["pings fail", "pings succeed again"]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b"", UnknownMethodError),
        (401, b"", AccessDeniedError),
        (403, b"", AccessDeniedError),
        (500, b"trace", RemoteError),
        (302, b"", RemoteError),
        (200, b"<html>", ProtocolError),
        (200, b"{}", ProtocolError),
        (200, b"[" * 100_000, ProtocolError),
    ],
)
def test_an_answer_that_is_none_is_an_error(
    status: int, body: bytes, error: type[Exception], gateway: Gateway, connect: Connect
) -> None:
    """At once: it would be the same the next time."""
    gateway.answers.append((status, body))
    client = connect(f"http://eve:secret@{gateway.address}")
    with pytest.raises(error) as caught:
        client.ping("w")
    assert "secret" not in str(caught.value)
    assert client.ping("w") == 7


def test_nobody_there_is_an_error_within_the_patience(free_address: str, connect: Connect) -> None:
    """The next address is tried, too."""
    nobody = free_address.replace("tcp", "http")
    with pytest.raises(SchedulerUnreachableError, match="is it running"):
        connect(nobody, patience=0.1).ping("w")
    client = connect(nobody)
    with pytest.raises(SchedulerUnreachableError):
        client.within(0.1).ping("w")


def test_a_client_that_is_closed_answers_whoever_waits(free_address: str, connect: Connect) -> None:
    """With an error."""
    client = connect(free_address.replace("tcp", "http"), patience=0.0)
    ended: list[Exception] = []

    def wait() -> None:
        try:
            client.ping("w")
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    client.close()
    thread.join(LONG_S)
    assert len(ended) == 1


def test_the_next_address_of_a_luigid_takes_over(
    free_address: str, gateway: Gateway, connect: Connect
) -> None:
    """As with ours."""
    url = f"{free_address.replace('tcp', 'http')},http://{gateway.address}"
    assert connect(url).ping("w") == 7
