"""The history: one row per run, only ever added, and pruned by age and number.

It lies beside the state and is written by another connection: in SQLite in a file of its own, because a
file has one writer at a time and nobody shall wait for the history; in PostgreSQL in a table of the same
database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from actorsched.core.rows import RunRow
from actorsched.errors import ConfigError, StoreError, StoreUnavailableError
from actorsched.store.codec import encode_value
from actorsched.store.url import location

VERSION = 1
#: rows that are deleted in one transaction
PRUNE_CHUNK = 2_000

metadata = sa.MetaData()
schema = sa.Table("actorsched_history", metadata, sa.Column("version", sa.Integer, nullable=False))
_id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
run = sa.Table(
    "actorsched_run",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("family", sa.Text, nullable=False),
    #: a JSON object
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("worker", sa.Text),
    sa.Column("host", sa.Text),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Index("actorsched_run_ended", "ended"),
    sa.Index("actorsched_run_family", "family", "ended"),
)


_TEXTS = ("task_id", "family", "params", "run_id", "worker", "host", "error")


class History:
    """The history beside the store at a url. Belongs to one thread.

    Raises:
        StoreError: it cannot be used; StoreUnavailableError: not now.
    """

    def __init__(self, url: str) -> None:
        self.url, self._engine_url = history_url(url)
        self._engine: sa.Engine | None = None

    def open(self, *, create: bool = True) -> None:
        """Connect; make the table where it is not there, if it may be made."""
        path = self._engine_url.database if self._engine_url.drivername.startswith("sqlite") else None
        if path is not None:
            if not create and not Path(path).exists():
                raise StoreError(
                    f"{self.url}: there is no history at {path}; was a scheduler node ever started here?"
                )
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            engine = sa.create_engine(self._engine_url)
        except ImportError as error:
            raise ConfigError(
                f"{self.url}: needs psycopg ({error}); install `actorsched[postgresql]`"
            ) from None
        if path is not None:
            sa.event.listen(engine, "connect", _set_up_sqlite)
        self._engine = engine
        try:
            with engine.begin() as connection:
                if not sa.inspect(connection).has_table(schema.name):
                    metadata.create_all(connection)
                    connection.execute(schema.insert().values(version=VERSION))
                version = connection.execute(sa.select(schema.c.version)).scalar_one()
        except sa.exc.SQLAlchemyError as error:
            self.close()
            raise self._translated(error) from None
        if version > VERSION:
            self.close()
            raise StoreError(
                f"{self.url}: the history is of version {version}, and this actorsched knows versions up to"
                f" {VERSION}; use a newer actorsched"
            )

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def add(self, runs: Iterable[RunRow]) -> None:
        rows = [{**msgspec.structs.asdict(row), "params": _json(row.params)} for row in runs]
        for row in rows:
            for name in _TEXTS:
                row[name] = _clean(row[name])
        self._do(lambda connection: connection.execute(run.insert(), rows))

    def prune(self, before: float | None, most: int | None) -> int:
        """Delete a piece of what is too old or too much; how many rows.

        Args:
            before: what ended before this wall time is too old.
            most: so many rows may stay.
        """
        doomed = []
        if before is not None:
            doomed.append(sa.select(run.c.id).where(run.c.ended < before))
        if most is not None:
            newest = sa.select(sa.func.max(run.c.id)).scalar_subquery()
            doomed.append(sa.select(run.c.id).where(run.c.id <= newest - most))
        deleted = 0
        for query in doomed:
            chosen = run.c.id.in_(query.order_by(run.c.id).limit(PRUNE_CHUNK))
            deleted += self._do(
                lambda connection, c=chosen: connection.execute(run.delete().where(c))
            ).rowcount
        return deleted

    def find(
        self,
        *,
        family: str | None = None,
        params: Mapping[str, str] | None = None,
        outcomes: Iterable[str] = (),
        task: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Runs that fit, the latest first; times and durations in seconds."""
        query = sa.select(run).order_by(run.c.ended.desc(), run.c.id.desc())
        if family is not None:
            query = query.where(run.c.family == family)
        if task is not None:
            query = query.where(run.c.task_id.contains(task, autoescape=True))
        wanted = list(outcomes)
        if wanted:
            query = query.where(run.c.outcome.in_(wanted))
        if since is not None:
            query = query.where(run.c.ended >= since)
        if until is not None:
            query = query.where(run.c.ended <= until)
        if limit is not None and not params:
            query = query.limit(limit)
        found = 0
        assert self._engine is not None
        try:
            with (
                self._engine.connect() as connection,
                connection.execution_options(yield_per=500).execute(query) as rows,
            ):
                for row in rows:
                    values = _shown(dict(row._mapping))
                    known = values["params"]
                    if any(str(known.get(name)) != value for name, value in (params or {}).items()):
                        continue
                    yield values
                    found += 1
                    if found == limit:
                        return
        except sa.exc.SQLAlchemyError as error:
            raise self._translated(error) from None

    def _do(self, action: Any) -> Any:
        if self._engine is None:
            raise StoreUnavailableError(f"{self.url}: the history is not open")
        try:
            with self._engine.begin() as connection:
                return action(connection)
        except sa.exc.SQLAlchemyError as error:
            raise self._translated(error) from None

    def _translated(self, error: sa.exc.SQLAlchemyError) -> Exception:
        original = getattr(error, "orig", None)
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StoreError(
                f"{self.url}: the history is damaged: {original}; move {self._engine_url.database} away"
            )
        reason = f"{self.url}: the history: {original or error}"
        # of what is to be written, which waiting does not change
        of_data = isinstance(error, (sa.exc.DataError, sa.exc.IntegrityError))
        return StoreError(reason) if of_data else StoreUnavailableError(reason)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    values = {key: value for key, value in row.items() if key != "id"}
    values["params"] = msgspec.json.decode(values["params"])
    started = values["started"]
    values["duration"] = None if started is None else max(0.0, values["ended"] - started)
    return values


def history_url(url: str) -> tuple[str, sa.URL]:
    """What to show, and what to connect to, for the history beside a store."""
    shown, engine_url = location(url)
    if engine_url.drivername.startswith("sqlite"):
        path = Path(engine_url.database or "").expanduser()
        engine_url = engine_url.set(
            database=str(path.with_name(f"{path.stem}-history{path.suffix or '.db'}"))
        )
    return shown, engine_url


def _set_up_sqlite(driver: sqlite3.Connection, record: Any) -> None:
    driver.execute("PRAGMA journal_mode = WAL")
    driver.execute("PRAGMA synchronous = NORMAL")


def _json(params: Mapping[str, Any]) -> str:
    return encode_value(params).decode()


def _clean(value: Any) -> Any:
    """Text that every database takes."""
    if value is None or (value.isascii() and "\0" not in value):
        return value
    return value.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
