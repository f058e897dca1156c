"""Calls over HTTP, as Luigi's clients write them: each has its effect or an error that says why not."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from actorsched import Scheduler
from actorsched.errors import ConfigError, SchedulerUnreachableError, UnavailableError
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.methods import METHODS
from actorsched.web import app, calls, serving
from actorsched.web.app import STATIC
from actorsched.web.serving import WebServer

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js"))}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with (
        Scheduler(resources={"db": 2}) as scheduler,
        WebServer(scheduler, "127.0.0.1:0", about="here") as server,
        httpx.Client(base_url=server.address) as client,
    ):
        yield client


def call(client: httpx.Client, method: str, **params: Any) -> Any:
    """As Luigi's client asks."""
    reply = client.post(f"/api/{method}", data={"data": json.dumps(params)})
    assert reply.status_code == 200, reply.text
    return reply.json()["response"]


def test_a_life_of_a_worker_of_luigi(client: httpx.Client) -> None:
    call(client, "add_worker", worker="w", info=[["host", "here"], ["workers", 2]])
    # Python's way to write that there is no limit
    call(
        client,
        "add_task_batcher",
        worker="w",
        task_family="F",
        batched_args=["n"],
        max_batch_size=float("inf"),
    )
    call(client, "add_task", task_id="A", worker="w", family="F", params={"n": "1"}, resources={"db": 1})
    work = call(client, "get_work", worker="w", host="here", assistant=False, current_tasks=[])
    assert work["task_id"] == "A"
    standing = client.get("/standing").json()
    assert (standing["scheduler"], standing["read_only"], standing["paused"]) == ("here", False, False)
    assert standing["tasks"]["RUNNING"] == 1
    assert standing["workers"] == {"active": 1, "disabled": 0, "slots": 2, "busy": 1}
    assert standing["resources"] == {"db": {"total": 2, "used": 1}}
    call(client, "add_task", task_id="A", worker="w", status="FAILED", expl="bröken")
    assert (
        client.get("/api/fetch_error", params={"data": '{"task_id": "A"}'}).json()["response"]["error"]
        == "bröken"
    )


def test_arguments_may_be_the_body_itself_or_missing(client: httpx.Client) -> None:
    assert client.post("/api/update_resource", json={"resource": "gpu", "amount": 1}).json() == {
        "response": True
    }
    assert client.post("/api/pause").status_code == 200
    assert client.get("/api/is_paused").json() == {"response": {"paused": True}}


