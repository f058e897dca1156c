"""Who pings: `python -m … KIND ADDRESS FOLDER SECONDS`.

It says `ready` when it has had its first answer, starts when it is told a line, and says how many calls
it made, in how many seconds, and what they cost it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actorsched.transport.keys import PUBLIC_SUFFIX, SECRET_SUFFIX
from tests.benchmarks.rpc.servers import CLIENT

Call = Callable[[], Any]
#: calls before it counts
WARM_UP = 50


def bare(address: str, folder: str) -> Call:
    """A REQ socket with the frames that our client sends: a client in few lines, as in another language."""
    import zmq

    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(address)
    frame = b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"id":%d,"client":"%d","seq":%d}'
    pid, number = os.getpid(), 0

    def call() -> None:
        nonlocal number
        number += 1
        socket.send(frame % (number, pid, number))
        json.loads(socket.recv())["result"]

    return call


def empty(address: str, folder: str) -> Call:
    """A REQ socket that does not look at what it sends and gets."""
    import zmq

    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(address)

    def call() -> None:
        socket.send(b"{}")
        socket.recv()

    return call


def ours(address: str, folder: str, **settings: Any) -> Call:
    from actorsched import RemoteScheduler

    scheduler = RemoteScheduler(address, **settings)
    return lambda: scheduler.ping(worker="w")


def frames(address: str, folder: str) -> Call:
    """As a worker sends its reports: several calls in one frame."""
    from actorsched import RemoteScheduler
    from actorsched.actors.messages import Call, CallBatch

    scheduler = RemoteScheduler(address)
    batch = CallBatch(calls=(Call(method="ping", params={"worker": "w"}),) * CALLS_PER_FRAME)
    return lambda: scheduler.actor_ref.ask(batch)


def curve(address: str, folder: str) -> Call:
    own, servers = Path(folder, CLIENT + SECRET_SUFFIX), Path(folder, "server", "server" + PUBLIC_SUFFIX)
    return ours(address, folder, server_key=str(servers), client_key=str(own))


def luigi(address: str, folder: str) -> Call:
    from luigi.rpc import RemoteScheduler

    scheduler = RemoteScheduler(address)
    return lambda: scheduler.ping(worker="w")


def grpc(address: str, folder: str) -> Call:
    import grpc as grpcio

    ping = grpcio.insecure_channel(address).unary_unary("/Scheduler/ping")
    frame = b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"id":12345}'
    return lambda: json.loads(ping(frame))


def dask(address: str, folder: str) -> Call:
    import asyncio

    from distributed.core import rpc

    loop = asyncio.new_event_loop()

    async def connect() -> Any:
        return rpc(address)

    remote = loop.run_until_complete(connect())

    async def many() -> None:
        for _ in range(CALLS_PER_LOOP):
            await remote.ping(worker="w")

    return lambda: loop.run_until_complete(many())


#: starting a loop costs as much as a call, so a client of dask stays in it for so many
CALLS_PER_LOOP = 50
CALLS_PER_FRAME = 16
#: how many calls one call of these is
EACH = {"dask": CALLS_PER_LOOP, "frames": CALLS_PER_FRAME}
KINDS: dict[str, Callable[[str, str], Call]] = {
    "bare": bare,
    "empty": empty,
    "ours": ours,
    "frames": frames,
    "curve": curve,
    "luigi": luigi,
    "grpc": grpc,
    "dask": dask,
}


def main(kind: str, address: str, folder: str, seconds: float) -> None:
    call = KINDS[kind](address, folder)
    each = EACH.get(kind, 1)
    for _ in range(max(1, WARM_UP // each)):
        call()
    print("ready", flush=True)
    sys.stdin.readline()
    calls = 0
    began, used = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        call()
        calls += each
    took, used = time.perf_counter() - began, time.process_time() - used
    print(json.dumps({"calls": calls, "s": took, "cpu_s": used}), flush=True)
    os._exit(0)  # what is connected need not be tidied up


if __name__ == "__main__":
    main(*sys.argv[1:4], float(sys.argv[4]))  # type: ignore[call-arg]  # three words and a number
