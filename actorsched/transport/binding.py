"""Where a socket listens: takes the place, refuses what others have, and gives it back.

What every listening socket has is set here, too: how long a handshake may take, and that a peer whose machine
has vanished without a word is given up some day. Each would else keep a file descriptor for ever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket as unix
import stat
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from actorsched.errors import AddressError, AddressInUseError
from actorsched.transport.address import MAX_IPC_PATH, Address

if TYPE_CHECKING:
    import zmq

#: a peer that has not identified itself after so long is disconnected; half a handshake costs no more
HANDSHAKE_MS = 10_000
#: where nothing travels, the other side is asked after so many seconds whether it is still there; so often;
#: and with so many seconds in between
KEEPALIVE_S, KEEPALIVE_COUNT, KEEPALIVE_PAUSE_S = 120, 4, 30
#: how long closing waits until the port is free again; it takes a fraction of a millisecond
_RELEASE_MS = 2000


class Binding:
    """The place of a socket.

    Attributes:
        address: where it is, with the real port.

    Args:
        socket: with all its options, not bound; belongs to this thread.
        address: as `parse_bind` returns it.

    Raises:
        AddressInUseError: somebody else listens there.
        AddressError: this machine cannot listen there.
    """

    def __init__(self, socket: zmq.Socket[bytes], address: Address) -> None:
        import zmq

        self._socket = socket
        self._file: tuple[int, int] | None = None
        socket.ipv6 = ":" in address.host
        socket.handshake_ivl = HANDSHAKE_MS
        socket.tcp_keepalive = 1
        socket.tcp_keepalive_idle = KEEPALIVE_S
        socket.tcp_keepalive_cnt = KEEPALIVE_COUNT
        socket.tcp_keepalive_intvl = KEEPALIVE_PAUSE_S
        try:
            if address.scheme == "ipc":
                self._file = _bind_ipc(socket, address.name)
            else:
                socket.bind(address.endpoint)
        except zmq.ZMQError as error:
            raise _explained(address, error.errno or 0, str(error)) from None
        except OSError as error:
            raise _explained(address, error.errno or 0, error.strerror or str(error)) from None
        if address.scheme == "tcp":
            port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
            address = replace(address, port=port)
        self.address = address

    def release(self) -> None:
        """Free the place, before the socket is closed; when this returns, others can have it."""
        if self.address.scheme == "tcp":
            self._release_port()
        elif self._file is not None:
            with contextlib.suppress(OSError):
                # somebody may have removed the file, and started another server in its place
                if _identity(self.address.name) == self._file:
                    os.unlink(self.address.name)

    def _release_port(self) -> None:
        """Unbind, and wait for it: ZeroMQ closes the listening socket some time later, in its thread."""
        import zmq

        monitor = self._socket.get_monitor_socket(zmq.EVENT_CLOSED)
        with contextlib.suppress(zmq.ZMQError):
            self._socket.unbind(self.address.endpoint)
            monitor.poll(_RELEASE_MS)
        self._socket.disable_monitor()
        monitor.close(0)


def _bind_ipc(socket: zmq.Socket[bytes], path: str) -> tuple[int, int]:
    """Bind to a Unix socket that only this user may open; returns what tells its file from others.

    ZeroMQ takes over a path that somebody listens on, and makes the file with the rights that the
    umask leaves. So it binds inside a folder that is closed to others, and the file gets its place
    when its rights are right.
    """
    _refuse_used_path(path)
    folder = tempfile.mkdtemp(prefix=".actorsched-", dir=os.path.dirname(path) or ".")
    hidden = os.path.join(folder, "s")
    try:
        if len(hidden.encode()) > MAX_IPC_PATH:
            raise AddressError(f"address ipc://{path}: the path is too long; use a shorter one")
        socket.bind(f"ipc://{hidden}")
        os.chmod(hidden, stat.S_IRUSR | stat.S_IWUSR)
        _move(hidden, path)
        return _identity(path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(hidden)
        os.rmdir(folder)


def _move(hidden: str, path: str) -> None:
    """Give a socket its name, unless another server that was started at the same time has it by now."""
    try:
        os.link(hidden, path)
    except FileExistsError:
        raise _used(path) from None
    except OSError:  # not every file system has links
        os.rename(hidden, path)


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _refuse_used_path(path: str) -> None:
    """Remove the file of a server that is gone; leave all else alone.

    Raises:
        AddressInUseError: somebody listens there.
        AddressError: there is a file of another kind.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise AddressError(f"address ipc://{path}: there is a file that is no socket; choose another path")
    with unix.socket(unix.AF_UNIX) as probe:
        probe.setblocking(False)  # a server that stands still takes nobody in, and is there all the same
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise _used(path)


def _used(path: str) -> AddressInUseError:
    return AddressInUseError(
        f"address ipc://{path}: another server listens there; stop it or choose another path"
    )


def _explained(address: Address, number: int, text: str) -> AddressError | AddressInUseError:
    if number == errno.EADDRINUSE:
        remedy = "choose another port, or port 0 for any free one" if address.port else "choose another name"
        return AddressInUseError(f"address {address}: somebody else listens there; stop it, or {remedy}")
    if number in (errno.ENODEV, errno.EADDRNOTAVAIL):
        return AddressError(
            f"address {address}: this machine has no interface {address.host!r}; use one it has"
        )
    if number == errno.ENOENT and address.scheme == "ipc":
        folder = os.path.dirname(address.name) or "."
        return AddressError(
            f"address {address}: nothing can be made in {folder!r}; is there such a folder? Make it, or"
            " choose another path"
        )
    if number in (errno.EACCES, errno.EPERM):
        return AddressError(
            f"address {address}: not permitted ({text}); use a port above 1023 or another path"
        )
    return AddressError(f"address {address}: cannot listen there: {text}")