@pytest.mark.parametrize(
    ("verb", "path", "content", "status", "text"),
    [
        ("GET", "/api/pause", b"", 405, "pause changes something: ask for it by POST"),
        ("GET", "/api/taks_list", b"", 404, "no method 'taks_list'; did you mean 'task_list'?"),
        ("GET", "/api/__class__", b"", 404, "no method"),
        ("GET", "/api/_call", b"", 404, "no method"),
        ("GET", "/api/task_list?data=%5B1%5D", b"", 400, "expected a JSON object, name to value"),
        ("GET", "/api/task_list?data=%7B", b"", 400, "data='{': expected a JSON object"),
        ("POST", "/api/cancel_task", b'data={"task_id": 7}', 400, "cancel_task(task_id=7): Expected"),
        ("POST", "/api/cancel_task", b"", 400, "task_id"),
        ("POST", "/api/pause", b'data={"loud": true}', 400, "pause takes no argument 'loud'"),
        ("POST", "/api/ping", b"data=\xff\xfe", 400, "not UTF-8"),
        ("POST", "/api/ping", b"&".join([b"a=1"] * 30), 400, "the form cannot be read"),
        ("POST", "/api/ping", b'data={"worker": NaN}', 400, "NaN is no number"),
        ("POST", "/api/ping", b"data=" + b"[" * 100_000, 400, "expected a JSON object"),
        ("POST", "/api/ping", b"data=" + b"9" * 100_000, 400, "expected a JSON object"),
        ("POST", "/", b"", 405, ""),
        ("GET", "/static/../app.py", b"", 404, ""),
        ("GET", "/static/%2e%2e/app.py", b"", 404, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_done_says_why(
    client: httpx.Client, verb: str, path: str, content: bytes, status: int, text: str
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = client.request(verb, path, content=content, headers=headers)
    assert (reply.status_code, text in reply.text) == (status, True), reply.text
    assert client.get("/api/is_paused").json()["response"] == {"paused": False}


def test_a_body_without_end_is_not_kept(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "BODY_BYTES_MAX", 1000)
    reply = client.post("/api/ping", content=(b"x" * 500 for _ in range(4)))
    assert reply.status_code == 413
    assert "longer than 1000 bytes" in reply.text


class _Away(SchedulerApi):
    def __init__(self, error: Exception) -> None:
        self._error = error

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        raise self._error


@pytest.mark.parametrize("error", [SchedulerUnreachableError("it is away"), UnavailableError("not now")])
def test_a_scheduler_that_is_away_is_no_fault_of_whoever_asks(error: Exception) -> None:
    with (
        WebServer(_Away(error), "127.0.0.1:0") as server,
        httpx.Client(base_url=server.address) as client,
    ):
        for path in ("/api/is_paused", "/standing"):
            reply = client.get(path)
            assert (reply.status_code, reply.json()["error"]) == (503, str(error))
        assert client.get("/").status_code == 200
        assert "actorsched_scheduler_up 0.0" in client.get("/metrics").text


def test_metrics_are_in_the_form_of_prometheus(client: httpx.Client) -> None:
    call(client, "add_worker", worker="w", info={"workers": 3})
    call(client, "add_task", task_id="A", worker="w", resources={"db": 1}, family='"quoted"\\')
    call(client, "get_work", worker="w")
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    lines = reply.text.splitlines()
    for line in (
        "scheduler_up 1.0",
        "scheduler_paused 0.0",
        'tasks{status="RUNNING"} 1.0',
        'tasks{status="FAILED"} 0.0',
        'workers{state="active"} 1.0',
        "slots 3.0",
        "slots_busy 1.0",
        'resource_total{resource="db"} 2.0',
        'resource_used{resource="db"} 1.0',
    ):
        assert f"actorsched_{line}" in lines


def test_the_page_asks_for_what_there_is() -> None:
    """Each call in the page has a method that takes these arguments, and changes something only by POST."""
    script = "".join(SCRIPTS.values())
    found = re.findall(r'\b(look|change)\("(\w+)"(?:, \{ ([^}]*) \})?', script)
    assert len(found) > 10
    for verb, name, arguments in found:
        method = METHODS[name]
        assert method.reads_only == (verb == "look"), name
        given = {part.split(":")[0].strip() for part in (arguments or "").split(",") if part.strip()}
        assert given <= {parameter.name for parameter in method.parameters}, (name, given)
    named = set(re.findall(r'sure\("[^"]*", "(\w+)"\)', script))
    assert named
    assert not any(METHODS[name].reads_only for name in named)
    assert "innerHTML" not in script


def test_the_page_is_whole(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        assert client.get(f"/{link}").status_code == 200
    ids = set(re.findall(r'\bid="([\w-]+)"', page.text))
    used = set(re.findall(r'\$\("([\w-]+)"\)', "".join(SCRIPTS.values())))
    assert used <= ids
    for name, text in SCRIPTS.items():
        assert client.get(f"/static/{name}").text == text
        for names, source in re.findall(r'^import \{ ([^}]*) \} from "\./([\w.]+)";$', text, re.MULTILINE):
            for each in names.split(", "):
                assert re.search(
                    rf"^export .*\b(?:function|const) {re.escape(each)}(?!\w)", SCRIPTS[source], re.MULTILINE
                )
                assert len(re.findall(rf"(?<!\w){re.escape(each)}(?!\w)", text)) > 1, f"{name}: {each}"


def test_whoever_changes_something_sees_it_at_once(client: httpx.Client) -> None:
    """Although a look is good for a second, for all who look."""
    for method, paused in (("pause", True), ("unpause", False), ("pause", True)):
        assert client.post(f"/api/{method}", headers={"origin": str(client.base_url)}).status_code == 200
        assert client.get("/standing").json()["paused"] is paused


def test_runs_that_have_ended_are_shown_where_the_history_can_be_read(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    with Scheduler(store=store, record_task_history=True) as scheduler:
        for number in range(3):
            scheduler.add_task(task_id=f"T_{number}", worker="w", family="T", params={"n": str(number)})
            run_id = scheduler.get_work(worker="w")["run_id"]
            status = "FAILED" if number == 1 else "DONE"
            scheduler.add_task(task_id=f"T_{number}", worker="w", status=status, run_id=run_id, expl='"oh"')
    # what was done is in the history when the scheduler has closed it
    with (
        Scheduler() as scheduler,
        WebServer(scheduler, "127.0.0.1:0", store=store) as server,
        httpx.Client(base_url=server.address) as client,
    ):
        assert client.get("/standing").json()["has_runs"] is True
        found = client.get("/runs").json()
        assert ([run["task_id"] for run in found["runs"]], found["more"]) == (["T_2", "T_1", "T_0"], False)
        found = client.get("/runs", params={"limit": "1", "outcome": "DONE"}).json()
        assert ([run["task_id"] for run in found["runs"]], found["more"]) == (["T_2"], True)
        failed = client.get("/runs", params={"task": "T_1"}).json()["runs"]
        assert [(run["outcome"], run["error"]) for run in failed] == [("FAILED", '"oh"')]
        for limit in ("0", "x", "1001", "9" * 5000):
            reply = client.get("/runs", params={"limit": limit})
            assert (reply.status_code, "from 1 to 1000" in reply.text) == (400, True)
    none = f"sqlite:///{tmp_path}/none.db"
    with WebServer(scheduler, "127.0.0.1:0", store=none) as server:  # the first run that ends will make it
        reply = httpx.get(f"{server.address}/runs")
        assert (reply.status_code, "there is no history" in reply.text) == (503, True)
    with pytest.raises(ConfigError, match="nonsense"):
        WebServer(scheduler, "127.0.0.1:0", store="nonsense")


def test_a_store_in_memory_has_no_history_to_be_read() -> None:
    """One variable of the environment names the store for the scheduler and for its page."""
    with (
        Scheduler() as scheduler,
        WebServer(scheduler, "127.0.0.1:0", store="memory://") as server,
    ):
        assert httpx.get(f"{server.address}/standing").json()["has_runs"] is False


def test_without_a_history_there_are_no_runs(client: httpx.Client) -> None:
    assert client.get("/standing").json()["has_runs"] is False
    reply = client.get("/runs")
    assert (reply.status_code, "--store" in reply.text) == (404, True)


def test_many_who_look_at_a_scheduler_that_is_away_wait_for_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not each for a look of his own, one after the other."""
    monkeypatch.setattr(app, "STANDING_S", 1000.0)
    away = _Away(SchedulerUnreachableError("it is away"))
    looks = []
    away.hello = lambda *_: looks.append(1) or away._call("hello", {})  # type: ignore
    with WebServer(away, "127.0.0.1:0") as server, httpx.Client(base_url=server.address) as client:
        assert {client.get("/standing").status_code for _ in range(5)} == {503}
    assert len(looks) == 1


class _Counting(SchedulerApi):
    """A scheduler that counts who looks at it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.looks = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        answer = getattr(self._scheduler, method)(**params)
        if method == "is_paused":
            self.looks += 1
            self.meanwhile()
        return answer


def test_what_luigis_workers_send_makes_nobody_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """They send heartbeats all the time."""
    monkeypatch.setattr(app, "STANDING_S", 1000.0)
    with Scheduler() as scheduler:
        counting = _Counting(scheduler)
        with WebServer(counting, "127.0.0.1:0") as server, httpx.Client(base_url=server.address) as client:
            for _ in range(5):
                call(client, "ping", worker="w")
                assert client.get("/standing").status_code == 200
        assert counting.looks == 1


def test_what_is_changed_while_somebody_looks_is_seen_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "STANDING_S", 1000.0)
    with Scheduler() as scheduler:
        counting = _Counting(scheduler)
        with WebServer(counting, "127.0.0.1:0") as server, httpx.Client(base_url=server.address) as client:

            def pause() -> None:
                counting.meanwhile = lambda: None
                reply = httpx.post(f"{server.address}/api/pause", headers={"origin": server.address})
                assert reply.status_code == 200

            counting.meanwhile = pause
            assert client.get("/standing").json()["paused"] is False
            assert client.get("/standing").json()["paused"] is True


class _Slow(SchedulerApi):
    """Answers heartbeats at once, and whoever looks when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        if method != "ping":
            self.asked.set()
            self.go_on.wait(60)
            raise UnavailableError("not now")
        return {}


@pytest.mark.parametrize("path", ["/standing", "/metrics", "/api/task_list"])
def test_those_who_look_keep_nobody_who_works_waiting(path: str) -> None:
    slow = _Slow()
    with WebServer(slow, "127.0.0.1:0") as server, httpx.Client(base_url=server.address) as client:
        place = ("127.0.0.1", int(server.address.rpartition(":")[2]))
        request = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode()
        looking = [socket.create_connection(place) for _ in range(60)]
        try:
            for each in looking:
                each.sendall(request)
            for _ in range(20):  # meanwhile all of them have come
                assert (
                    client.post("/api/ping", data={"data": '{"worker": "w"}'}, timeout=30).status_code == 200
                )
        finally:
            slow.go_on.set()
            for each in looking:
                each.close()


def test_whoever_waits_when_it_is_stopped_is_told_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And nobody finds a traceback in the log."""
    monkeypatch.setattr(serving, "GOODBYE_S", 0)
    slow = _Slow()
    with WebServer(slow, "127.0.0.1:0") as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(httpx.get, f"{server.address}/api/task_list", timeout=60)
        try:
            assert slow.asked.wait(60)
            server.stop()
            reply = waiting.result(60)
        finally:
            slow.go_on.set()
    assert (reply.status_code, "was stopped" in reply.text) == (503, True)
    assert "Traceback" not in caplog.text
