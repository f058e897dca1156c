"""The command as a person runs it: real processes, their output and their exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TROUBLE = Path(__file__).parent / "pipelines" / "trouble.py"

#: a loaded machine may need this long for anything; what hangs is ended after it
TIMEOUT_S = 90


def environment(folder: Path) -> dict[str, str]:
    """Ours, without what would change the settings of a command; what it keeps goes into `folder`."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ACTORSCHED_")}
    return ours | {"XDG_STATE_HOME": str(folder / "state")}


def argv(*args: object) -> list[str]:
    return [sys.executable, "-m", "actorsched", *map(str, args)]


def run(*args: object, cwd: Path, code: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and check its exit code; None: any."""
    done = subprocess.run(
        argv(*args),
        cwd=cwd,
        env=environment(cwd) | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert code is None or done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def run_json(*args: object, cwd: Path, code: int | None = 0) -> Any:
    return json.loads(run(*args, "--json", cwd=cwd, code=code).stdout)


class Process:
    """A command that goes on: a node, or a run in the background."""

    def __init__(self, *args: object, cwd: Path) -> None:
        self.args = args
        self._process = subprocess.Popen(
            argv(*args),
            cwd=cwd,
            env=environment(cwd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.pid = self._process.pid
        self.errors: list[str] = []
        # read all the time, or a process that logs much would wait for us
        self._reader = threading.Thread(target=self.errors.extend, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def ready(self) -> str:
        """Wait for the line that says that a node is ready; returns its last word."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert " ready " in line, f"{self.args}: {line!r} {self.ended()}"
        return line.split()[-1]

    def line(self) -> str:
        """Wait for the next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        return self._process.wait(TIMEOUT_S)

    def ended(self) -> str:
        """Wait for its end; returns what it printed and logged."""
        assert self._process.stdout is not None
        self.wait()
        rest = self._process.stdout.read()
        self._reader.join(TIMEOUT_S)
        return rest + "".join(self.errors)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(TIMEOUT_S)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


@contextlib.contextmanager
def background(*args: object, cwd: Path) -> Iterator[Process]:
    process = Process(*args, cwd=cwd)
    try:
        yield process
    finally:
        process.close()


@contextlib.contextmanager
def scheduler_node(cwd: Path, *args: object) -> Iterator[tuple[str, Process]]:
    """A scheduler on a free port; gives its address."""
    with background("node", "--role", "scheduler", "--bind", "tcp://127.0.0.1:0", *args, cwd=cwd) as node:
        yield node.ready(), node


@contextlib.contextmanager
def worker_node(cwd: Path, url: str, *args: object) -> Iterator[Process]:
    """A worker that is ready."""
    with background("node", "--role", "worker", "--scheduler", url, *args, cwd=cwd) as node:
        node.ready()
        yield node


def until(condition: Callable[[], Any], process: Process | None = None) -> None:
    """Wait until something in another process has happened; looking again is all that can be done."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, process.errors if process else "nothing happened"
        assert process is None or process.is_alive(), process.ended()
        time.sleep(0.02)
