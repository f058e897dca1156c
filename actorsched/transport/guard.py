"""Who may talk to a server, and whether only to look.

A guard knows its people from files, and looks at the files again whenever they have changed: somebody
who is struck off loses the right at the next request, on an open connection too, and nobody restarts
anything. ZeroMQ asks the guard before it lets a connection in (`zap.py`), so nothing that a stranger
sends is parsed here; the server asks it again for the role, at each request.

    KEYS/server.key_secret            the server's own key pair
    KEYS/authorised/NAME.key          may do everything
    KEYS/authorised/read-only/NAME.key   may only look
    USERS                             one line for each: name, role, hash of the password
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from actorsched.errors import ConfigError
from actorsched.transport.keys import PUBLIC_SUFFIX, KeyPair, check_name, read_pair, read_public
from actorsched.transport.passwords import check_password, hash_password, is_hash

Role: TypeAlias = Literal["full", "read-only"]

SERVER = "server"
AUTHORISED = "authorised"
READ_ONLY = "read-only"
ROLES: tuple[Role, Role] = ("full", "read-only")
#: a file that changed less than this ago may change again without another time stamp
_SETTLED_NS = 2_000_000_000
#: passwords that were right are remembered, so that a reconnecting node costs no hash
_MAX_REMEMBERED = 1024
#: longer ones are not even hashed
_MAX_PASSWORD = 1024

#: a verdict that takes long to find: to be called in another thread; returns the user, or None
Later: TypeAlias = Callable[[], str | None]


class Guard(Protocol):
    """What a server needs of a guard."""

    #: "CURVE" or "PLAIN", as ZeroMQ calls it
    mechanism: str
    #: the keys of the server, for CURVE
    pair: KeyPair | None

    def admit(self, credentials: Sequence[bytes]) -> str | Later | None:
        """The id of who shows these credentials; None for a stranger."""

    def role(self, user: str) -> Role | None:
        """What somebody who was admitted may do now; None: nothing any more."""


class _Watched:
    """A file or folders, read again when they have changed.

    Args:
        paths: where to look for changes.
        read: reads everything anew.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[], dict[str, tuple[Role, str]]]) -> None:
        self._paths = paths
        self._read = read
        self._stamp: object = None
        self._people: dict[str, tuple[Role, str]] = {}

    def people(self) -> dict[str, tuple[Role, str]]:
        """Role and secret part of each known user, as of now."""
        stamp = self._look()
        if stamp is None or stamp != self._stamp:
            self._people = self._read()
            self._stamp = stamp
        return self._people

    def _look(self) -> object:
        """What changes when the files do; None while that cannot be relied on."""
        stamp: list[tuple[int, int, int] | None] = []
        newest = 0
        for path in self._paths:
            try:
                found = os.stat(path)
            except OSError:
                stamp.append(None)
                continue
            newest = max(newest, found.st_mtime_ns)
            stamp.append((found.st_mtime_ns, found.st_ino, found.st_size))
        return tuple(stamp) if newest < time.time_ns() - _SETTLED_NS else None


