"""Frames on a stream: four bytes of length, then so many bytes of payload.

The reader is fed whatever the socket has and gives back the frames that are whole, so that a slot
never waits for the rest of a frame that a stopped child may never send.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections import deque

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 16


def pack_frame(payload: bytes) -> bytes:
    """One frame around `payload` (less than 4 GiB)."""
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts frames out of the bytes of a socket."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, received: bytes) -> list[bytes]:
        """Add what was received; return the frames that are whole now, in order."""
        buffer = self._bytes
        if not buffer and len(received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(received)
            if len(received) == _LENGTH.size + length:  # the usual case: one frame, whole
                return [received[_LENGTH.size :]]
        buffer += received
        frames = []
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, start)
            end = start + _LENGTH.size + length
            if len(buffer) < end:
                break
            frames.append(bytes(buffer[start + _LENGTH.size : end]))
            start = end
        del buffer[:start]
        return frames


class FrameStream:
    """The frames of a blocking socket, one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._reader = FrameReader()
        self._whole: deque[bytes] = deque()

    def read(self) -> bytes:
        """Wait for the next frame.

        Raises:
            EOFError: the other side is gone.
        """
        while not self._whole:
            received = self._connection.recv(_CHUNK)
            if not received:
                raise EOFError
            self._whole.extend(self._reader.feed(received))
        return self._whole.popleft()

    def wait(self, timeout: float | None) -> bool:
        """Wait until there is something to read; False when it took longer than so many seconds."""
        return bool(self._whole) or is_readable(self._connection.fileno(), timeout)


class FrameWriter:
    """Puts frames on a blocking socket, each in one piece, whichever threads they come from."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._turn = threading.Lock()

    def write(self, payload: bytes) -> None:
        frame = pack_frame(payload)
        with self._turn:  # what has no room in the socket is sent in parts
            self._connection.sendall(frame)


def is_readable(fd: int, timeout: float | None) -> bool:
    """Wait so many seconds for something to read; also of a descriptor that is too high for `select`."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(None if timeout is None else timeout * 1000))


def read_available(connection: socket.socket) -> bytes:
    """What a non-blocking socket has right now.

    Raises:
        EOFError: the other side is gone.
    """
    try:
        received = connection.recv(_CHUNK)
    except BlockingIOError:
        return b""
    except ConnectionError as error:
        raise EOFError from error
    if not received:
        raise EOFError
    return received


def read_exactly(connection: socket.socket, length: int) -> bytes:
    """Wait for `length` bytes of a blocking socket.

    Raises:
        EOFError: the other side went away before they were whole.
    """
    buffer = bytearray()
    while len(buffer) < length:
        received = connection.recv(min(length - len(buffer), 1 << 20))
        if not received:
            raise EOFError
        buffer += received
    return bytes(buffer)


def read_frame(connection: socket.socket) -> bytes:
    """Wait for one frame of a blocking socket.

    Raises:
        EOFError: the other side is gone.
    """
    (length,) = _LENGTH.unpack(read_exactly(connection, _LENGTH.size))
    return read_exactly(connection, length)
