"""The embedded store: one SQLite file, in write-ahead mode, and a lock file beside it.

`durability=normal`: whatever was committed survives the end of the process in any form. `full`: each
commit is on the disk before it returns, so it also survives a loss of power.

The lock file is locked (flock) by the scheduler that has the place, so the end of its process is known
at once. It also says that there was a store here: a file that has become empty is not taken for a new
one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from actorsched.errors import StoreError, StoreUnavailableError
from actorsched.store.base import Place
from actorsched.store.recent import Entry
from actorsched.store.schema import write_rows
from actorsched.store.sql import RECENT_MAX, SqlStore

#: how long a commit waits for another process that writes (a standby, a command); seconds
BUSY_S = 5.0
#: pages of 4 KiB after which the log is copied into the file; the copying costs the commit that does it
#: some 10 ms, so it shall be rare, and the log short enough to be read at a start
CHECKPOINT_PAGES = 4_000
#: … and after so many at least; in between, when it has this part of the room that was free at the start: a
#: disk that is full of the log has none for copying it
CHECKPOINT_PAGES_MIN = 50
LOG_SHARE = 8
#: of the log, the part that the latest commits may have before they are sorted in, for the same reason
RECENT_SHARE = 4
#: bytes
PAGE = 4_096
#: so often, at most, the time and the beat are written with a commit; a restart sets the time back by so much
BEAT_S = 0.25
#: rows that one statement writes, where there are so many: in 64 a row takes 0.6 µs, alone 1.0
ROWS_AT_ONCE = (64, 16, 4)
#: KiB of pages that are kept in memory
CACHE_KIB = 65_536

#: bytes of the smallest file that SQLite does not take for an empty one
SIZE_MIN = 512

#: errors of the file system that may pass
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE)
#: what cannot be cured by waiting
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SqliteStore(SqlStore):
    """See the top of the module.

    Args:
        url: for messages.
        path: of the file; its folder is made when it is not there.
        durability: `normal` or `full`.
        lease_s: how long the place may go without a beat.
    """

    def __init__(self, url: str, path: Path, durability: str = "normal", lease_s: float = 5.0) -> None:
        super().__init__(url, sa.URL.create("sqlite+pysqlite", database=str(path)), lease_s)
        self.path = path
        self._durability = durability
        self._lock_path = path.with_name(path.name + ".lock")
        self._lock_file: int | None = None
        #: by the statement for one row, those for several
        self._many = {
            name: [(n, write_rows(table, n)) for n in ROWS_AT_ONCE]
            for name, table in (("WRITE_TASK", "actorsched_task"), ("WRITE_PROGRESS", "actorsched_progress"))
        }
        #: the clock of the last beat
        self._beat_at: float | None = None

    def make_engine(self, create: bool) -> sa.Engine:
        try:
            present = self.path.exists()
            if not present and not create:
                raise StoreError(f"{self.url}: there is no store: {self.path} is not there")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if present and self.path.stat().st_size < SIZE_MIN and self._lock_path.exists():
                raise StoreError(
                    f"{self.url}: {self.path} is empty, but there was a store in it; bring back a copy of it,"
                    f" or delete {self._lock_path} too, to begin with nothing"
                )
            if not present:  # other users of this machine have no business in it
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            kind = StoreUnavailableError if error.errno in _PASSING else StoreError
            raise kind(
                f"{self.url}: {self.path} cannot be made or read: {error.strerror or error}; name another"
                " place with --store"
            ) from None
        engine = sa.create_engine(
            self._engine_url, poolclass=sa.pool.NullPool, connect_args={"timeout": BUSY_S}
        )
        sa.event.listen(engine, "connect", self._set_up)
        sa.event.listen(engine, "begin", self._begin_any)
        return engine

    def _set_up(self, driver: sqlite3.Connection, record: Any) -> None:
        driver.isolation_level = None  # we begin transactions ourselves
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute(f"PRAGMA synchronous = {'FULL' if self._durability == 'full' else 'NORMAL'}")
        pages = self._checkpoint_pages()
        driver.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        self.recent_max = min(RECENT_MAX, pages * PAGE // RECENT_SHARE)
        driver.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        driver.execute("PRAGMA temp_store = MEMORY")
        driver.execute("PRAGMA secure_delete = OFF")  # some builds overwrite each page that becomes free

    def _checkpoint_pages(self) -> int:
        room = os.statvfs(self.path.parent)
        pages = room.f_bavail * room.f_frsize // PAGE // LOG_SHARE
        return max(CHECKPOINT_PAGES_MIN, min(pages, CHECKPOINT_PAGES))

    def _begin_any(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if self.reading else "BEGIN IMMEDIATE")

    def take(self, seen: Place, epoch: str) -> bool:
        self._beat_at = None
        return super().take(seen, epoch)

    def size(self) -> int:
        log = self.path.with_name(self.path.name + "-wal")
        return self.path.stat().st_size + (log.stat().st_size if log.exists() else 0)

    def shrink(self) -> None:
        self._driver.execute("VACUUM")
        self._driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def check(self, connection: sa.Connection) -> None:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if found != "ok":
            raise self._damaged(found)

    def prepare(self, connection: sa.Connection) -> None:
        super().prepare(connection)
        if self._lock_file is None:
            self._open_lock_file()

    def begin(self, cursor: sqlite3.Cursor) -> None:
        cursor.execute("BEGIN IMMEDIATE")

    def append(self, driver: sqlite3.Connection, entry: Entry, clock: float) -> bool:
        if not self._beats_on(clock):
            return super().append(driver, entry, clock)
        # a transaction of one statement, which looks at the place and writes
        values = (self._n_recent, *entry, self._epoch)
        return driver.execute(self._sql["WRITE_RECENT_IF_HELD"], values).rowcount == 1

    def _beats_on(self, clock: float) -> bool:
        """Whether the last beat is good for now."""
        return self._beat_at is not None and 0 <= clock - self._beat_at < BEAT_S

    def hold(self, cursor: sqlite3.Cursor, clock: float) -> bool:
        # the transaction excludes all others from its beginning, so looking is enough; a page less to write
        if self._beats_on(clock):
            return cursor.execute(self._sql["HOLD"], (self._epoch,)).fetchone() is not None
        held = super().hold(cursor, clock)
        self._beat_at = clock if held else None
        return held

    def write(self, cursor: sqlite3.Cursor, statement: str, rows: Sequence[tuple[int, bytes]]) -> None:
        done = 0
        for n, sql in self._many[statement]:
            while len(rows) - done >= n:
                cursor.execute(sql, list(chain.from_iterable(rows[done : done + n])))
                done += n
        if done < len(rows):
            super().write(cursor, statement, rows[done:])

    def try_out(self, size: int) -> None:
        # trying to write would lengthen the log, and so take the room that it looks for; what the log has is
        # given back first
        try:
            self._require()
            self._driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            room = os.statvfs(self.path.parent)
        except sqlite3.Error as error:
            raise self.translate(error) from None
        except OSError as error:
            raise StoreUnavailableError(f"{self.url}: {self.path}: {error.strerror or error}") from None
        if room.f_bavail * room.f_frsize < size:
            raise self._full()

    def _full(self) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"{self.url}: the disk is full: nothing can be stored until there is room"
        )

    def translate(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            return self._damaged(error)
        if code == sqlite3.SQLITE_FULL:
            return self._full()
        return StoreUnavailableError(f"{self.url}: {self.path}: {error}")

    def _damaged(self, reason: object) -> StoreError:
        return StoreError(
            f"{self.url}: {self.path} is damaged: {reason}; bring back a copy of it, or save what can be read"
            f" with `sqlite3 {self.path} .recover`, or move it away to begin with nothing"
        )

    # -- the lock

    def _open_lock_file(self) -> None:
        try:
            self._lock_file = os.open(self._lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailableError(f"{self.url}: {self._lock_path}: {error.strerror or error}") from None

    def lock(self) -> bool:
        if self._lock_file is None:
            return False
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def unlock(self) -> None:
        if self._lock_file is not None:
            with contextlib.suppress(OSError):
                os.close(self._lock_file)
            self._lock_file = None
