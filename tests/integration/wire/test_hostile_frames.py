"""Garbage on the REP socket, and an honest call after it."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve
from actorsched.rpc.envelope import MAX_FRAME_BYTES
from actorsched.transport.address import parse_bind
from actorsched.transport.context import context
from actorsched.transport.rep import RepSocket

HONEST = b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"id":1}'
LONG_MS = 30_000


@pytest.fixture
def address(backend: Any) -> Iterator[str]:
    with serve(backend) as server:
        yield server.address


def ask_honestly(address: str) -> Any:
    with context().socket(zmq.REQ) as honest:
        honest.linger = 0
        honest.connect(address)
        honest.send(HONEST)
        assert honest.poll(LONG_MS), "an honest client got no answer"
        return json.loads(honest.recv())


def ask(address: str, frames: list[bytes], kind: int = zmq.REQ) -> Any:
    """Send frames and return the answer."""
    with context().socket(kind) as peer:
        peer.linger = 0
        peer.connect(address)
        peer.send_multipart(frames)
        assert peer.poll(LONG_MS)
        return json.loads(peer.recv_multipart()[-1])


@pytest.mark.parametrize("frames", [[b"a", b"b"], [b"", b""], [HONEST, HONEST], [b""] * 50])
def test_a_message_of_several_frames_is_answered_with_an_error(frames: list[bytes], address: str) -> None:
    """A REQ socket would wait for ever otherwise."""
    assert ask(address, frames)["error"]["code"] == -32600
    assert ask_honestly(address)["result"] == {"rpc_messages": []}


@pytest.mark.parametrize("frame", [b"", b"\xff", b"[" * 100_000, b"{}", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_frame_that_is_no_request_is_answered_with_an_error(frame: bytes, address: str) -> None:
    """And the next one is served."""
    assert ask(address, [frame])["error"]["code"] in (-32700, -32600)
    assert ask_honestly(address)["result"] == {"rpc_messages": []}


def test_messages_without_an_envelope_are_dropped(address: str) -> None:
    """A DEALER that sends no empty frame first is no REQ; the socket drops what it sends."""
    with context().socket(zmq.DEALER) as stranger:
        stranger.linger = 0
        stranger.connect(address)
        for _ in range(100):
            stranger.send(HONEST)
        assert ask_honestly(address)["result"] == {"rpc_messages": []}
        stranger.send_multipart([b"", HONEST])  # this one is in order
        assert stranger.poll(LONG_MS)
        assert stranger.recv_multipart()[0] == b""


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f",  # half a handshake
        b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + b"\x00" * 48 + b"\x04\xff",
        bytes(range(256)) * 16,
        b"",
    ],
)
def test_a_stranger_that_speaks_something_else_blocks_nobody(data: bytes, address: str) -> None:
    """The connection stays open while an honest client asks."""
    host, port = address.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(data)
        assert ask_honestly(address)["result"] == {"rpc_messages": []}
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # end with a reset
    assert ask_honestly(address)["result"] == {"rpc_messages": []}


def test_a_frame_that_is_too_long_ends_its_connection(address: str) -> None:
    """It is not even read to its end."""
    with context().socket(zmq.REQ) as greedy:
        greedy.linger = 0
        monitor = greedy.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        greedy.connect(address)
        greedy.send(b" " * (MAX_FRAME_BYTES + 1))
        assert monitor.poll(LONG_MS)
        greedy.disable_monitor()
        monitor.close(0)
    assert ask_honestly(address)["result"] == {"rpc_messages": []}


def test_a_client_that_never_reads_blocks_nobody(address: str, backend: Any) -> None:
    """Its answers are dropped when too many wait for it."""
    backend.answers["graph"] = {"x": "y" * 100_000}
    with context().socket(zmq.DEALER) as deaf:
        deaf.linger = 0
        deaf.rcvhwm = 1
        deaf.connect(address)
        for number in range(500):
            request = {"jsonrpc": "2.0", "method": "graph", "id": number}
            deaf.send_multipart([b"", json.dumps(request).encode()])
        assert ask_honestly(address)["result"] == {"rpc_messages": []}


def test_a_stranger_with_another_protocol_costs_nobody_an_answer(address: str) -> None:
    """libzmq's REP mislays the way back to whoever asks after a peer that broke off."""
    host, port = address.removeprefix("tcp://").split(":")
    junk = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + bytes(range(256)) * 64
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=LONG_MS / 1000) as stranger:
            stranger.sendall(junk)
            assert ask_honestly(address)["result"] == {"rpc_messages": []}
        assert ask_honestly(address)["result"] == {"rpc_messages": []}


def test_a_client_that_is_very_fast_gets_every_answer() -> None:
    """It must not be taken for one that does not read."""
    with Scheduler() as scheduler, serve(scheduler) as server, context().socket(zmq.REQ) as fast:
        fast.linger = 0
        fast.connect(server.address)
        for _ in range(3000):
            fast.send(HONEST)
            assert fast.poll(LONG_MS), "an answer was dropped"
            fast.recv()


def test_a_client_that_is_gone_before_the_answer_blocks_nobody(
    address: str, backend: Any, make_peer: Callable[..., Any]
) -> None:
    """It may have crashed in the meantime."""
    for _ in range(20):
        with context().socket(zmq.REQ) as hasty:
            hasty.linger = 1000
            hasty.connect(address)
            hasty.send(HONEST)
    assert ask_honestly(address)["result"] == {"rpc_messages": []}


def test_a_flood_of_long_frames_waits_with_its_sender() -> None:
    """A scheduler that is busy would else take in a thousand of them, from each who likes."""
    frame = b" " * (4 * 1024 * 1024)
    address = parse_bind("tcp://127.0.0.1:0")
    server = RepSocket(address, max_frame_bytes=MAX_FRAME_BYTES)
    with context().socket(zmq.DEALER) as greedy:
        greedy.linger = 0
        greedy.sndhwm = 1
        greedy.connect(server.address.endpoint)
        n_sent = 0
        while n_sent < 100 and greedy.poll(500, zmq.POLLOUT):
            greedy.send_multipart([b"", frame])
            n_sent += 1
    server.close()
    assert 1 <= n_sent < 50


def timers_of_connections(port: int) -> list[str]:
    """What the kernel waits for: 00 nothing, 01 data on its way, 02 keep-alive; for each of this port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [fields[5][:2] for fields in lines if fields[1].endswith(f":{port:04X}") and fields[3] == "01"]


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="timers of connections are seen in /proc")
def test_a_connection_is_asked_whether_its_other_side_is_still_there(address: str) -> None:
    """A machine that vanishes says nothing, and would cost the scheduler a descriptor for ever."""
    port = int(address.rpartition(":")[2])
    with context().socket(zmq.REQ) as honest:
        honest.linger = 0
        honest.connect(address)
        honest.send(HONEST)
        assert honest.poll(LONG_MS)
        until = time.monotonic() + LONG_MS / 1000
        while (timers := timers_of_connections(port)) == ["01"] and time.monotonic() < until:
            honest.poll(10)  # the answer is not acknowledged yet
    assert timers == ["02"]
