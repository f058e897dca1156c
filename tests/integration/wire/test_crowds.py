"""Many strangers at once: honest workers do not notice, and nothing stays behind."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest
import zmq

from actorsched.facade.remote_scheduler import RemoteScheduler
from actorsched.rpc.envelope import MAX_FRAME_BYTES
from actorsched.transport.context import context

LONG_S = 60.0
LONG_MS = 60_000
STRANGERS = 1000
#: what a round of strangers may leave behind: memory that the allocator keeps for the next one
LEFT_BYTES = 24 * 1024 * 1024

SERVER = """
import sys, threading
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
with Scheduler(worker_disconnect_delay=15.0) as scheduler, serve(scheduler) as server:
    print(server.address, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def server() -> Iterator[tuple[str, psutil.Process]]:
    """A scheduler in a process of its own; a worker that is silent for 15 s is given up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * STRANGERS:
        pytest.skip(f"only {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8 * STRANGERS)), hard))
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
        process.stdin.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def silent(address: tuple[str, int]) -> None:
    """Connections that say nothing, and such that begin a handshake."""
    with contextlib.ExitStack() as stack:
        for number in range(STRANGERS):
            stranger = stack.enter_context(socket.create_connection(address))
            if number % 2:
                stranger.sendall(b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL")


def deaf(address: tuple[str, int]) -> None:
    """Clients that ask and never read."""
    request = json.dumps({"jsonrpc": "2.0", "method": "graph", "id": 1}).encode()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stranger = stack.enter_context(context().socket(zmq.DEALER))
            stranger.linger = 0
            stranger.rcvhwm = 1
            stranger.connect(f"tcp://{address[0]}:{address[1]}")
            for _ in range(100):
                with contextlib.suppress(zmq.Again):
                    stranger.send_multipart([b"", request], zmq.NOBLOCK)


def huge(address: tuple[str, int]) -> None:
    """Frames that are too long, deep, or full of large numbers."""
    for frame in (
        b" " * (MAX_FRAME_BYTES + 1),
        b"[" * 1_000_000,
        b"[" + b"1" * 1_000_000 + b"]",
        b'{"a":' * 100_000,
        b"[" + b"1," * 1_000_000 + b"1]",
        b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"'
        + b"w" * 1_000_000
        + b'"},"id":'
        + b"9" * 5000,
    ):
        with context().socket(zmq.DEALER) as stranger:
            stranger.linger = 0
            stranger.connect(f"tcp://{address[0]}:{address[1]}")
            for _ in range(3):
                stranger.send_multipart([b"", frame])
            stranger.poll(2000)


@pytest.mark.parametrize("crowd", [silent, deaf, huge], ids=lambda crowd: crowd.__name__)
def test_strangers_hold_up_no_heartbeat_and_leave_nothing(
    crowd: Callable[[tuple[str, int]], None], server: tuple[str, psutil.Process]
) -> None:
    """The worker stays known to the scheduler all the while, and memory does not grow from round to round."""
    address, process = server
    host, port = address.removeprefix("tcp://").split(":")
    with RemoteScheduler(address) as honest, honest.keep_alive("w", interval_s=0.2):
        honest.add_task("T", worker="w", family="F")
        run_id = honest.get_work(worker="w")["run_id"]
        sizes = []
        for _ in range(3):
            crowd((host, int(port)))
            assert honest.within(LONG_S).ping("w")["known"]
            sizes.append(process.memory_info().rss)
        # a worker that was given up would have lost its run
        report = honest.add_task("T", worker="w", status="DONE", run_id=run_id)
        assert report is None
    assert sizes[-1] - sizes[0] < LEFT_BYTES, [size >> 20 for size in sizes]
    assert len(os.listdir(f"/proc/{process.pid}/fd")) < STRANGERS if os.path.exists("/proc") else True
