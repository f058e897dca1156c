"""Who is let in, and what he may do there."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from actorsched.actors.log import log
from actorsched.errors import AccessDeniedError, AddressError, ConfigError, SchedulerUnreachableError
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.rpc.methods import METHODS, READ_ONLY
from actorsched.transport.guard import AUTHORISED, read_users, write_user
from actorsched.transport.guard import READ_ONLY as READ_ONLY_FOLDER
from actorsched.transport.keys import make_pair
from tests.integration.wire.test_wakeups import Idle, until_one_runs

Connect = Callable[..., Any]
LONG_S = 30.0
LONG_MS = 30_000


class Keyring:
    """A folder of keys as `actorsched keygen` makes it, and a folder with those of the clients."""

    def __init__(self, path: Path) -> None:
        self.server, self.clients = path / "server", path / "clients"
        self.read_only = self.server / AUTHORISED / READ_ONLY_FOLDER
        for folder in (self.read_only, self.clients):
            folder.mkdir(parents=True)
        make_pair(self.server, "server")

    def add(self, name: str, *, read_only: bool = False, authorise: bool = True) -> dict[str, str]:
        """Make a client; returns its settings."""
        public, secret = make_pair(self.clients, name)
        if authorise:
            folder = self.read_only if read_only else self.server / AUTHORISED
            (folder / public.name).write_bytes(public.read_bytes())
        return {"server_key": str(self.server / "server.key"), "client_key": str(secret)}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    with Scheduler() as scheduler:
        yield scheduler


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is logged meanwhile."""
    found: list[str] = []

    class Recorder:
        def __getattr__(self, level: str) -> Callable[..., None]:
            return lambda event, **fields: found.append(f"{level}: {event} {fields}")

    log.use(Recorder)
    yield found
    log.use(None)


@pytest.mark.parametrize("bind", ["tcp://127.0.0.1:0", "tcp://0.0.0.0:0", "ipc"])
def test_whoever_has_an_authorised_key_is_served(
    bind: str, keyring: Keyring, backend: Any, connect: Connect, tmp_path: Path
) -> None:
    """Keys are enough to listen to other machines."""
    bind = f"ipc://{tmp_path}/s" if bind == "ipc" else bind
    alice = keyring.add("alice")
    with serve(backend, bind=bind, keys=keyring.server) as server:
        client = connect(server.address.replace("0.0.0.0", "127.0.0.1"), **alice)
        assert client.ping("w") == {"rpc_messages": []}


def test_a_key_that_is_not_authorised_is_refused_at_once(
    keyring: Keyring, backend: Any, connect: Connect
) -> None:
    """With the remedy, and nothing it sends is read."""
    mallory = keyring.add("mallory", authorise=False)
    with (
        serve(backend, keys=keyring.server) as server,
        pytest.raises(AccessDeniedError, match="authorise it"),
    ):
        connect(server.address, **mallory).ping("w")
    assert backend.calls == []


def test_without_the_right_keys_nothing_is_parsed(keyring: Keyring, backend: Any, connect: Connect) -> None:
    """No key, a password, another server's key: the handshake fails, and the client says so."""
    alice = keyring.add("alice")
    other, _ = make_pair(keyring.clients, "other")
    with serve(backend, keys=keyring.server) as server:
        with_password = server.address.replace("tcp://", "tcp://alice:word@")
        for url, settings in (
            (server.address, {}),
            (with_password, {}),
            (server.address, {**alice, "server_key": str(other)}),
        ):
            client = connect(url, patience=0.3, connect_timeout=0.3, **settings)
            with pytest.raises(SchedulerUnreachableError, match="the handshake failed"):
                client.ping("w")
        raw = zmq.Context.instance().socket(zmq.REQ)
        raw.linger = 0
        raw.connect(server.address)
        raw.send(b'{"jsonrpc":"2.0","method":"pause","id":1}')
        assert connect(server.address, **alice).ping("w") == {"rpc_messages": []}
        raw.close()
    assert [method for method, _ in backend.calls] == ["ping"]


def test_an_open_server_is_told_apart_from_a_closed_one(
    keyring: Keyring, backend: Any, connect: Connect
) -> None:
    """A client with keys does not speak to a server that has none."""
    with serve(backend) as server:
        client = connect(server.address, patience=0.3, connect_timeout=0.3, **keyring.add("alice"))
        with pytest.raises(SchedulerUnreachableError, match="the handshake failed"):
            client.ping("w")