class CurveGuard:
    """Knows people by their keys.

    Args:
        folder: as drawn at the top of the module; made by `actorsched keygen`.
        report: is told of files that are no keys.

    Raises:
        ConfigError: there is no key of the server.
    """

    mechanism = "CURVE"

    def __init__(self, folder: str | Path, report: Callable[[str], None] = lambda text: None) -> None:
        self.folder = Path(folder).expanduser()
        self.pair: KeyPair | None = read_pair(self.folder / f"{SERVER}.key_secret")
        self._report = report
        self._reported: set[str] = set()
        everybody = self.folder / AUTHORISED
        self._watched = _Watched((everybody, everybody / READ_ONLY), self._read)

    def admit(self, credentials: Sequence[bytes]) -> str | Later | None:
        from zmq.utils import z85

        if len(credentials) != 1 or len(credentials[0]) != 32:
            return None
        key: str = z85.encode(credentials[0]).decode()
        return key if key in self._watched.people() else None

    def role(self, user: str) -> Role | None:
        found = self._watched.people().get(user)
        return found[0] if found else None

    def _read(self) -> dict[str, tuple[Role, str]]:
        """The keys in the folders; whoever is in both may only look."""
        people: dict[str, tuple[Role, str]] = {}
        everybody = self.folder / AUTHORISED
        roles: tuple[tuple[Path, Role], ...] = ((everybody, "full"), (everybody / READ_ONLY, "read-only"))
        for folder, role in roles:
            try:
                paths = sorted(folder.glob(f"*{PUBLIC_SUFFIX}"))
            except OSError:
                continue
            for path in paths:
                try:
                    people[read_public(path).decode()] = role, path.stem
                except ConfigError as error:
                    self._complain(str(error))
        return people

    def _complain(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            self._report(text)


class PlainGuard:
    """Knows people by name and password.

    Args:
        path: the file of users; made by `actorsched keygen`.
        report: is told of lines that are none.

    Raises:
        ConfigError: there is no such file, or a line in it is none.
    """

    mechanism = "PLAIN"
    pair: KeyPair | None = None

    def __init__(self, path: str | Path, report: Callable[[str], None] = lambda text: None) -> None:
        self.path = Path(path).expanduser()
        self._report = report
        self._secret = secrets.token_bytes(32)
        self._remembered: dict[bytes, None] = {}
        #: for names that nobody has: they must take as long as others
        self._nobody = hash_password(secrets.token_hex())
        _, broken = read_users(self.path)
        if broken:
            raise ConfigError(broken[0])
        self._watched = _Watched((self.path,), self._read)

    def admit(self, credentials: Sequence[bytes]) -> str | Later | None:
        if len(credentials) != 2 or len(credentials[1]) > _MAX_PASSWORD:
            return None
        name, password = credentials[0].decode("utf-8", "replace"), credentials[1]
        known = self._watched.people().get(name)
        line = known[1] if known else self._nobody
        mark = blake2b(b"\0".join((name.encode(), line.encode(), password)), key=self._secret).digest()
        if mark in self._remembered:
            return name

        def check() -> str | None:
            right = check_password(password, line) and known is not None
            if not right:
                return None
            while len(self._remembered) >= _MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[mark] = None
            return name

        return check

    def role(self, user: str) -> Role | None:
        found = self._watched.people().get(user)
        return found[0] if found else None

    def _read(self) -> dict[str, tuple[Role, str]]:
        try:
            people, broken = read_users(self.path)
        except ConfigError as error:
            self._report(str(error))
            return {}
        for text in broken:
            self._report(text)
        return people


def read_users(path: Path) -> tuple[dict[str, tuple[Role, str]], list[str]]:
    """The users in a file: role and hash by name; and what is wrong with other lines.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(
            f"users {str(path)!r}: {error.strerror}; make one with `actorsched keygen user NAME`"
        ) from None
    people: dict[str, tuple[Role, str]] = {}
    broken = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split()
        role = next((role for role in ROLES if len(parts) == 3 and role == parts[1]), None)
        if role is None or not is_hash(parts[2]):
            broken.append(
                f"users {str(path)!r}, line {number}: expected NAME, full or read-only, and a hash;"
                " write it with `actorsched keygen user NAME`"
            )
            continue
        people[parts[0]] = role, parts[2]
    return people, broken


def write_user(path: Path, name: str, role: Role, password: str) -> None:
    """Add a user to a file, or change the one of this name.

    Raises:
        ConfigError: a name or a password that cannot be, or the file cannot be read or written.
    """
    check_name(name)
    if not password or len(password.encode()) > 255:  # ZeroMQ's own limit
        raise ConfigError("the password must have from 1 to 255 bytes")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines = [line for line in lines if line.split()[:1] != [name]]
    lines.append(f"{name} {role} {hash_password(password)}")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(beside, path)
    except OSError as error:
        raise ConfigError(f"users {str(path)!r}: cannot be written: {error.strerror}") from None
