"""Files that are torn, damaged, or out of room."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched.core.rows import Changes, TaskRow
from actorsched.errors import StoreError, StoreUnavailableError
from actorsched.facade.scheduler import Scheduler
from actorsched.store.sqlite import SqliteStore

N_TASKS = 300


def fill(scheduler: Scheduler, first: int, n: int) -> None:
    for number in range(first, first + n):
        scheduler.add_task(task_id=f"T{number}", worker="w", family="F", params={"x": "y" * 100})


@pytest.fixture
def path(folder: Path) -> Path:
    """A store with tasks, closed."""
    path = folder / "state.db"
    with Scheduler(store=f"sqlite:///{path}") as scheduler:
        fill(scheduler, 0, N_TASKS)
    return path


def start(path: Path, **options: Any) -> Scheduler:
    return Scheduler(store=f"sqlite:///{path}", **options)


@pytest.mark.parametrize("keep", [512, 4096, 10_000, 40_000])
def test_a_torn_file_is_refused(path: Path, keep: int) -> None:
    """With its name and what to do; it is never taken for an empty store."""
    data = path.read_bytes()
    path.write_bytes(data[:keep])
    with pytest.raises(StoreError, match=rf"{path} is damaged.*bring back a copy"):
        start(path)
    assert path.read_bytes() == data[:keep]


@pytest.mark.parametrize("keep", [0, 1, 511])
def test_a_file_that_became_empty_is_refused(path: Path, keep: int) -> None:
    """SQLite would take it for a new one."""
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError, match="is empty, but there was a store in it"):
        start(path)


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n" * 1000)
    with pytest.raises(StoreError, match="damaged: file is not a database"):
        start(path)


def test_a_place_where_no_file_can_be_is_refused_at_once(folder: Path) -> None:
    """Waiting would not help."""
    (folder / "file").write_text("")
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        start(folder / "file" / "state.db")


@pytest.mark.parametrize("seed", range(12))
def test_damage_is_noticed_or_does_no_harm(path: Path, seed: int) -> None:
    """Bytes overwritten somewhere: refused, or, where they mean nothing, everything is there."""
    rng = random.Random(seed)
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data) - 512)
    data[at : at + 512] = rng.randbytes(512)
    path.write_bytes(data)
    try:
        scheduler = start(path)
    except StoreError:
        return
    with scheduler:
        assert len(scheduler.task_list()) == N_TASKS


@pytest.mark.parametrize("seed", range(6))
def test_a_torn_log_is_recovered_to_its_last_whole_commit(folder: Path, seed: int) -> None:
    """The log of a process that was killed ends anywhere; the copy stands for the kill."""
    rng = random.Random(seed)
    path, torn = folder / "state.db", folder / "torn.db"
    with Scheduler(store=f"sqlite:///{path}") as scheduler:
        fill(scheduler, 0, 40)
        shutil.copy(path, torn)
        log = Path(f"{path}-wal").read_bytes()
    end = rng.randrange(len(log) // 2, len(log))
    Path(f"{torn}-wal").write_bytes(log[:end] + (rng.randbytes(200) if seed % 2 else b""))
    with start(torn) as again:
        tasks = list(again.task_list())
        assert tasks == [f"T{number}" for number in range(len(tasks))]
        assert 0 < len(tasks) <= 40
        fill(again, len(tasks), 5)


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 1 MiB, or as much of a file system as may be mounted here."""
    mount = folder / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)]
    if os.getuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here; the limit of SQLite itself is tested instead")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_full_disk_refuses_everything_and_recovers_when_there_is_room(small_disk: Path) -> None:
    """Nothing is acknowledged that is not stored."""
    path, ballast = small_disk / "state.db", small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    acknowledged = 0
    with start(path) as scheduler:
        try:
            for number in range(100_000):
                fill(scheduler, number, 1)
                acknowledged = number + 1
        except StoreUnavailableError as error:
            refusal = str(error)
        assert "disk is full" in refusal
        for _ in range(3):
            with pytest.raises(StoreUnavailableError, match="disk is full"):
                scheduler.task_list()
        ballast.unlink()
        tasks = eventually(scheduler.task_list)
        assert len(tasks) == acknowledged
        fill(scheduler, acknowledged, 10)
    ballast.unlink(missing_ok=True)
    with start(path) as scheduler:
        assert len(scheduler.task_list()) == acknowledged + 10


def test_the_log_alone_does_not_fill_a_small_disk(small_disk: Path) -> None:
    """On a large one it may grow to 16 MB before it is copied into the file, which needs room itself."""
    with start(small_disk / "state.db") as scheduler:
        fill(scheduler, 0, 10)
        for number in range(1_000):
            scheduler.update_resource("tokens", number)
        assert len(scheduler.task_list()) == 10


def test_the_limit_of_a_file_refuses_and_recovers_too(path: Path) -> None:
    """The same error without a mount, from the store's own connection."""
    store = SqliteStore("sqlite:///x", path)
    store.open()
    assert store.take(store.look(), "e")
    assert store._connection is not None
    row = TaskRow("T", "F", None, {"x": "y" * 10_000}, [], 0, {}, 0, 0, True, False, False, False, 1.0)
    store._driver.execute(f"PRAGMA max_page_count = {path.stat().st_size // 4096}")
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        store.commit(Changes([(9_000 + n, row) for n in range(100)], [], [], []), [], 1.0)
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        store.try_out(2**62)
    store._driver.execute("PRAGMA max_page_count = 1000000")
    store.try_out(1_000)
    assert len(list(store.read().rows.tasks)) == N_TASKS
    store.close()


def eventually(call: Callable[[], Any]) -> Any:
    """The result of a call that is refused for a while."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return call()
        except StoreUnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