def test_keys_are_added_and_struck_off_while_the_server_runs(
    keyring: Keyring, backend: Any, connect: Connect
) -> None:
    """Also on a connection that is open already."""
    alice = keyring.add("alice", authorise=False)
    with serve(backend, keys=keyring.server) as server:
        with pytest.raises(AccessDeniedError):
            connect(server.address, **alice).ping("w")
        place = keyring.server / AUTHORISED / "alice.key"
        place.write_bytes((keyring.clients / "alice.key").read_bytes())
        client = connect(server.address, **alice)
        assert client.ping("w") == {"rpc_messages": []}
        place.unlink()
        with pytest.raises(AccessDeniedError, match="struck off"):
            client.ping("w")
        (keyring.read_only / "alice.key").write_bytes((keyring.clients / "alice.key").read_bytes())
        with pytest.raises(AccessDeniedError, match="may only look"):
            client.ping("w")
        assert client.task_list() is None
    assert backend.count("ping") == 1


def test_a_key_in_both_folders_may_only_look(keyring: Keyring, backend: Any, connect: Connect) -> None:
    """A mistake must not give more than was meant."""
    alice = keyring.add("alice")
    (keyring.read_only / "also.key").write_bytes((keyring.clients / "alice.key").read_bytes())
    with serve(backend, keys=keyring.server) as server, pytest.raises(AccessDeniedError):
        connect(server.address, **alice).pause()


def test_a_broken_key_file_hurts_nobody_else(
    keyring: Keyring, backend: Any, connect: Connect, lines: list[str]
) -> None:
    """It is named in the log, once."""
    alice = keyring.add("alice")
    (keyring.server / AUTHORISED / "broken.key").write_bytes(b"\xff\x00 no key")
    with serve(backend, keys=keyring.server) as server:
        client = connect(server.address, **alice)
        assert client.ping("w") == client.ping("w") == {"rpc_messages": []}
    assert sum("broken.key" in line for line in lines) == 1


#: arguments with which each method would change something if it could
ARGUMENTS: dict[str, dict[str, Any]] = {
    "add_task": {"task_id": "T", "worker": "w", "status": "DONE"},
    "get_work": {"worker": "w"},
    "count_pending": {"worker": "stranger"},
    "mark_as_done": {"task_id": "R"},
    "add_task_batcher": {"worker": "w", "task_family": "F", "batched_args": ["a"]},
    "disable_worker": {"worker": "w"},
    "set_worker_processes": {"worker": "w", "n": 3},
    "add_worker": {"worker": "stranger", "info": {}},
    "ping": {"worker": "stranger"},
    "remove_worker": {"worker": "w"},
    "send_scheduler_message": {"worker": "w", "task": "T", "content": "x"},
    "add_scheduler_message_response": {"task_id": "R", "message_id": "m", "response": 2},
    "get_scheduler_message_response": {"task_id": "R", "message_id": "m"},
    "set_task_status_message": {"task_id": "R", "status_message": "x"},
    "set_task_progress_percentage": {"task_id": "R", "progress_percentage": 5},
    "decrease_running_task_resources": {"task_id": "R", "decrease_resources": {"r": 1}},
    "update_metrics_task_started": {"task": "R"},
    "report_task_statistics": {"task_id": "R", "statistics": {}},
    "announce_scheduling_failure": {
        "task_name": "T", "family": "F", "params": {}, "expl": "x", "owners": [], "worker": "w",
    },
    "task_search": {"task_str": "T"},
    "update_resource": {"resource": "r", "amount": 7},
    "update_resources": {"r": 7},
    "hello": {"client": "x"},
}  # fmt: skip


def arguments_of(name: str) -> dict[str, Any]:
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    return {p.name: "T" for p in METHODS[name].parameters if p.name == "task_id"}


def state_of(scheduler: Scheduler) -> str:
    """All that can be seen of a scheduler, and the order of its workers' last words."""
    machine = scheduler.actor_ref._actor_weakref().machine  # type: ignore[attr-defined]  # a look inside
    seen = {
        "tasks": scheduler.graph(),
        "workers": scheduler.worker_list(),
        "resources": scheduler.resource_list(),
        "paused": scheduler.is_paused(),
        "known": sorted(machine.workers),
        "heard": {name: str(worker.last_active) for name, worker in machine.workers.items()},
        "messages": {name: list(worker.rpc_messages) for name, worker in machine.workers.items()},
        "responses": {
            task.task_id: repr(task.notes and task.notes.responses) for task in machine.tasks.values()
        },
        "failures": machine.scheduling_failures,
    }
    return json.dumps(seen, sort_keys=True, default=repr)


