"""Where a store is, in one line of text.

    memory://                                   nothing is kept
    sqlite:///relative/path, sqlite:////absolute/path
    postgresql+psycopg://user:password@host/database, also postgresql://

`?durability=normal` or `?durability=full` may follow.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from actorsched.errors import ConfigError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from actorsched.store.base import Store

DURABILITIES = ("normal", "full")
#: the port of a scheduler when nobody says anything else, as in transport/address.py
DEFAULT_PORT = 8081
#: seconds after which a scheduler that gives no sign has lost its place
LEASE_S = 5.0
_FORMS = "memory://, sqlite:///path or postgresql+psycopg://user@host/database"


def default_url(bound_to: str | None = None) -> str:
    """The store of a scheduler node: a SQLite file in the state directory of the user.

    Each address has one of its own, so that two schedulers of a user do not stand in each other's way.
    Of a TCP address only the port counts: a scheduler that is opened to other machines keeps its state.

    Args:
        bound_to: the address that it is asked to listen on; None for the usual one.
    """
    return f"sqlite:///{_state_folder() / default_name(bound_to)}"


def default_name(bound_to: str | None) -> str:
    """The file name of the store of a scheduler at an address."""
    if bound_to is None:
        return "scheduler.db"
    scheme, _, rest = bound_to.partition("://")
    port = rest.rpartition(":")[2]
    if scheme == "tcp" and (port.isdecimal() or port == "*"):
        number = int(port) if port.isdecimal() else 0
        return "scheduler.db" if number == DEFAULT_PORT else f"scheduler-{number or 'any-port'}.db"
    # a name that a person recognises, and that no two addresses share
    words = "-".join(re.findall(r"[A-Za-z0-9]+", rest))[-40:]
    return f"scheduler-{scheme}-{words}-{hashlib.sha256(rest.encode()).hexdigest()[:8]}.db"


def default_stores() -> list[str]:
    """The urls of the stores that nodes of this user have by default, as far as they are there."""
    found = sorted(_state_folder().glob("scheduler*.db"))
    return [f"sqlite:///{path}" for path in found if not path.name.endswith("-history.db")]


def _state_folder() -> Path:
    from platformdirs import user_state_path

    return Path(user_state_path("actorsched"))


def make_store(url: str, lease_s: float = LEASE_S) -> Store:
    """The store at a url, not yet opened.

    Raises:
        ConfigError: the url cannot be understood.
    """
    if url == "memory://":
        from actorsched.store.memory import MemoryStore

        return MemoryStore()
    shown, engine_url = location(url)
    durability = str(_parse(url).query.get("durability", "normal"))
    if engine_url.drivername.startswith("sqlite"):
        from actorsched.store.sqlite import SqliteStore

        return SqliteStore(shown, Path(str(engine_url.database)), durability, lease_s)
    from actorsched.store.postgresql import PostgresStore

    return PostgresStore(shown, engine_url, durability, lease_s)


def location(url: str) -> tuple[str, sa.URL]:
    """What to show people, without a password, and what SQLAlchemy connects to.

    Raises:
        ConfigError: the url cannot be understood, or keeps nothing.
    """
    parsed = _parse(url)
    durability = parsed.query.get("durability", "normal")
    parsed = parsed.difference_update_query(["durability"])
    if durability not in DURABILITIES:
        raise ConfigError(f"store={url!r}: durability={durability!r} is not one of {', '.join(DURABILITIES)}")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if not parsed.database or parsed.database == ":memory:" or parsed.host or parsed.query:
            raise ConfigError(f"store={url!r}: expected sqlite:///path of a file")
        path = Path(parsed.database).expanduser()
        return url, parsed.set(drivername="sqlite+pysqlite", database=str(path))
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return parsed.render_as_string(hide_password=True), parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"store={url!r}: no such kind of store; expected {_FORMS}")


def _parse(url: str) -> sa.URL:
    import sqlalchemy as sa

    try:
        return sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(f"store={url!r}: expected {_FORMS}") from None
