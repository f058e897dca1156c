"""Addresses: `tcp://host:port`, `ipc:///path`, `inproc://name`; and those of a stock luigid.

They are checked before a socket sees them, because ZeroMQ says "Invalid argument" where a person needs
the value and the remedy, and because a server must not listen to strangers by accident.

Where somebody may have written a password into an address, only `redacted` text goes into errors and logs.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, unquote, urlsplit

from actorsched.errors import AddressError

#: the port of a scheduler when nobody says anything else
DEFAULT_PORT = 8081
#: the longest path of a Unix socket, on Linux; other systems allow less
MAX_IPC_PATH = 107

#: a stock luigid, and the port that it has where nobody says another
HTTP_SCHEMES = ("http", "https", "http+unix")
HTTP_PORT = 8082

_IPC_USER = re.compile(r"([^/@:]*):([^/]*)@(/.*)")
_EXPECTED = "expected tcp://HOST:PORT, ipc:///PATH or inproc://NAME"
_EXPECTED_HTTP = f"{_EXPECTED}; or http://HOST:PORT, https://HOST:PORT, http+unix://%2FPATH for a luigid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that has been understood.

    Attributes:
        scheme: `tcp`, `ipc` or `inproc`; `http`, `https` or `http+unix`.
        host: of `tcp`, `http`, `https`; without brackets.
        port: of the same; 0 in an address to bind to means any free one.
        name: path of `ipc` and `http+unix`, name of `inproc`.
        path: of `http` and `https`: what stands before `/api`, without a slash at its end.
        user, password: "" where nobody has to identify himself in this way; the password is not shown.
    """

    scheme: str
    host: str = ""
    port: int = 0
    name: str = ""
    path: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def endpoint(self) -> str:
        """The address as ZeroMQ wants it, without user and password."""
        if self.scheme == "http+unix":
            return f"http+unix://{self.name.replace('/', '%2F')}"
        if not self.host:
            return f"{self.scheme}://{self.name}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port or '*'}{self.path}"

    @property
    def is_http(self) -> bool:
        return self.scheme in HTTP_SCHEMES

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if not self.host or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return self.endpoint


_PASSWORD = re.compile(r"(?<=://)([^/@,\s:]*):([^,\s]*)@")


def redacted(text: str) -> str:
    """The text of an address, or several, without the passwords in it."""
    return _PASSWORD.sub(r"\1:***@", text)


def is_http(text: str) -> bool:
    """Whether a URL is that of a luigid."""
    return text.strip().partition("://")[0] in HTTP_SCHEMES


def parse_address(text: str, *, allow_clear_password: bool = False, allow_http: bool = False) -> Address:
    """Understand one address to connect to.

    Args:
        text: the address.
        allow_clear_password: whether a password may travel to another machine without encryption.
        allow_http: whether it may be that of a luigid.

    Raises:
        AddressError: naming the value and the remedy.
    """
    address = _parse(text, allow_http)
    shown = redacted(text)
    if address.host and address.port == 0:
        raise AddressError(f"address {shown!r}: port 0 is none to connect to; say the port of the scheduler")
    if address.host in ("*", "0.0.0.0", "::"):
        raise AddressError(f"address {shown!r}: that is every interface; say the host of the scheduler")
    if address.password and not (allow_clear_password or address.is_local or address.scheme == "https"):
        raise AddressError(
            f"address {shown!r}: the password would travel to {address.host} for everybody to read; use keys"
            " instead (actorsched keygen), or, in a network that you trust, set allow_clear_password"
        )
    return address


def parse_endpoints(
    text: str, *, allow_clear_password: bool = False, allow_http: bool = False
) -> tuple[Address, ...]:
    """Understand the URL of a scheduler: one address, or several with commas between, to be tried in turn.

    Args:
        text: the URL. A comma within a password is written %2C.
        allow_clear_password: as for `parse_address`.
        allow_http: as for `parse_address`; then all of them must be, or none.

    Raises:
        AddressError: naming the value and the remedy.
    """
    parts = [part.strip() for part in text.split(",")]
    found = tuple(
        parse_address(part, allow_clear_password=allow_clear_password, allow_http=allow_http)
        for part in parts
    )
    if len({address.is_http for address in found}) > 1:
        raise AddressError(
            f"address {redacted(text)!r}: those of a luigid (http) and of an actorsched scheduler are mixed"
        )
    return found


def parse_bind(text: str, *, allow_remote: bool = False, protected: str = "") -> Address:
    """Understand an address to listen on.

    Args:
        text: the address; `tcp` may have port 0 or `*` for any free one.
        allow_remote: whether other machines may be listened to without keys.
        protected: "CURVE" where only the holders of keys are let in, "PLAIN" where a password is asked for.

    Raises:
        AddressError: naming the value and the remedy, also for an address that strangers could reach.
    """
    address = _parse(text, False)
    if address.user or address.password:
        raise AddressError(
            f"address {redacted(text)!r}: an address to listen on has no user; name the file of users instead"
        )
    if address.scheme == "ipc" and len((address.name + EVENTS_SUFFIX).encode()) > MAX_IPC_PATH:
        longest = MAX_IPC_PATH - len(EVENTS_SUFFIX)
        raise AddressError(
            f"address {text!r}: the path is longer than {longest} bytes, because {EVENTS_SUFFIX!r} is"
            " added to it for the hints; use a shorter one"
        )
    if address.scheme == "tcp" and address.host == "localhost":  # to bind needs a number
        address = Address(scheme="tcp", host="127.0.0.1", port=address.port)
    if address.is_local or protected == "CURVE" or allow_remote:
        return address
    if protected == "PLAIN":
        danger = "passwords would come from other machines for everybody to read"
    else:
        danger = (
            "other machines could reach it, and whoever reaches a scheduler can make its workers run things"
        )
    raise AddressError(
        f"address {text!r}: {danger}; make keys with `actorsched keygen server` and name their folder"
        f" (--keys), or bind to tcp://127.0.0.1:{address.port or '*'} or ipc://, or, in a network that you"
        " trust, say allow_remote (--allow-remote)"
    )


