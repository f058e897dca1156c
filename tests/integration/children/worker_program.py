"""A program with a worker, for tests that send it signals.

python -m tests.integration.children.worker_program URL FOLDER METHOD DRAIN_S [thread]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from actorsched import RemoteScheduler, Task, Worker


class Job(Task):
    """Starts a process, tells both ids, and waits for a file, or for ever."""

    n: int
    folder: str

    def run(self) -> None:
        process = subprocess.Popen(["sleep", "600"])
        folder = Path(self.folder)
        (folder / f"started-{self.n}.new").write_text(f"{os.getpid()} {process.pid}")
        (folder / f"started-{self.n}.new").rename(folder / f"started-{self.n}")
        while not (folder / "finish").exists():
            time.sleep(0.01)


class ToldWorker(Worker):
    """Prints when it was told to stop."""

    def stop(self, drain_s: float | None = None, *, at_once: bool = False) -> None:
        super().stop(drain_s, at_once=at_once)
        print("stopping", flush=True)

    def phase_out(self) -> None:
        super().phase_out()
        print("phasing out", flush=True)


def main(url: str, folder: str, method: str, drain_s: str, how: str = "") -> None:
    if how == "without-usr1":
        del signal.SIGUSR1  # type: ignore[misc]
    with (
        RemoteScheduler(url) as scheduler,
        ToldWorker(
            scheduler,
            worker_id="w",
            worker_processes=2,
            start_method=method,
            drain_timeout=float(drain_s),
            kill_grace=0.5,
            log_dir="off",
        ) as worker,
    ):
        for n in range(3):
            worker.add(Job(n, folder))
        if how != "thread":
            print("run", worker.run(), flush=True)
            return
        from actorsched.facade.signals import Signals

        with Signals(worker) as signals:
            thread = threading.Thread(target=worker.run)
            thread.start()
            thread.join()
        print("thread", signals.received, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
