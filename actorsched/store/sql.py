"""What SQLite and PostgreSQL have in common.

SQLAlchemy makes the connection, the schema and everything that is done once. The statements of a commit
go to the driver's cursor directly: a commit through SQLAlchemy takes 24 µs where the driver takes 9, and
there is one for each message to the scheduler.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

import sqlalchemy as sa

from actorsched.core.rows import Changes, ItemRow, ProgressRow, Rows, TaskRow
from actorsched.errors import FencedError, StoreError, StoreHeldError, StoreUnavailableError
from actorsched.store import schema
from actorsched.store.base import Holder, Place, Reply, Stored
from actorsched.store.codec import (
    decode_item,
    decode_progress,
    decode_task,
    text_of,
)
from actorsched.store.recent import Entry, Recent, pack
from actorsched.store.written import Written, encoded, summed_up

#: rows that are fetched at once while a store is read
CHUNK = 5_000

_TABLES = ("BEAT", "HOLD", "WRITE_TASK", "WRITE_PROGRESS", "DELETE_TASK", "DELETE_PROGRESS", "WRITE_ITEM",
           "DELETE_ITEM", "WRITE_REPLY", "DELETE_REPLY", "WRITE_RECENT", "READ_RECENT", "DELETE_RECENT",
           "WRITE_RECENT_IF_HELD")  # fmt: skip
#: bytes of the latest commits (recent.py) after which they are sorted into the tables
RECENT_MAX = 1024 * 1024


class SqlStore:
    """Base class.

    Args:
        url: as given, for messages.
        engine_url: what SQLAlchemy connects to.
        lease_s: for how long the place may go without a beat; the database may use it.
    """

    #: how the driver writes a parameter
    parameter = "?"
    #: the ways from older versions
    migrations: schema.Migrations = schema.MIGRATIONS

    def __init__(self, url: str, engine_url: sa.URL, lease_s: float) -> None:
        self.url = url
        self.lease_s = lease_s
        self._engine_url = engine_url
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None
        self._driver: Any = None
        #: whether the transaction that begins will only read
        self.reading = False
        self._epoch = ""
        #: of the latest commits: how many there are, and their bytes; not known before they were sorted in
        self._n_recent = 0
        self._recent_bytes: float = inf
        self.recent_max = RECENT_MAX
        sql = {name: getattr(schema, name).replace("?", self.parameter) for name in _TABLES}
        self._sql = sql

    # -- what differs

    def make_engine(self, create: bool) -> sa.Engine:
        raise NotImplementedError

    def begin_reading(self, connection: sa.Connection) -> None:
        """Make the transaction that has begun see one moment only."""

    def size(self) -> int:
        """Bytes on the disk."""
        raise NotImplementedError

    def shrink(self) -> None:
        """Give unused room back; outside of a transaction."""
        raise NotImplementedError

    def check(self, connection: sa.Connection) -> None:
        """Look whether the data is sound, before anything else is read."""

    def lock(self) -> bool:
        """Get the lock that goes with the place and with our process, or have it already."""
        raise NotImplementedError

    def unlock(self) -> None:
        raise NotImplementedError

    def begin(self, cursor: Any) -> None:
        """Begin a transaction that will write."""

    def hold(self, cursor: Any, clock: float) -> bool:
        """Whether we have the place, until the end of this transaction; note the time and renew the beat."""
        cursor.execute(self._sql["BEAT"], (clock, self._epoch))
        return bool(cursor.rowcount == 1)

    def write(self, cursor: Any, statement: str, rows: Sequence[tuple[int, bytes]]) -> None:
        """Write rows of tasks by this statement, in their order."""
        cursor.executemany(self._sql[statement], rows)

    def translate(self, error: Exception) -> Exception:
        """Our error for one of the driver's."""
        raise NotImplementedError

    # -- opening and closing

    def open(self, *, create: bool = True) -> None:
        self.close()
        try:
            self._engine = self.make_engine(create)
            self._connection = self._engine.connect()
            self.reading = True
            with self._connection.begin():
                self.check(self._connection)
            self.reading = False
            with self._connection.begin():
                if not create and not sa.inspect(self._connection).has_table(schema.schema.name):
                    raise StoreError(f"{self.url}: there is no store")
                self.prepare(self._connection)
            self._driver = self._connection.connection.driver_connection
        except sa.exc.DBAPIError as error:
            self.close()
            raise self._translated(error) from None
        except BaseException:
            self.close()
            raise

    def prepare(self, connection: sa.Connection) -> None:
        schema.prepare(connection, self.url, self.migrations)

    def close(self) -> None:
        self._driver = None
        connection, self._connection = self._connection, None
        engine, self._engine = self._engine, None
        try:
            if connection is not None:
                connection.invalidate()
                connection.close()
            if engine is not None:
                engine.dispose()
        except Exception:  # it was broken, and now it is gone
            return
        finally:
            self.unlock()

    @contextmanager
    def _transaction(self, *, reading: bool = False) -> Iterator[sa.Connection]:
        connection = self._require()
        self.reading = reading
        if connection.in_transaction():  # somebody did not read to the end
            connection.rollback()
        try:
            with connection.begin():
                yield connection
        except sa.exc.DBAPIError as error:
            raise self._translated(error) from None

    def _require(self) -> sa.Connection:
        if self._connection is None:
            raise StoreUnavailableError(f"{self.url}: the store is not open")
        return self._connection

    def _translated(self, error: sa.exc.DBAPIError) -> Exception:
        original = error.orig
        return self.translate(original if isinstance(original, Exception) else error)

    # -- the place

    def look(self) -> Place:
        with self._transaction(reading=True) as connection:
            row = connection.execute(sa.select(schema.place)).one_or_none()
        if row is None:
            raise StoreError(f"{self.url}: the store is damaged: it does not say who has it")
        free = row.free or (self.lock() and row.locked)
        return Place(row.epoch, row.beat, Holder(row.host, row.pid), free)

    def take(self, seen: Place, epoch: str) -> bool:
        place = schema.place
        with self._transaction() as connection:
            done = connection.execute(
                place.update()
                .where(place.c.id == 1, place.c.epoch == seen.epoch, place.c.beat == seen.beat)
                .values(
                    epoch=epoch,
                    beat=seen.beat + 1,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    locked=self.lock(),
                    free=False,
                )
            )
            taken = done.rowcount == 1
        if taken:
            self._epoch = epoch
            self._recent_bytes = inf
        return taken

    def give_back(self) -> None:
        place = schema.place
        try:
            with self._transaction() as connection:
                connection.execute(place.update().where(place.c.epoch == self._epoch).values(free=True))
        except Exception:  # then the next one waits for the lease
            return

    def vacuum(self) -> tuple[int, int]:
        seen = self.look()
        if not seen.free:
            raise StoreHeldError(f"{self.url}: {seen.holder} has this store; stop it first")
        before = self.size()
        try:
            self.shrink()
        except Exception as error:
            raise self.translate(error) from None
        return before, self.size()

    # -- reading

    def read(self) -> Stored:
        connection = self._require()
        self.reading = True
        if connection.in_transaction():
            connection.rollback()
        try:
            connection.begin()
            self.begin_reading(connection)
            clock = connection.execute(sa.select(schema.place.c.clock)).scalar_one()
            stored = connection.execute(sa.select(schema.reply).order_by(schema.reply.c.clock)).all()
            items = {
                (row.kind, text_of(row.key)): row.data for row in connection.execute(sa.select(schema.item))
            }
            columns = schema.recent.c
            latest = connection.execute(sa.select(columns.data, columns.replies).order_by(columns.n)).all()
        except sa.exc.DBAPIError as error:
            raise self._translated(error) from None
        recent = self._sum_up(latest)
        replies = [
            Reply(client, int(row.seq), bytes(row.answer))
            for row in stored
            if (client := text_of(row.client)) not in recent.replies
        ]
        replies += [
            Reply(client, frame, answer)
            for client, (frame, _, answer) in recent.replies.items()
            if answer is not None
        ]
        rows = Rows(self._read_tasks(connection, recent), self._decode_items({**items, **recent.items}))
        return Stored(rows, replies, clock)

    def _sum_up(self, entries: Iterable[Any]) -> Recent:
        """What rows of the latest commits come to."""
        recent = Recent()
        for number, (data, replies) in enumerate(entries, 1):
            try:
                recent.add(Entry(bytes(data), None if replies is None else bytes(replies)))
            except ValueError as error:
                raise StoreError(
                    f"{self.url}: the store is damaged: latest commit {number}: {error}"
                ) from None
        return recent

    def _read_tasks(
        self, connection: sa.Connection, recent: Recent
    ) -> Iterator[tuple[int, TaskRow, ProgressRow | None]]:
        """The tasks, and the end of the transaction that is open."""
        task, progress = schema.task, schema.progress
        joined = task.outerjoin(progress, task.c.seq == progress.c.seq)
        query = sa.select(task.c.seq, task.c.data, progress.c.data).select_from(joined).order_by(task.c.seq)
        try:
            with connection.execute(query, execution_options={"yield_per": CHUNK}) as result:
                for seq, data, step in recent.over(result):
                    try:
                        yield seq, decode_task(data), None if step is None else decode_progress(step)
                    except ValueError as error:
                        raise StoreError(f"{self.url}: the store is damaged: task {seq}: {error}") from None
        except sa.exc.DBAPIError as error:
            raise self._translated(error) from None
        finally:
            connection.rollback()

    def _decode_items(
        self, items: Mapping[tuple[str, str], bytes | None]
    ) -> Iterator[tuple[str, str, ItemRow]]:
        for (kind, key), data in items.items():
            if data is None:
                continue
            try:
                yield kind, key, decode_item(kind, data)
            except (KeyError, ValueError) as error:
                raise StoreError(f"{self.url}: the store is damaged: {kind} {key!r}: {error}") from None

    # -- writing

    def commit(self, changes: Changes, replies: Iterable[Reply], clock: float) -> None:
        answered = list(replies)
        entry = pack(changes, answered, clock)
        written = None if entry is not None else encoded(changes, answered, clock)
        driver = self._driver
        if driver is None:
            raise StoreUnavailableError(f"{self.url}: the store is not open")
        try:
            if entry is not None and self._recent_bytes < self.recent_max:
                held = self.append(driver, entry, clock)
            else:
                held = self._sort_in(driver, entry, written, clock)
        except Exception as error:
            with_reason = self.translate(error)
            self._roll_back(driver)
            raise with_reason from None
        if not held:
            self._roll_back(driver)
            raise FencedError(f"{self.url}: another scheduler has taken the place of this one")
        if entry is not None:
            self._n_recent += 1
            self._recent_bytes += len(entry.data) + len(entry.replies or b"")

    def append(self, driver: Any, entry: Entry, clock: float) -> bool:
        """Commit one more of the latest commits; false if the place is not ours."""
        cursor = driver.cursor()
        self.begin(cursor)
        if not self.hold(cursor, clock):
            return False
        self._write_entry(cursor, entry)
        driver.commit()
        return True

    def _write_entry(self, cursor: Any, entry: Entry) -> None:
        cursor.execute(self._sql["WRITE_RECENT"], (self._n_recent, *entry))

    def _sort_in(self, driver: Any, entry: Entry | None, written: Written | None, clock: float) -> bool:
        """Sort the latest commits into the tables, and commit that together with the next one."""
        cursor = driver.cursor()
        self.begin(cursor)
        if not self.hold(cursor, clock):
            return False
        recent = self._sum_up(cursor.execute(self._sql["READ_RECENT"]).fetchall())
        self._put(cursor, summed_up(recent))
        cursor.execute(self._sql["DELETE_RECENT"])
        n_recent, self._n_recent = self._n_recent, 0
        try:
            if entry is not None:
                self._write_entry(cursor, entry)
            if written is not None:
                self._put(cursor, written)
            driver.commit()
        except BaseException:
            self._n_recent = n_recent
            raise
        self._recent_bytes = 0
        return True

    def _put(self, cursor: Any, written: Written) -> None:
        """Write rows into their tables."""
        sql = self._sql
        if written.gone:
            gone = [(seq,) for seq in written.gone]
            cursor.executemany(sql["DELETE_TASK"], gone)
            cursor.executemany(sql["DELETE_PROGRESS"], gone)
        if written.tasks:
            self.write(cursor, "WRITE_TASK", written.tasks)
        if written.progress:
            self.write(cursor, "WRITE_PROGRESS", written.progress)
        for kind, key, data in written.items:
            if data is None:
                cursor.execute(sql["DELETE_ITEM"], (kind, key))
            else:
                cursor.execute(sql["WRITE_ITEM"], (kind, key, data))
        for client, frame, clock, answer in written.replies:
            if answer is None:
                cursor.execute(sql["DELETE_REPLY"], (client,))
            else:
                cursor.execute(sql["WRITE_REPLY"], (client, frame, clock, answer))

    @staticmethod
    def _roll_back(driver: Any) -> None:
        try:
            driver.rollback()
        except Exception:  # the connection is gone, and the transaction with it
            return

    def try_out(self, size: int) -> None:
        ballast = schema.ballast
        for statement in (
            ballast.delete(),
            ballast.insert().values(id=1, data=bytes(size)),
            ballast.delete(),
        ):
            with self._transaction() as connection:
                connection.execute(statement)