def test_who_may_only_look_cannot_change_anything(keyring: Keyring, connect: Connect) -> None:
    """Every method of the protocol, with arguments that would change something."""
    watcher = keyring.add("watcher", read_only=True)
    now = [1_000_000.0]
    with Scheduler(clock=lambda: now[0], resources={"r": 2}) as scheduler:
        scheduler.add_worker("w", {"workers": 1})
        scheduler.add_task("T", worker="w", family="F", params={"a": "1"}, accepts_messages=True)
        scheduler.add_task("R", worker="w", family="F", resources={"r": 2}, priority=5)
        assert scheduler.get_work(worker="w")["task_id"] == "R"
        scheduler.add_scheduler_message_response("R", "m", "answer")
        before = state_of(scheduler)
        now[0] += 1.0
        with serve(scheduler, keys=keyring.server) as server:
            client = connect(server.address, **watcher)
            for name in METHODS:
                if name in READ_ONLY:
                    client._call(name, arguments_of(name))
                else:
                    with pytest.raises(AccessDeniedError, match=name):
                        client._call(name, arguments_of(name))
                assert state_of(scheduler) == before, name
        # and each of the others does change something, or is one that only counts or prunes
        silent = {"prune", "update_metrics_task_started", "report_task_statistics", "add_task_batcher",
                  "re_enable_task", "forgive_failures", "unpause"}  # fmt: skip
        for name in set(METHODS) - READ_ONLY - silent:
            with Scheduler(clock=lambda: now[0], resources={"r": 2}) as fresh:
                fresh.add_worker("w", {"workers": 1})
                fresh.add_task("T", worker="w", family="F", params={"a": "1"}, accepts_messages=True)
                fresh.add_task("R", worker="w", family="F", resources={"r": 2}, priority=5)
                fresh.get_work(worker="w")
                fresh.add_scheduler_message_response("R", "m", "answer")
                known = state_of(fresh)
                fresh._call(name, arguments_of(name))
                assert state_of(fresh) != known, f"the arguments for {name} prove nothing"


def test_who_may_only_look_does_not_get_the_answers_of_others(
    keyring: Keyring, backend: Any, connect: Connect
) -> None:
    """The memory of answers is for those who asked."""
    backend.answers["get_work"] = {"task_id": "precious"}
    full, watcher = keyring.add("full"), keyring.add("watcher", read_only=True)
    with serve(backend, keys=keyring.server) as server:
        client = connect(server.address, **full)
        assert client.get_work(worker="w") == {"task_id": "precious"}
        actor = client.actor_ref._actor_weakref()
        spy = connect(server.address, **watcher)
        spying = spy.actor_ref._actor_weakref()
        spying._client, spying._seq = actor._client, actor._seq - 1
        with pytest.raises(AccessDeniedError):
            spy.get_work(worker="w")


def test_users_with_passwords(backend: Any, connect: Connect, tmp_path: Path) -> None:
    """A name and a password in the URL; the role is in the file of users."""
    users = tmp_path / "users"
    write_user(users, "alice", "full", "open sesame")
    write_user(users, "bob", "read-only", "b:o@b/")
    with serve(backend, users=users) as server:
        alice = connect(server.address.replace("//", "//alice:open%20sesame@"))
        assert alice.ping("w") == {"rpc_messages": []}
        bob = connect(server.address.replace("//", "//bob:b%3Ao%40b%2F@"))
        assert bob.task_list() is None
        with pytest.raises(AccessDeniedError):
            bob.ping("w")
        for wrong in ("alice:close", "bob:open%20sesame", "eve:open%20sesame"):
            with pytest.raises(AccessDeniedError, match="does not let this user in"):
                connect(server.address.replace("//", f"//{wrong}@")).ping("w")
        write_user(users, "alice", "full", "another")
        with pytest.raises(AccessDeniedError):
            connect(server.address.replace("//", "//alice:open%20sesame@")).ping("w")
        assert alice.ping("w") == {"rpc_messages": []}  # it is still alice
    assert backend.count("ping") == 2


def test_a_password_for_a_unix_socket(connect: Connect, tmp_path: Path) -> None:
    """Hints ask for it as well."""
    users = tmp_path / "users"
    write_user(users, "alice", "full", "sesame")
    with Scheduler() as scheduler, serve(scheduler, f"ipc://{tmp_path}/s", users=users):
        with Idle(connect(f"ipc://alice:sesame@{tmp_path}/s")):
            until_one_runs(scheduler)
        with pytest.raises(AccessDeniedError, match="does not let this user in") as denied:
            connect(f"ipc://alice:open@{tmp_path}/s").ping("w")
    assert "open" not in str(denied.value)


def test_passwords_are_hashed_at_rest(tmp_path: Path) -> None:
    """And the file is for its owner only."""
    users = tmp_path / "users"
    write_user(users, "alice", "full", "open sesame")
    write_user(users, "bob", "read-only", "open sesame")
    text = users.read_text()
    assert "sesame" not in text
    assert len({line.split()[2] for line in text.splitlines()}) == 2, "there is no salt"
    assert users.stat().st_mode & 0o777 == 0o600
    assert {name: role for name, (role, _) in read_users(users)[0].items()} == {
        "alice": "full", "bob": "read-only",
    }  # fmt: skip


