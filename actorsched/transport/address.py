"""Addresses: `tcp://host:port`, `ipc:///path`, `inproc://name`.

They are checked before a socket sees them, because ZeroMQ says "Invalid argument" where a person needs
the value and the remedy, and because a server must not listen to strangers by accident.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from actorsched.errors import AddressError

#: the port of a scheduler when nobody says anything else
DEFAULT_PORT = 8081
#: the longest path of a Unix socket, on Linux; other systems allow less
MAX_IPC_PATH = 107

_EXPECTED = "expected tcp://HOST:PORT, ipc:///PATH or inproc://NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that has been understood.

    Attributes:
        scheme: `tcp`, `ipc` or `inproc`.
        host: of `tcp`; without brackets.
        port: of `tcp`; 0 in an address to bind to means any free one.
        name: path of `ipc`, name of `inproc`.
    """

    scheme: str
    host: str = ""
    port: int = 0
    name: str = ""

    @property
    def endpoint(self) -> str:
        """The address as ZeroMQ wants it."""
        if self.scheme != "tcp":
            return f"{self.scheme}://{self.name}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port or '*'}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.scheme != "tcp" or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return self.endpoint


def parse_address(text: str) -> Address:
    """Understand one address to connect to.

    Raises:
        AddressError: naming the value and the remedy.
    """
    address = _parse(text)
    if address.scheme == "tcp" and address.port == 0:
        raise AddressError(f"address {text!r}: port 0 is none to connect to; say the port of the scheduler")
    if address.scheme == "tcp" and address.host in ("*", "0.0.0.0", "::"):
        raise AddressError(f"address {text!r}: that is every interface; say the host of the scheduler")
    return address


def parse_endpoints(text: str) -> tuple[Address, ...]:
    """Understand the URL of a scheduler: one address, or several with commas between, to be tried in turn.

    Raises:
        AddressError: naming the value and the remedy.
    """
    parts = [part.strip() for part in text.split(",")]
    return tuple(parse_address(part) for part in parts)


def parse_bind(text: str, *, allow_remote: bool = False) -> Address:
    """Understand an address to listen on.

    Args:
        text: the address; `tcp` may have port 0 or `*` for any free one.
        allow_remote: whether other machines may be listened to.

    Raises:
        AddressError: naming the value and the remedy, also for an address that strangers could reach.
    """
    address = _parse(text)
    if address.scheme == "tcp" and address.host == "localhost":  # to bind needs a number
        address = Address(scheme="tcp", host="127.0.0.1", port=address.port)
    if not address.is_local and not allow_remote:
        raise AddressError(
            f"address {text!r}: other machines could reach it, and whoever reaches a scheduler can make its"
            f" workers run things; bind to tcp://127.0.0.1:{address.port or '*'} or ipc://, or, in a network"
            " that you trust, say allow_remote=True"
        )
    return address


def _parse(text: str) -> Address:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("tcp", "ipc", "inproc"):
        raise AddressError(f"address {text!r}: {_EXPECTED}")
    if "\0" in rest or any(c.isspace() for c in rest):
        raise AddressError(f"address {text!r}: there is white space in it; {_EXPECTED}")
    if scheme == "tcp":
        return _parse_tcp(text)
    if not rest:
        raise AddressError(f"address {text!r}: nothing after {scheme}://; {_EXPECTED}")
    if scheme == "ipc" and len(rest.encode()) > MAX_IPC_PATH:
        raise AddressError(
            f"address {text!r}: the path is longer than {MAX_IPC_PATH} bytes; use a shorter one"
        )
    return Address(scheme=scheme, name=rest)


def _parse_tcp(text: str) -> Address:
    wildcard = text.endswith(":*")
    try:
        parts = urlsplit(text[:-1] + "0" if wildcard else text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"address {text!r}: {error}; {_EXPECTED}") from None
    if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise AddressError(f"address {text!r}: there is more than a host and a port; {_EXPECTED}")
    if not host:
        raise AddressError(f"address {text!r}: no host; {_EXPECTED}")
    if port is None:
        raise AddressError(f"address {text!r}: no port; say {text.rstrip('/')}:{DEFAULT_PORT} or another one")
    return Address(scheme="tcp", host=host, port=port)
