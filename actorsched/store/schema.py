"""The tables, their version, and the ways from older versions to it.

A row of the scheduler is one value, encoded by codec.py, beside the columns that find it. A field that
is added at the end of a row with a default needs no new version; everything else does, and then a
function in `MIGRATIONS` and a stored sample of the version before, for the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import sqlalchemy as sa

from actorsched.errors import StoreError

VERSION = 2

Migrations: TypeAlias = Mapping[int, Callable[[sa.Connection], None]]


def _add_recent(connection: sa.Connection) -> None:
    recent.create(connection)


#: from a version to the next one
MIGRATIONS: Migrations = {1: _add_recent}

metadata = sa.MetaData()

#: one row; it can be read by every version, so it never changes
schema = sa.Table("actorsched_schema", metadata, sa.Column("version", sa.Integer, nullable=False))

#: one row: who has the place
place = sa.Table(
    "actorsched_place",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("beat", sa.BigInteger, nullable=False),
    sa.Column("clock", sa.Double, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    #: the holder has the lock that goes with the place
    sa.Column("locked", sa.Boolean, nullable=False),
    #: the place was given back
    sa.Column("free", sa.Boolean, nullable=False),
)

_seq = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only INTEGER is SQLite's fast row id

task = sa.Table(
    "actorsched_task",
    metadata,
    sa.Column("seq", _seq, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
progress = sa.Table(
    "actorsched_progress",
    metadata,
    sa.Column("seq", _seq, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
item = sa.Table(
    "actorsched_item",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
reply = sa.Table(
    "actorsched_reply",
    metadata,
    sa.Column("client", sa.LargeBinary, primary_key=True),
    #: as text: a client may number its frames as high as it likes
    sa.Column("seq", sa.Text, nullable=False),
    #: the clock of the commit, to forget the oldest first
    sa.Column("clock", sa.Double, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
#: the latest commits, one row for each (recent.py)
recent = sa.Table(
    "actorsched_recent",
    metadata,
    sa.Column("n", _seq, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("replies", sa.LargeBinary),
)
#: written and deleted to see whether there is room
ballast = sa.Table(
    "actorsched_ballast",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

#: the statements of a commit; `?` is a parameter. They are the same for SQLite and PostgreSQL.
BEAT = "UPDATE actorsched_place SET clock = ?, beat = beat + 1 WHERE id = 1 AND epoch = ?"
HOLD = "SELECT 1 FROM actorsched_place WHERE id = 1 AND epoch = ?"
_WRITE_ROWS = "INSERT INTO {} (seq, data) VALUES {} ON CONFLICT (seq) DO UPDATE SET data = excluded.data"


def write_rows(table: str, n: int) -> str:
    """Writes so many rows of tasks: number and data of each."""
    return _WRITE_ROWS.format(table, ", ".join(["(?, ?)"] * n))


WRITE_TASK = write_rows("actorsched_task", 1)
WRITE_PROGRESS = write_rows("actorsched_progress", 1)
DELETE_TASK = "DELETE FROM actorsched_task WHERE seq = ?"
DELETE_PROGRESS = "DELETE FROM actorsched_progress WHERE seq = ?"
WRITE_ITEM = (
    "INSERT INTO actorsched_item (kind, key, data) VALUES (?, ?, ?)"
    " ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data"
)
DELETE_ITEM = "DELETE FROM actorsched_item WHERE kind = ? AND key = ?"
WRITE_REPLY = (
    "INSERT INTO actorsched_reply (client, seq, clock, answer) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (client) DO UPDATE SET seq = excluded.seq, clock = excluded.clock, answer = excluded.answer"
)
DELETE_REPLY = "DELETE FROM actorsched_reply WHERE client = ?"
WRITE_RECENT = "INSERT INTO actorsched_recent (n, data, replies) VALUES (?, ?, ?)"
READ_RECENT = "SELECT data, replies FROM actorsched_recent ORDER BY n"
DELETE_RECENT = "DELETE FROM actorsched_recent"
#: a whole commit: writes nothing when the place is not ours
WRITE_RECENT_IF_HELD = (
    "INSERT INTO actorsched_recent (n, data, replies)"
    " SELECT ?, ?, ? FROM actorsched_place WHERE id = 1 AND epoch = ?"
)


def prepare(connection: sa.Connection, where: str, migrations: Migrations = MIGRATIONS) -> bool:
    """Make the tables, or bring them up to date, inside the transaction that is open.

    Returns:
        whether they were made now.

    Raises:
        StoreError: the tables are of a newer version, or of one that no way leads from.
    """
    if not sa.inspect(connection).has_table(schema.name):
        metadata.create_all(connection)
        connection.execute(schema.insert().values(version=VERSION))
        connection.execute(
            place.insert().values(id=1, epoch="", beat=0, clock=0.0, host="", pid=0, locked=False, free=True)
        )
        return True
    version = connection.execute(sa.select(schema.c.version)).scalar_one()
    if version > VERSION:
        raise StoreError(
            f"{where}: the store is of version {version}, and this actorsched knows versions up to {VERSION};"
            " use a newer actorsched, or another store"
        )
    for old in range(version, VERSION):
        if old not in migrations:
            raise StoreError(
                f"{where}: the store is of version {version}, and this actorsched, of version {VERSION},"
                f" knows no way on from version {old}; use a release in between first"
            )
        migrations[old](connection)
        connection.execute(schema.update().values(version=old + 1))
    return False
