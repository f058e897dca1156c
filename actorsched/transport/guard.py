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

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from math import inf
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
#: seconds between two looks at the files of all users
_LOOK_S = 1.0
#: a user who has come in and is missing in the file keeps his rights for so many seconds: some editors empty
#: a file before they write it, and a worker that is told in that moment that it was struck off ends
_GRACE_S = 0.5
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


#: role and secret part of each user
_People: TypeAlias = dict[str, tuple[Role, str]]


class _Watched:
    """A file or folders, read again when they have changed.

    Args:
        paths: where to look for changes.
        read: reads everything anew; and names the files that each user stands in, to look at them too.
    """

    def __init__(
        self, paths: Sequence[Path], read: Callable[[], tuple[_People, Mapping[str, Sequence[Path]]]]
    ) -> None:
        self._paths = paths
        self._read = read
        self._stamp: object = None
        self._people: _People = {}
        self._files: Mapping[str, Sequence[Path]] = {}
        self._stamps: dict[str, object] = {}
        self._looked_at = -inf

    def find(self, user: str) -> tuple[Role, str] | None:
        """Role and secret part of a user, as of now.

        A file that is written anew in its place changes nothing of its folder. So those in which this user
        stands are looked at each time; and now and then all, which takes a millisecond for some hundreds.
        """
        stamp = _stamp_of(self._paths)
        if stamp is None or stamp != self._stamp:
            self._read_again()
        elif time.monotonic() - self._looked_at > _LOOK_S:
            self._look_at_files(self._files)
        else:
            self._look_at_files((user,))
        return self._people.get(user)

    def _look_at_files(self, users: Iterable[str]) -> None:
        for user in users:
            stamp = _stamp_of(self._files.get(user, ()))
            if stamp is None or stamp != self._stamps.get(user, stamp):
                self._read_again()
                return
        if users is self._files:
            self._looked_at = time.monotonic()

    def _read_again(self) -> None:
        self._stamp = _stamp_of(self._paths)
        self._people, self._files = self._read()
        # of one that has changed meanwhile, the stamp is None
        self._stamps = {user: _stamp_of(paths) for user, paths in self._files.items()}
        self._looked_at = time.monotonic()


def _stamp_of(paths: Sequence[Path]) -> tuple[object, ...] | None:
    """What changes when the files do; None while that cannot be relied on."""
    stamp: list[tuple[int, int, int] | None] = []
    now = time.time_ns()
    for path in paths:
        try:
            found = os.stat(path)
        except OSError:
            stamp.append(None)
            continue
        if 0 <= now - found.st_ctime_ns < _SETTLED_NS:
            return None
        stamp.append((found.st_ctime_ns, found.st_ino, found.st_size))
    return tuple(stamp)


class _Complaints:
    """Reports each text once, however often a file is read."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._reported: set[str] = set()

    def __call__(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            self._report(text)


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
        self._complain = _Complaints(report)
        everybody = self.folder / AUTHORISED
        self._watched = _Watched((everybody, everybody / READ_ONLY), self._read)

    def admit(self, credentials: Sequence[bytes]) -> str | Later | None:
        from zmq.utils import z85

        if len(credentials) != 1 or len(credentials[0]) != 32:
            return None
        key: str = z85.encode(credentials[0]).decode()
        return key if self._watched.find(key) is not None else None

    def role(self, user: str) -> Role | None:
        found = self._watched.find(user)
        return found[0] if found else None

    def _read(self) -> tuple[_People, Mapping[str, Sequence[Path]]]:
        """The keys in the folders; whoever is in both may only look."""
        people: _People = {}
        files: dict[str, list[Path]] = {}
        everybody = self.folder / AUTHORISED
        roles: tuple[tuple[Path, Role], ...] = ((everybody, "full"), (everybody / READ_ONLY, "read-only"))
        for folder, role in roles:
            try:
                paths = sorted(folder.glob(f"*{PUBLIC_SUFFIX}"))
            except OSError:
                continue
            for path in paths:
                key = ""  # of nobody
                try:
                    key = read_public(path).decode()
                    people[key] = role, path.stem
                except ConfigError as error:
                    self._complain(str(error))
                files.setdefault(key, []).append(path)
        return people, files


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
        self._complain = _Complaints(report)
        self._last: _People = {}
        self._missing_since: dict[str, float] = {}
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
        known = self._watched.find(name)
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
        found = self._find(user)
        return found[0] if found else None

    def _read(self) -> tuple[_People, Mapping[str, Sequence[Path]]]:
        try:
            people, broken = read_users(self.path)
        except ConfigError as error:
            self._complain(str(error))
            return {}, {}
        for text in broken:
            self._complain(text)
        return people, {}

    def _find(self, name: str) -> tuple[Role, str] | None:
        """Role and hash of a user who has come in; for a moment also of one who was in the file just now."""
        found = self._watched.find(name)
        if found is not None:
            self._last[name] = found
            self._missing_since.pop(name, None)
        elif name in self._last:
            since = self._missing_since.setdefault(name, time.monotonic())
            if time.monotonic() - since < _GRACE_S:
                return self._last[name]
            del self._last[name], self._missing_since[name]
        return found


def read_users(path: Path) -> tuple[_People, list[str]]:
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
    people: _People = {}
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
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        before = path.stat() if path.exists() else None
        lines = [] if before is None else path.read_text("utf-8", "surrogateescape").splitlines()
        lines = [line for line in lines if line.split()[:1] != [name]]
        lines.append(f"{name} {role} {hash_password(password)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("\n".join(lines) + "\n")
        if before is not None and before.st_uid != os.geteuid():  # the scheduler of its owner reads it
            os.chown(beside, before.st_uid, before.st_gid)
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise ConfigError(f"users {str(path)!r}: cannot be written: {error.strerror}") from None
