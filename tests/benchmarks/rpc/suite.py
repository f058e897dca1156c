"""Pings by one and by four clients beside peers; registration; what heartbeats cost."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import psutil

from actorsched import RemoteScheduler, Worker
from tests.benchmarks.endtoend.scheduler_node import scheduler_node
from tests.benchmarks.rounds import Sample, median
from tests.benchmarks.rpc.clients import CALLS_PER_FRAME
from tests.benchmarks.rpc.heartbeats import Node, heartbeats_share
from tests.benchmarks.rpc.wakeups import wakeups_s
from tests.benchmarks.table import show

SECONDS = 1.5
CLIENTS = (1, 4)
REGISTERED = 100_000
TIMEOUT_S = 60


@dataclass(frozen=True)
class Contestant:
    name: str
    server: str
    client: str
    needs: str = "zmq"


#: the first is the floor
CONTESTANTS = (
    Contestant("bare REQ/REP echo with JSON", "echo", "bare"),
    Contestant("bare REQ/REP that reads nothing", "empty", "empty"),
    Contestant("actorsched, asked by a bare REQ", "ours", "bare"),
    Contestant("actorsched", "ours", "ours"),
    Contestant("actorsched, CURVE", "curve", "curve"),
    Contestant(f"actorsched, {CALLS_PER_FRAME} pings a frame", "ours", "frames"),
    Contestant("luigid over HTTP", "luigid", "luigi", "luigi"),
    Contestant("grpcio, JSON", "grpc", "grpc", "grpc"),
    Contestant("dask's comm", "dask", "dask", "distributed"),
)


@contextmanager
def _serving(kind: str, folder: str) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-m", "tests.benchmarks.rpc.servers", kind, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
            process.stdin.close()
            process.wait(TIMEOUT_S)
        finally:
            process.kill()


def _used_s(process: psutil.Process) -> float:
    """Processor time of a process and its children."""
    times = [each.cpu_times() for each in (process, *process.children())]
    return sum(time.user + time.system for time in times)


def _measure(contestant: Contestant, folder: str, clients: int) -> Sample:
    with _serving(contestant.server, folder) as (address, server):
        command = [sys.executable, "-m", "tests.benchmarks.rpc.clients", contestant.client, address, folder]
        running = [
            subprocess.Popen(
                [*command, str(SECONDS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(clients)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", contestant.name
        before = _used_s(server)
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        found = [json.loads(process.communicate(timeout=TIMEOUT_S)[0]) for process in running]
        used = _used_s(server) - before
    calls = sum(each["calls"] for each in found)
    return {
        "rate": sum(each["calls"] / each["s"] for each in found),
        "client_us": sum(each["cpu_s"] for each in found) / calls * 1e6,
        "server_us": used / calls * 1e6,
    }


def _registration_s() -> float:
    with scheduler_node() as address, RemoteScheduler(address) as scheduler, Worker(scheduler) as worker:
        tasks = [Node(index) for index in range(REGISTERED)]
        began = time.perf_counter()
        worker.add_all(tasks)
        return time.perf_counter() - began


def _table(contestants: Sequence[Contestant], samples: dict[tuple[str, int], list[Sample]]) -> None:
    floor = contestants[0].name
    rows = []
    for contestant in contestants:
        row: list[object] = [contestant.name]
        for clients in CLIENTS:
            rate = median(samples[contestant.name, clients], "rate")
            bare = median(samples[floor, clients], "rate")
            assert rate is not None
            assert bare is not None
            row += [f"{rate:,.0f}", f"{rate / bare:.2f}×"]
        # where four share the processors, time is lost to nobody but them
        row += [median(samples[contestant.name, CLIENTS[-1]], key) for key in ("client_us", "server_us")]
        rows.append(row)
    head = ["", "1 client", "to echo", "4 clients", "to echo", "client, µs", "server, µs"]
    show("pings a second, and processor time of each with 4 clients", head, rows)


def suite(n_rounds: int) -> None:
    present = [each for each in CONTESTANTS if find_spec(each.needs) is not None]
    samples: dict[tuple[str, int], list[Sample]] = {}
    registered: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(n_rounds):
            for clients in CLIENTS:
                for contestant in present:
                    sample = _measure(contestant, folder, clients)
                    samples.setdefault((contestant.name, clients), []).append(sample)
            registered.append({"s": _registration_s()})
    _table(present, samples)
    for absent in CONTESTANTS:
        if absent not in present:
            print(f"not measured: {absent.name}, because {absent.needs} is not installed", flush=True)
    print(f"{REGISTERED:,} tasks discovered and registered through TCP in {median(registered, 's'):.1f} s")
    found = wakeups_s()
    shown = ", ".join(f"{found[int(len(found) * q)] * 1e3:.1f} ms (p{q * 100:g})" for q in (0.5, 0.9, 0.99))
    print(f"from the registration of a task to its start on an idle worker node: {shown} of {len(found)}")
    workers, seconds, share = heartbeats_share()
    print(f"{workers} workers, with the default heartbeats: {share:.1%} of a core, over {seconds:g} s")
