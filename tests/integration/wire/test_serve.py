"""Addresses, lives and ends of servers."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pykka
import pytest

from actorsched.errors import AddressError, AddressInUseError, UnknownMethodError
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.serve import serve

Connect = Callable[..., Any]
LONG_S = 30.0


@pytest.mark.parametrize("kind", ["tcp", "ipc", "inproc"])
def test_a_scheduler_can_be_served_over_every_transport(
    kind: str, backend: Any, connect: Connect, tmp_path: Path
) -> None:
    """The address that comes back is the one to connect to."""
    bind = {"tcp": "tcp://127.0.0.1:0", "ipc": f"ipc://{tmp_path}/s", "inproc": "inproc://here"}[kind]
    with serve(backend, bind=bind) as server:
        client = connect(server.address)
        assert client.ping("w") == {"rpc_messages": []}
        client.close()


def test_a_remote_scheduler_can_be_served(backend: Any, connect: Connect) -> None:
    """A relay, for instance between two networks."""
    with serve(backend) as server, serve(connect(server.address)) as relay:
        assert connect(relay.address).ping("w") == {"rpc_messages": []}
        with pytest.raises(UnknownMethodError):
            connect(relay.address)._call("no_such_method", {})


def test_luigis_own_scheduler_can_be_served(connect: Connect) -> None:
    """It knows nothing of our additional arguments, and is not given them."""
    import luigi.scheduler

    with serve(luigi.scheduler.Scheduler()) as server:
        client = connect(server.address)
        client.add_worker("w", [("host", "here")])
        client.add_task(task_id="T", worker="w", family="F", params={"a": "1"}, run_id=3, incarnation=1)
        assert client.get_work(worker="w", max_tasks=5)["task_id"] == "T"
        assert client.task_list(status="RUNNING", upstream_status="", after="x")["T"]["params"] == {"a": "1"}
        assert client.hello()["protocol_version"] == 1
        with pytest.raises(UnknownMethodError):
            client.cancel_task("T")


def test_an_object_answers_only_to_the_names_of_the_protocol(connect: Connect) -> None:
    """Not to whatever attributes it has."""

    class Careless:
        def ping(self, worker: str) -> dict[str, Any]:
            return {}

        def shutdown(self) -> None:
            raise AssertionError("reached from the network")

    with serve(Careless()) as server:
        for name in ("shutdown", "__init__", "_secret", "is_paused"):
            with pytest.raises(UnknownMethodError):
                connect(server.address)._call(name, {})


@pytest.mark.parametrize("kind", ["tcp", "ipc", "inproc"])
def test_an_address_in_use_is_an_error(kind: str, backend: Any, tmp_path: Path) -> None:
    """With the address and the remedy; the first server goes on."""
    bind = {"tcp": "tcp://127.0.0.1:0", "ipc": f"ipc://{tmp_path}/s", "inproc": "inproc://used"}[kind]
    with serve(backend, bind=bind) as server:
        with pytest.raises(AddressInUseError) as caught:
            serve(backend, bind=server.address)
        assert server.address in str(caught.value)
        assert "listens there" in str(caught.value)


@pytest.mark.parametrize(
    "bind", ["tcp://0.0.0.0:0", "nonsense", "tcp://127.0.0.1", "ipc:///no/such/folder/s", "tcp://192.0.2.1:0"]
)
def test_an_address_that_cannot_be_used_is_an_error_and_leaves_nothing(bind: str, backend: Any) -> None:
    """Neither actors nor threads."""
    with pytest.raises(AddressError, match="address"):
        serve(backend, bind=bind, allow_remote="192" in bind)
    assert pykka.ActorRegistry.get_by_class_name("RepServerActor") == []
    assert pykka.ActorRegistry.get_by_class_name("AdapterActor") == []


def test_a_socket_file_is_for_its_owner_only(backend: Any, tmp_path: Path) -> None:
    """Whatever the umask says; and nothing is left of it at the end."""
    before = os.umask(0)
    try:
        with serve(backend, bind=f"ipc://{tmp_path}/s"):
            assert stat.S_IMODE(os.stat(tmp_path / "s").st_mode) == 0o600
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_a_socket_file_of_a_dead_server_is_taken_over(backend: Any, connect: Connect, tmp_path: Path) -> None:
    """A server that was killed cannot remove its file."""
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    with serve(backend, bind=f"ipc://{tmp_path}/s") as server:
        assert connect(server.address).ping("w") == {"rpc_messages": []}


def test_a_socket_file_of_another_server_is_left_to_it(
    backend: Any, connect: Connect, tmp_path: Path
) -> None:
    """Somebody has removed the file of the first one, which still runs."""
    address = f"ipc://{tmp_path}/s"
    first = serve(backend, bind=address)
    for name in ("s", "s.events"):
        (tmp_path / name).unlink()
    with serve(backend, bind=address):
        first.stop()
        assert connect(address).ping("w") == {"rpc_messages": []}
        assert sorted(os.listdir(tmp_path)) == ["s", "s.events"]


def test_of_two_servers_that_begin_at_once_one_is_refused(
    backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one would listen where nobody finds it, and not know it."""
    from actorsched.transport import binding

    with serve(backend, bind=f"ipc://{tmp_path}/s"):
        monkeypatch.setattr(binding, "_refuse_used_path", lambda path: None)
        with pytest.raises(AddressInUseError):
            serve(backend, bind=f"ipc://{tmp_path}/s")


