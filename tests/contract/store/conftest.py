"""The stores under contract: each test runs with all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actorsched.store.base import Store
from actorsched.store.memory import MemoryStore
from actorsched.store.url import make_store
from tests.servers.postgres import lend_server

LEASE_S = 3600.0

postgres = pytest.fixture(scope="session")(lend_server)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Makes stores, opened, on the same data."""
    opened: list[Store] = []
    if request.param == "memory":
        disk = MemoryStore().disk
        new: Callable[[], Store] = lambda: MemoryStore(disk)  # noqa: E731
    elif request.param == "sqlite":
        new = lambda: make_store(f"sqlite:///{tmp_path / 'state.db'}")  # noqa: E731
    else:
        url = request.getfixturevalue("postgres").new_database()
        # the server ends a transaction that idles for a lease, and a machine may stand still for that long
        new = lambda: make_store(url, lease_s=LEASE_S)  # noqa: E731

    def make() -> Store:
        store = new()
        store.open()
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()
