"""The web application on an address, until it is stopped."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import uvicorn

from actorsched.actors.log import log
from actorsched.errors import AddressError, AddressInUseError, ConfigError
from actorsched.rpc.api import SchedulerApi
from actorsched.store.history import History
from actorsched.transport.address import Address
from actorsched.transport.guard import PlainGuard
from actorsched.web.app import make_app
from actorsched.web.connection import Connection

#: answers under way have so long to be finished when the server is stopped, seconds
GOODBYE_S = 2
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class WebServer:
    """The web application of a scheduler on an address.

    Args:
        scheduler: a `RemoteScheduler`, a `Scheduler`, or any other object with the RPC methods; it is called
            from several threads, and stays open.
        listen: `HOST:PORT`, port 0 for any free one.
        users: the file that `actorsched keygen user` made; a name and a password are asked for.
        certificate, key: files in PEM form; then it speaks https.
        allow_remote: whether other machines may reach it although their passwords can be read on the way, or
            none are asked for.
        host_names: how this server is called, beside what `listen` says; where nobody is asked for a password
            it answers to no other name.
        about: what the page says of where the scheduler is.
        store: the url of its store, where this process can read the history beside it; the page shows the
            runs that have ended then.

    Attributes:
        address: where, with the real port.

    Raises:
        AddressError: `listen` cannot be understood or used, or strangers could reach it.
        AddressInUseError: somebody else listens there.
        ConfigError: users, a certificate or `store` cannot be used.
    """

    def __init__(
        self,
        scheduler: SchedulerApi,
        listen: str = "127.0.0.1:8082",
        *,
        users: str | os.PathLike[str] | None = None,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        allow_remote: bool = False,
        host_names: tuple[str, ...] = (),
        about: str = "",
        store: str | None = None,
    ) -> None:
        if store == "memory://":  # the environment may say so, for the scheduler; nobody else can read it
            store = None
        if store is not None:
            History(store)  # whether it is one; it may be made later, by the first run that ends
        guard = None if users is None else PlainGuard(Path(users), _complain)
        host, port = parse_place(
            listen, encrypted=certificate is not None, asks=guard is not None, allow_remote=allow_remote
        )
        names = {host, *host_names}
        if Address(scheme="http", host=host).is_local or host in ("0.0.0.0", "::"):
            names.update(_LOOPBACK)
        config = uvicorn.Config(
            make_app(scheduler, guard, names, about, store),
            http=Connection,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GOODBYE_S,
            ssl_certfile=None if certificate is None else os.fspath(certificate),
            ssl_keyfile=None if key is None else os.fspath(key),
        )
        try:
            config.load()
        except OSError as error:  # ssl's own errors are, too
            raise ConfigError(f"certificate {certificate!s}, key {key!s}: {error}") from None
        self._socket = _listen(host, port, listen)
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http{'s' * config.is_ssl}://{shown}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="actorsched-web", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer what is under way, and end; a second call does nothing."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> WebServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def parse_place(listen: str, *, encrypted: bool, asks: bool, allow_remote: bool) -> tuple[str, int]:
    """Understand where to listen; refuse what would let strangers in, or show passwords to them.

    Raises:
        AddressError: naming the value and the remedy.
    """
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.path or parts.username is not None:
        raise AddressError(f"listen {listen!r}: expected HOST:PORT, such as 127.0.0.1:8082 or [::1]:8082")
    if Address(scheme="http", host=host).is_local or allow_remote or (encrypted and asks):
        return host, port
    missing = [
        *([] if asks else ["--users, with names and passwords (actorsched keygen user NAME)"]),
        *([] if encrypted else ["--certificate and --key, for https"]),
    ]
    raise AddressError(
        f"listen {listen!r}: other machines can reach this address, and who reaches it can make workers run"
        f" things; give {' and '.join(missing)}; or, in a network that you trust, --allow-remote"
    )


def _listen(host: str, port: int, listen: str) -> socket.socket:
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family, backlog=128)
    except socket.gaierror as error:
        raise AddressError(f"listen {listen!r}: no address {host!r} here ({error.strerror})") from None
    except OSError as error:
        import errno

        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"listen {listen!r}: somebody else listens there; say another port"
            ) from None
        raise AddressError(f"listen {listen!r}: {error.strerror}") from None


def _complain(text: str) -> None:
    log.warning("a user cannot be used", cause=text)