#: of an address with a path or a name, that of the hints beside it
EVENTS_SUFFIX = ".events"


def events_beside(address: Address, port: int = 0) -> Address:
    """Where a server that listens at `address` gives its hints; port 0 is any free one."""
    if address.scheme == "tcp":
        return Address(scheme="tcp", host=address.host, port=port)
    return Address(scheme=address.scheme, name=address.name + EVENTS_SUFFIX)


def parse_events(text: str, reached_at: Address) -> Address:
    """Understand where a server says that its hints are.

    Args:
        text: what `hello` says.
        reached_at: by which address this server was reached. The host of that counts: the server cannot
            know by what name others call it.

    Raises:
        AddressError: it cannot be understood.
    """
    address = _parse(text, False)
    if address.scheme != reached_at.scheme:
        return address
    return replace(address, host=reached_at.host, user=reached_at.user, password=reached_at.password)


def _parse(text: str, allow_http: bool) -> Address:
    scheme, separator, rest = text.partition("://")
    expected = _EXPECTED_HTTP if allow_http else _EXPECTED
    if not separator or scheme not in ("tcp", "ipc", "inproc", *(HTTP_SCHEMES if allow_http else ())):
        raise AddressError(f"address {redacted(text)!r}: {expected}")
    if "\0" in rest or any(c.isspace() for c in rest):
        raise AddressError(f"address {redacted(text)!r}: there is white space in it; {expected}")
    if scheme in ("tcp", "http", "https"):
        return _parse_host(text, scheme)
    if not rest:
        raise AddressError(f"address {text!r}: nothing after {scheme}://; {expected}")
    if scheme == "http+unix":
        return _parse_unix(text)
    return _parse_ipc(text, rest) if scheme == "ipc" else Address(scheme=scheme, name=rest)


def _parse_ipc(text: str, rest: str) -> Address:
    shown = redacted(text)
    path, user, password = rest, "", ""
    if not rest.startswith("/") and "@" in rest:
        if rest.startswith("@"):  # ZeroMQ would take that for one
            raise AddressError(
                f"address {shown!r}: an abstract name has no file with rights, so every user of the machine"
                " could reach it; name a path: ipc:///PATH"
            )
        found = _IPC_USER.fullmatch(rest)
        if found is None:
            raise AddressError(f"address {shown!r}: expected ipc:///PATH, or ipc://USER:PASSWORD@/PATH")
        path = found[3]
        user, password = _checked(unquote(found[1]), unquote(found[2]), shown)
    if len(path.encode()) > MAX_IPC_PATH:
        raise AddressError(
            f"address {shown!r}: the path is longer than {MAX_IPC_PATH} bytes; use a shorter one"
        )
    return Address(scheme="ipc", name=path, user=user, password=password)


def _parse_host(text: str, scheme: str) -> Address:
    shown = redacted(text)
    wildcard = scheme == "tcp" and text.endswith(":*")
    try:
        parts = urlsplit(text[:-1] + "0" if wildcard else text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # the error may quote the part with the password
        reason = "the port is no number from 0 to 65535" if redacted(text) != text else str(error)
        raise AddressError(f"address {shown!r}: {reason}; {_EXPECTED}") from None
    path = parts.path.rstrip("/")
    if (path and scheme == "tcp") or parts.query or parts.fragment:
        raise AddressError(f"address {shown!r}: there is more than a host and a port; {_EXPECTED}")
    if not host:
        raise AddressError(f"address {shown!r}: no host; {_EXPECTED}")
    if port is None and scheme == "tcp":
        raise AddressError(
            f"address {shown!r}: no port; say {shown.rstrip('/')}:{DEFAULT_PORT} or another one"
        )
    user, password = _credentials(parts, shown)
    if port is None:
        port = 443 if scheme == "https" else HTTP_PORT
    return Address(scheme=scheme, host=host, port=port, path=path, user=user, password=password)


def _parse_unix(text: str) -> Address:
    shown = redacted(text)
    parts = urlsplit(text)
    credentials, _, name = parts.netloc.rpartition("@")
    path = unquote(name)
    if not path.startswith("/") or parts.path.strip("/") or parts.query or parts.fragment:
        raise AddressError(
            f"address {shown!r}: expected the path of a socket with %2F for its slashes:"
            " http+unix://%2Frun%2Fluigid.sock"
        )
    user, password = _credentials(parts, shown) if credentials else ("", "")
    return Address(scheme="http+unix", name=path, user=user, password=password)


def _credentials(parts: SplitResult, shown: str) -> tuple[str, str]:
    if parts.username is None:
        return "", ""
    return _checked(unquote(parts.username), unquote(parts.password or ""), shown)


def _checked(user: str, password: str, shown: str) -> tuple[str, str]:
    if not user or not password:
        raise AddressError(f"address {shown!r}: expected both a user and a password: USER:PASSWORD@HOST")
    if max(len(user.encode()), len(password.encode())) > 255:  # ZeroMQ's own limit
        raise AddressError(f"address {shown!r}: user and password have at most 255 bytes each")
    return user, password