def test_many_wrong_passwords_hold_up_nobody(backend: Any, connect: Connect, tmp_path: Path) -> None:
    """Their hashes are made beside the server, and only so many wait."""
    users = tmp_path / "users"
    write_user(users, "alice", "full", "word")
    with serve(backend, users=users) as server:
        alice = connect(server.address.replace("//", "//alice:word@"))
        assert alice.ping("w") == {"rpc_messages": []}
        strangers = []
        for number in range(40):
            stranger = zmq.Context.instance().socket(zmq.REQ)
            stranger.linger = 0
            stranger.plain_username, stranger.plain_password = b"alice", f"guess {number}".encode()
            stranger.connect(server.address)
            strangers.append(stranger)
        started = time.monotonic()
        for _ in range(50):
            assert alice.ping("w") == {"rpc_messages": []}
        elapsed_s = time.monotonic() - started
        again = connect(server.address.replace("//", "//alice:word@"))
        assert again.ping("w") == {"rpc_messages": []}  # remembered: not behind the forty
        for stranger in strangers:
            stranger.close()
    assert elapsed_s < LONG_S


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"keys": "nowhere"}, ConfigError, "actorsched keygen"),
        ({"users": "nowhere"}, ConfigError, "actorsched keygen"),
        ({"keys": "a", "users": "b"}, ConfigError, "either for keys or for passwords"),
        ({"bind": "tcp://0.0.0.0:0"}, AddressError, "actorsched keygen server"),
        ({"bind": []}, ConfigError, "at least one"),
        ({"bind": "tcp://a:b@127.0.0.1:0"}, AddressError, "has no user"),
    ],
)
def test_a_server_that_would_be_open_is_not_started(
    settings: dict[str, Any], error: type[Exception], text: str, backend: Any
) -> None:
    """The error says what to do instead."""
    with pytest.raises(error, match=text):
        serve(backend, **settings)


def test_a_secret_that_others_can_read_is_not_used(keyring: Keyring, connect: Connect) -> None:
    """As ssh does it."""
    settings = keyring.add("alice")
    os.chmod(settings["client_key"], 0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        connect("tcp://127.0.0.1:1", **settings)
    for missing in ("server_key", "client_key"):
        with pytest.raises(ConfigError, match=f"{missing} is missing"):
            connect("tcp://127.0.0.1:1", **(settings | {missing: ""}))


def test_secrets_are_in_no_log_and_no_error(
    backend: Any, connect: Connect, tmp_path: Path, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    users = tmp_path / "users"
    write_user(users, "alice", "full", "sesame")
    with serve(backend, users=users) as server:
        url = server.address.replace("//", "//alice:sesame@")
        client = connect(url)
        client.ping("w")
        with pytest.raises(AccessDeniedError) as denied:
            connect(url.replace("sesame", "wrong-sesame")).ping("w")
    with pytest.raises(SchedulerUnreachableError) as lost:
        connect(url, patience=0.2, connect_timeout=0.2).ping("w")
    seen = (
        caplog.text
        + str(lines)
        + str(denied.value)
        + str(lost.value)
        + repr(client)
        + client.url
        + repr(vars(client))
    )
    assert "no answer from the scheduler yet" in seen
    assert "turned away" in seen
    assert "sesame" not in seen


def test_half_a_handshake_is_ended_and_blocks_nobody(
    keyring: Keyring, backend: Any, connect: Connect
) -> None:
    """A peer that greets and then says nothing."""
    alice = keyring.add("alice")
    with serve(backend, keys=keyring.server) as server:
        host, port = server.address.removeprefix("tcp://").split(":")
        strangers = []
        for _ in range(50):
            stranger = socket.create_connection((host, int(port)))
            stranger.sendall(b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00CURVE" + b"\x00" * 47)
            strangers.append(stranger)
        assert connect(server.address, **alice).ping("w") == {"rpc_messages": []}
        for stranger in strangers:
            stranger.close()


def test_several_addresses_at_once(keyring: Keyring, backend: Any, connect: Connect, tmp_path: Path) -> None:
    """One server, each way in with the same keys; within the process none are asked for."""
    alice = keyring.add("alice")
    binds = ["tcp://127.0.0.1:0", f"ipc://{tmp_path}/s", "inproc://several", "tcp://127.0.0.1:0"]
    with serve(backend, bind=binds, keys=keyring.server) as server:
        assert len(set(server.addresses)) == 4
        for address in server.addresses:
            assert connect(address, **alice).ping("w") == {"rpc_messages": []}
        with pytest.raises(AddressError):
            serve(backend, bind=["tcp://127.0.0.1:0", "nonsense"])
