"""Heartbeats never depend on a task: one run each, whatever they do, over ten leases."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from actorsched import RemoteScheduler, Scheduler, Task, Worker, serve

#: seconds; a missed lease would be noticed many times over
LEASE_S = 1.0
LEASES = 10


class Hostile(Task):
    """Leaves a line in a file for each time that it is begun."""

    what: str
    folder: str

    def run(self) -> None:
        folder = Path(self.folder)
        with (folder / "runs").open("a") as file:
            file.write(f"{self.what}\n")
        (folder / f"{self.what}.pid").write_text(str(os.getpid()))
        getattr(self, f"do_{self.what}")(folder)

    def do_hold_the_lock(self, folder: Path) -> None:
        """In C, with the interpreter's lock held; then wakes the one that was stopped."""
        while not (folder / "stop.pid").exists():
            time.sleep(0.01)
        ctypes.PyDLL(None).usleep(int(LEASE_S * LEASES * 1_000_000))
        os.kill(int((folder / "stop.pid").read_text()), signal.SIGCONT)

    def do_stop(self, folder: Path) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def do_eat_memory(self, folder: Path) -> None:
        kept = []
        until = time.monotonic() + LEASE_S * LEASES / 2
        while time.monotonic() < until:
            kept.append(b"x" * (1 << 20))
            if len(kept) > 300:
                kept.clear()


def test_no_heartbeat_is_missed_and_nothing_runs_twice(tmp_path: Path) -> None:
    deeds = ["stop", "hold_the_lock", "eat_memory"]
    with (
        Scheduler(worker_disconnect_delay=LEASE_S, retry_delay=0) as scheduler,
        serve(scheduler, bind="tcp://127.0.0.1:0") as server,
        RemoteScheduler(server.address) as remote,
        Worker(remote, worker_processes=3, keep_alive=True, log_dir="off") as worker,
    ):
        for what in deeds:
            worker.add(Hostile(what, str(tmp_path)))
        assert worker.run() is True
        assert worker.result.status.name == "SUCCESS", worker.result.summary_text
    assert sorted((tmp_path / "runs").read_text().split()) == sorted(deeds)