def test_a_server_that_stands_still_is_there_all_the_same(backend: Any, tmp_path: Path) -> None:
    """It takes nobody in, and whoever looks for it must not wait for that."""
    import socket

    with socket.socket(socket.AF_UNIX) as still, socket.socket(socket.AF_UNIX) as waiting:
        still.bind(str(tmp_path / "s"))
        still.listen(0)
        waiting.connect(str(tmp_path / "s"))  # there is room for one
        with pytest.raises(AddressInUseError):
            serve(backend, bind=f"ipc://{tmp_path}/s")


def test_two_ports_of_one_address_have_one_port_for_their_hints(backend: Any, connect: Connect) -> None:
    """Where that is wished for, because of a firewall."""
    with serve(backend) as first:
        assert first.address
    port = int(first.address.rpartition(":")[2])
    with serve(backend, ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"], events_port=port) as server:
        told = {connect(address).hello()["events"] for address in server.addresses}
    assert told == {f"tcp://127.0.0.1:{port}"}


def test_a_folder_that_is_missing_is_named(backend: Any, tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(AddressError, match=r"nothing can be made in '.*/missing'.*[Mm]ake it"):
        serve(backend, bind=f"ipc://{tmp_path}/missing/s")


def test_the_port_of_the_hints_is_free_again_too(backend: Any) -> None:
    """At once, as that of the server."""
    with serve(backend) as first:
        assert first.address
    port = int(first.address.rpartition(":")[2])
    for _ in range(20):
        serve(backend, events_port=port).stop()


def test_an_ordinary_file_is_not_touched(backend: Any, tmp_path: Path) -> None:
    """A slip of the pen must not cost data."""
    (tmp_path / "data").write_text("precious")
    with pytest.raises(AddressError, match="no socket"):
        serve(backend, bind=f"ipc://{tmp_path}/data")
    assert (tmp_path / "data").read_text() == "precious"


def test_a_stopped_server_frees_its_address(backend: Any, connect: Connect) -> None:
    """At once: the next one starts at the same port."""
    server = serve(backend)
    for _ in range(20):
        assert connect(server.address).ping("w") == {"rpc_messages": []}
        server.stop()
        server.stop()  # a second time does nothing
        server = serve(backend, bind=server.address)
    server.stop()


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="descriptors are counted in /proc")
def test_hundred_systems_leave_nothing_behind(backend: Any) -> None:
    """No thread, no file descriptor, no actor."""

    def cycle() -> None:
        with (
            serve(backend) as server,
            RemoteScheduler(server.address) as client,
            client.keep_alive("w", interval_s=0.01),
        ):
            client.ping("w")

    cycle()
    descriptors = len(os.listdir("/proc/self/fd"))
    threads = threading.active_count()
    actors = len(pykka.ActorRegistry.get_all())
    for _ in range(100):
        cycle()
    assert len(pykka.ActorRegistry.get_all()) == actors
    # a thread ends just after it has said so, and ZeroMQ closes descriptors in a thread of its own
    until = time.monotonic() + LONG_S
    while threading.active_count() > threads or len(os.listdir("/proc/self/fd")) > descriptors + 10:
        assert time.monotonic() < until


@pytest.mark.parametrize("away", [False, True])
def test_a_program_ends_without_closing_anything(away: bool) -> None:
    """A facade that nobody closed must not keep a finished program alive."""
    code = f"""
import sys
from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.facade.serve import serve
from actorsched.actors.messages import Call, KeepAlive

class Backend:
    def ping(self, worker):
        return {{"rpc_messages": []}}

server = serve(Backend())
client = RemoteScheduler(server.address)
client.ping("w")
client.actor_ref.tell(KeepAlive(worker="w", interval_s=0.01))
if {away}:
    server.stop()
    client.actor_ref.ask(Call(method="ping", params={{"worker": "w"}}), block=False)
print("end")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "end" in done.stdout
