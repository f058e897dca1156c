"""`actorsched web` beside a scheduler node: a page, and a way in for Luigi's own workers."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from actorsched.web.connection import HEADERS_S
from tests.acceptance.commands import TIMEOUT_S, background, environment, run, scheduler_node

PROGRAM = """
import luigi


class Leaf(luigi.Task):
    n = luigi.IntParameter()

    def output(self):
        return luigi.LocalTarget(f"leaf-{self.n}")

    def run(self):
        self.set_status_message("busy")
        if self.n == 3:
            raise ValueError("three is too many")
        with self.output().open("w") as file:
            file.write("1")


class Top(luigi.Task):
    n = luigi.IntParameter()

    def requires(self):
        return [Leaf(n=n) for n in range(self.n)]

    def output(self):
        return luigi.LocalTarget(f"top-{self.n}")

    def run(self):
        yield Leaf(n=10)
        with self.output().open("w") as file:
            file.write("1")
"""


def luigi_run(folder: Path, address: str, n: int) -> str:
    """Luigi's own command and workers; returns what it says at its end."""
    command = ("-m", "luigi", "--module", "program", "Top", "--n", str(n), "--workers", "2", "--no-lock")
    done = subprocess.run(
        [sys.executable, *command, "--scheduler-url", address, "--log-level", "INFO"],
        cwd=folder, env=environment(folder) | {"PYTHONPATH": str(folder)},
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    return done.stderr


def ask(address: str, path: str) -> Any:
    with urllib.request.urlopen(address + path, timeout=TIMEOUT_S) as reply:
        return json.load(reply)


def test_luigis_own_workers_use_a_scheduler_of_ours(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    with (
        scheduler_node(tmp_path) as (url, _),
        background("web", "--scheduler", url, "--listen", "127.0.0.1:0", cwd=tmp_path) as web,
    ):
        address = web.ready()
        assert "This progress looks :)" in luigi_run(tmp_path, address, 3)
        assert (tmp_path / "top-3").exists()
        assert "This progress looks :(" in luigi_run(tmp_path, address, 4)
        counts = ask(address, "/standing")["tasks"]
        assert (counts["DONE"], counts["FAILED"], counts["PENDING"]) == (5, 1, 1)
        assert (
            "three is too many" in run("tasks", "--status", "failed", "--scheduler", url, cwd=tmp_path).stdout
        )
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as page:
            assert b"<title>actorsched</title>" in page.read()
        web.signal(signal.SIGTERM)
        assert web.wait() == 0


def test_it_has_as_many_connections_as_it_may_have(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))  # what a child gets
    try:
        with background("web", "--listen", "127.0.0.1:0", cwd=tmp_path) as web:
            address = web.ready()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            host, port = address.removeprefix("http://").split(":")
            with ExitStack() as open_ones:
                for _ in range(300):
                    open_ones.enter_context(socket.create_connection((host, int(port)), TIMEOUT_S))
                # sooner than the others are given up for saying nothing
                with urllib.request.urlopen(address, timeout=HEADERS_S - 4) as page:
                    assert b"<title>actorsched</title>" in page.read()
            web.signal(signal.SIGTERM)
            assert web.wait() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_cannot_work_is_said_before_anything_is_served(tmp_path: Path) -> None:
    for flags, code, text in (
        (("--listen", "0.0.0.0:8082"), 2, "give --users"),
        (("--listen", "8082"), 2, "expected HOST:PORT"),
        (("--users", "nobody"), 2, "actorsched keygen user NAME"),
        (("--certificate", "program.py"), 2, "--certificate"),
        (("--scheduler", "8081"), 2, "8081"),
    ):
        assert text in run("web", *flags, cwd=tmp_path, code=code).stderr
