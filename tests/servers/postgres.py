"""A real PostgreSQL server of our own: in a folder of its own, on a Unix socket, ended with the tests.

It is installed with apt-get when it is not there and we may do that. A machine that cannot have one sets
ACTORSCHED_TEST_NO_POSTGRES=1; without that, a missing server is a failure, so that no run of the tests
leaves PostgreSQL out unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

OPT_OUT = "ACTORSCHED_TEST_NO_POSTGRES"


class PostgresServer:
    """`fsync` off unless it matters: the data does not outlive the tests."""

    def __init__(self) -> None:
        self.bin = find_binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="actorsched-pg-"))
        self.user = "postgres" if os.getuid() == 0 else None  # the server refuses to be root
        if self.user:
            shutil.chown(self.folder, self.user)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "actorsched", "--no-sync", "-E", "UTF8")
        self._n_databases = 0
        self.start()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.bin / program), *arguments],
            check=True,
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c shared_buffers=32MB"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "50", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is what happens to a server that is killed."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def new_database(self) -> str:
        """The url of an empty database."""
        self._n_databases += 1
        name = f"test{self._n_databases}"
        self._run("createdb", "-h", str(self.folder), "-U", "actorsched", name)
        return f"postgresql+psycopg://actorsched@/{name}?host={self.folder}"

    def close(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder with initdb and pg_ctl; installs them when that is possible."""
    found = _look()
    if found is None and shutil.which("apt-get") and os.getuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *arguments], check=True, env=environment, timeout=300)
        found = _look()
    if found is None:
        raise RuntimeError(f"the tests need PostgreSQL (initdb, pg_ctl); install it, or set {OPT_OUT}=1")
    return found


def _look() -> Path | None:
    on_path = shutil.which("pg_ctl")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


def lend_server() -> Iterator[PostgresServer]:
    """To be made a fixture: a server for as long as the fixture lives."""
    if os.environ.get(OPT_OUT):
        pytest.skip(f"{OPT_OUT} is set")
    server = PostgresServer()
    yield server
    server.close()
