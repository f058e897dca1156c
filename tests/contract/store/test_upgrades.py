"""Stores of older versions, and of the same version from before rows had all their fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from actorsched.core.rows import ITEM_KINDS, NotesRow, ProgressRow, TaskRow, TroubleRow
from actorsched.errors import StoreError
from actorsched.facade.scheduler import Scheduler
from actorsched.store import schema
from actorsched.store.base import Store
from actorsched.store.memory import MemoryStore
from actorsched.store.transfer import check, export_lines, import_lines
from actorsched.store.url import make_store
from tests.contract.store.test_transfer import fill

Make = Callable[[], Store]
#: what releases wrote in their time, as SQL and as an export; never changed
SAMPLES = Path(__file__).parent / "samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.sql"))
STATUSES = {
    "version-1": {"PENDING": 9, "RUNNING": 2, "FAILED": 1},
    "version-1-batches": {
        "PENDING": 11, "RUNNING": 1, "BATCH_RUNNING": 3, "DONE": 1, "FAILED": 1, "DISABLED": 2, "UNKNOWN": 1,
    },
    "version-2": {
        "PENDING": 11, "RUNNING": 1, "BATCH_RUNNING": 3, "DONE": 2, "FAILED": 2, "DISABLED": 2, "UNKNOWN": 1,
    },
}  # fmt: skip
PARTS: dict[str, type[msgspec.Struct]] = {
    "definition": TaskRow,
    "progress": ProgressRow,
    "trouble": TroubleRow,
    "notes": NotesRow,
}


def restored(name: str, folder: Path) -> str:
    """The url of a file that is made from a sample."""
    path = folder / "state.db"
    with sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool).connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.executescript((SAMPLES / f"{name}.sql").read_text())
    return f"sqlite:///{path}"


def pruned(found: Any, old: Any, kind: type[msgspec.Struct] | None) -> Any:
    """A line without the fields that the old one cannot have, if they say what nobody has said yet."""
    if not isinstance(old, dict) or not isinstance(found, dict):
        return found
    left = dict(found)
    if kind is not None:
        for field in msgspec.structs.fields(kind):
            if field.name not in old and field.name in left:
                default = field.default
                if field.default_factory is not msgspec.NODEFAULT:
                    default = field.default_factory()
                assert left.pop(field.name) == default, f"{field.name} is new and has no default value"
    of = ITEM_KINDS.get(old.get("of", ""))
    return {
        name: pruned(value, old.get(name), of if name == "value" else PARTS.get(name))
        for name, value in left.items()
    }


def assert_same(lines: list[bytes], name: str) -> None:
    """The lines say what the sample's own export says, and nothing else."""

    def key(line: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(line.get(part)) for part in ("kind", "of", "key", "seq", "client"))

    old = sorted(map(msgspec.json.decode, (SAMPLES / f"{name}.jsonl").read_bytes().splitlines()), key=key)
    new = sorted(map(msgspec.json.decode, lines), key=key)
    assert [pruned(found, known, None) for found, known in zip(new, old, strict=True)] == old


@pytest.mark.parametrize("name", NAMES)
def test_a_store_that_was_written_long_ago_can_be_opened(name: str, tmp_path: Path) -> None:
    """Each value is still there; what was not known then has its default."""
    store = make_store(restored(name, tmp_path))
    store.open()
    found = check(store)
    lines = list(export_lines(store))
    store.close()
    assert_same(lines, name)
    assert found["tasks"] == STATUSES[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_scheduler_goes_on_with_a_store_that_was_written_long_ago(name: str, tmp_path: Path) -> None:
    """Not only are the rows read: they work, and are written again as they are now."""
    url = restored(name, tmp_path)
    with Scheduler(store=url) as scheduler:
        assert scheduler.is_paused()["paused"]
        scheduler.unpause()
        running = scheduler.task_list(status="RUNNING")
        for task, view in running.items():
            assert scheduler.add_task(task_id=task, worker=view["worker_running"], status="DONE") is None
        scheduler.add_task(task_id="new", worker="w1", family="F", priority=1000)
        assert scheduler.get_work(worker="w1", host="h")["task_id"] == "new"
    store = make_store(url)
    store.open()
    statuses = check(store)["tasks"]
    store.close()
    assert statuses.get("DONE", 0) == STATUSES[name].get("DONE", 0) + len(running)
    assert sum(statuses.values()) == sum(STATUSES[name].values()) + 1


@pytest.mark.parametrize("name", NAMES)
def test_an_export_that_was_written_long_ago_can_be_imported(name: str) -> None:
    """A backup is worth nothing without that."""
    store = MemoryStore()
    lines = (SAMPLES / f"{name}.jsonl").read_bytes().splitlines()
    assert import_lines(store, lines, "e2", name) == sum(STATUSES[name].values())
    assert check(store)["tasks"] == STATUSES[name]
    assert_same(list(export_lines(store)), name)


def make_older(store: Any) -> None:
    """Turn a store into one of the version before: as if progress had once been called steps."""
    with store._transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE actorsched_progress RENAME TO actorsched_step")
        connection.execute(schema.schema.update().values(version=schema.VERSION - 1))


def rename(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE actorsched_step RENAME TO actorsched_progress")


def rename_and_break(connection: sa.Connection) -> None:
    rename(connection)
    raise StoreError("halfway")


def version_of(store: Any) -> int:
    with store._transaction(reading=True) as connection:
        found: int = connection.execute(sa.select(schema.schema.c.version)).scalar_one()
        return found


def test_an_older_store_is_brought_up_to_date_when_it_is_opened(make: Make) -> None:
    """Once, and with all that is in it."""
    store: Any = make()
    if isinstance(store, MemoryStore):
        return  # it has no schema
    fill(store)
    lines = list(export_lines(store))
    make_older(store)
    calls = []
    store.migrations = {schema.VERSION - 1: lambda connection: (calls.append(1), rename(connection))}
    store.open()
    store.open()
    assert calls == [1]
    assert version_of(store) == schema.VERSION
    assert list(export_lines(store)) == lines


def test_a_migration_that_fails_changes_nothing(make: Make) -> None:
    """It is one transaction; the release before can still be used."""
    store: Any = make()
    if isinstance(store, MemoryStore):
        return  # it has no schema
    fill(store)
    lines = list(export_lines(store))
    make_older(store)
    for migrations, reason in (
        ({schema.VERSION - 1: rename_and_break}, "halfway"),
        ({}, f"version {schema.VERSION - 1}, .* knows no way on"),
    ):
        store.migrations = migrations
        with pytest.raises(StoreError, match=reason):
            store.open()
    store.migrations = {schema.VERSION - 1: rename}
    store.open()
    assert list(export_lines(store)) == lines


def test_a_newer_store_is_refused_with_both_versions(make: Make) -> None:
    """It is left as it is."""
    store: Any = make()
    if isinstance(store, MemoryStore):
        return  # it has no schema
    fill(store)
    with store._transaction() as connection:
        connection.execute(schema.schema.update().values(version=99))
    with pytest.raises(
        StoreError, match=rf"version 99, and this actorsched knows versions up to {schema.VERSION}"
    ):
        store.open()


def test_there_is_a_way_and_a_sample_for_each_version() -> None:
    """Whoever raises the version must bring both."""
    for version in range(1, schema.VERSION + 1):
        assert f"version-{version}" in NAMES
        assert version == schema.VERSION or version in schema.MIGRATIONS
