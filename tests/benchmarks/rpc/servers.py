"""What answers pings: `python -m … KIND FOLDER` prints its address and serves until its input ends.

Each has a process of its own and one thread that answers, on the loopback.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actorsched.transport.keys import make_pair

#: of the clients; beside the folder of the server's own
CLIENT = "client"


def echo(folder: str) -> None:
    """A REP socket that reads and writes JSON and nothing more: the floor."""
    import zmq

    socket = zmq.Context.instance().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"tcp://127.0.0.1:{port}", flush=True)
    threading.Thread(target=_end_with_input, daemon=True).start()
    while True:
        request = json.loads(socket.recv())
        socket.send(json.dumps({"jsonrpc": "2.0", "result": request["params"], "id": request["id"]}).encode())


def empty(folder: str) -> None:
    """A REP socket that does not even read: nothing that answers in Python through ZeroMQ is faster."""
    import zmq

    socket = zmq.Context.instance().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    print(f"tcp://127.0.0.1:{port}", flush=True)
    threading.Thread(target=_end_with_input, daemon=True).start()
    while True:
        socket.recv()
        socket.send(b"{}")


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def ours(folder: str, **options: Any) -> None:
    from actorsched import Scheduler, serve

    with Scheduler() as scheduler, serve(scheduler, **options) as server:
        print(server.address, flush=True)
        sys.stdin.read()


def curve(folder: str) -> None:
    """The same with keys: all that travels is encrypted."""
    keys = Path(folder) / "server"
    (keys / "authorised").mkdir(parents=True, exist_ok=True)
    if not (keys / "server.key").exists():
        make_pair(keys, "server")
        public, _ = make_pair(Path(folder), CLIENT)
        (keys / "authorised" / public.name).write_bytes(public.read_bytes())
    ours(folder, keys=keys)


def luigid(folder: str) -> None:
    from tests.benchmarks.endtoend.luigi_central import luigid as running

    with running(folder) as url:
        print(url, flush=True)
        sys.stdin.read()


def grpc(folder: str) -> None:
    """The same JSON as bytes through a generic handler, so that protobuf costs nothing."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc as grpcio

    def ping(request: bytes, context: object) -> bytes:
        return json.dumps(json.loads(request)).encode()

    handler = grpcio.method_handlers_generic_handler(
        "Scheduler", {"ping": grpcio.unary_unary_rpc_method_handler(ping)}
    )
    server = grpcio.server(ThreadPoolExecutor(1), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.stop(None)


def dask(folder: str) -> None:
    """The comm that dask's schedulers and workers talk through: a handler that gives back what it gets."""
    import asyncio

    from distributed.core import Server

    async def ping(worker: str) -> dict[str, str]:
        return {"worker": worker}

    async def run() -> None:
        server = Server({"ping": ping})
        await server.listen("tcp://127.0.0.1:0")
        print(server.address, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await server.close()

    asyncio.run(run())


KINDS: dict[str, Callable[[str], None]] = {
    "echo": echo,
    "empty": empty,
    "ours": ours,
    "curve": curve,
    "luigid": luigid,
    "grpc": grpc,
    "dask": dask,
}

if __name__ == "__main__":
    KINDS[sys.argv[1]](sys.argv[2])
