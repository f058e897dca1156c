"""The shared store: PostgreSQL, through psycopg.

The lock that goes with the place is an advisory lock of the session, so it is free as soon as the
server sees that the connection has ended. A holder that was stopped in the middle of a transaction would
keep everybody from the place, so whoever takes it from one that gave no sign for a lease then ends the
session of that one. The server itself ends a transaction that idles for a lease, but it does not call it
idle where the client was stopped between the statements of a pipeline.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from actorsched.errors import ConfigError, StoreError, StoreUnavailableError
from actorsched.store import schema
from actorsched.store.base import Place
from actorsched.store.sql import SqlStore

#: the number of our advisory lock: "actsched" as bytes
LOCK = int.from_bytes(b"actsched")
#: milliseconds that the end of a session may take
END_MS = 1_000
#: seconds that a connection attempt may take
CONNECT_S = 5
#: classes of SQLSTATE (their first two characters) that name a wrong url or missing rights
_REFUSED = ("28", "3D", "42")


class PostgresStore(SqlStore):
    """See the top of the module.

    Args:
        url: for messages, without the password.
        engine_url: as SQLAlchemy understands it.
        durability: `full` waits for the server's disk, `normal` leaves it to the server's configuration.
        lease_s: how long the place may go without a beat.
    """

    parameter = "%s"

    def __init__(
        self, url: str, engine_url: sa.URL, durability: str = "normal", lease_s: float = 5.0
    ) -> None:
        super().__init__(url, engine_url, lease_s)
        self._durability = durability
        self._locked_on: Any = None

    def make_engine(self, create: bool) -> sa.Engine:
        options = f"-c idle_in_transaction_session_timeout={int(self.lease_s * 1000)}"
        options += f" -c lock_timeout={int(self.lease_s * 2000)}"
        if self._durability == "full":
            options += " -c synchronous_commit=on"
        try:
            return sa.create_engine(
                self._engine_url,
                poolclass=sa.pool.NullPool,
                connect_args={
                    "connect_timeout": CONNECT_S,
                    "options": options,
                    "application_name": "actorsched",
                    "keepalives_idle": CONNECT_S,
                    "prepare_threshold": 2,
                },
            )
        except ImportError as error:
            raise ConfigError(
                f"{self.url}: PostgreSQL needs psycopg ({error}); install `actorsched[postgresql]`"
            ) from None

    def translate(self, error: Exception) -> Exception:
        import psycopg

        if not isinstance(error, psycopg.Error):
            return error
        reason = " ".join(str(error).split()) or type(error).__name__
        if error.sqlstate is not None and error.sqlstate.startswith(_REFUSED):
            return StoreError(f"{self.url}: {reason}")
        if "closed the connection unexpectedly" in reason:
            reason = (
                "the server has ended the connection: it was stopped, or this process stood still within a"
                f" transaction for longer than its lease of {self.lease_s:g} s"
            )
        return StoreUnavailableError(f"{self.url}: {reason}")

    def begin_reading(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def size(self) -> int:
        with self._transaction(reading=True) as connection:
            query = sa.select(sa.func.pg_total_relation_size(sa.bindparam("name")))
            tables = schema.metadata.sorted_tables
            return sum(connection.execute(query, {"name": table.name}).scalar_one() for table in tables)

    def shrink(self) -> None:
        self._driver.autocommit = True
        try:
            for table in schema.metadata.sorted_tables:
                self._driver.execute(f"VACUUM (FULL, ANALYZE) {table.name}")
        finally:
            self._driver.autocommit = False

    def take(self, seen: Place, epoch: str) -> bool:
        if not seen.free and self._place_is_locked():
            self._end_session_of_holder()
        return super().take(seen, epoch)

    def _place_is_locked(self) -> bool:
        query = sa.select(schema.place.c.id).with_for_update(skip_locked=True)
        with self._transaction() as connection:
            return connection.execute(query).one_or_none() is None

    def _end_session_of_holder(self) -> None:
        """End the session that has the lock; it can have nothing more to say, or it says it in a new one."""
        with self._transaction() as connection:
            waiting = (connection.dialect.server_version_info or ()) >= (14,)
            known = self._driver.execute(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                " AND classid = %s AND objid = %s AND pid <> pg_backend_pid()",
                (LOCK >> 32, LOCK & 0xFFFFFFFF),
            ).fetchall()
        for (pid,) in known:
            end = f"SELECT pg_terminate_backend({pid}{f', {END_MS}' if waiting else ''})"
            try:
                with self._transaction() as connection:
                    connection.exec_driver_sql(end)
            except StoreError:  # of another user: then we wait for the row, as long as that is allowed
                return

    def prepare(self, connection: sa.Connection) -> None:
        # two schedulers that start at once must not both make the tables
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK + 1)))
        super().prepare(connection)

    def lock(self) -> bool:
        if self._connection is None:
            return False
        driver = self._connection.connection.driver_connection
        if self._locked_on is driver:
            return True
        in_transaction = self._connection.in_transaction()
        got = self._connection.execute(sa.select(sa.func.pg_try_advisory_lock(LOCK))).scalar_one()
        if not in_transaction:
            self._connection.rollback()
        if got:
            self._locked_on = driver
        return bool(got)

    def unlock(self) -> None:
        self._locked_on = None  # it went with the connection
