"""Passwords at rest: salted, and hashed by scrypt, in one line of text.

    scrypt$16384$8$5$<salt>$<hash>

The costs stand in the line, so that they can be raised later without a new password for anybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

#: log2 16384 blocks of 1 kB, five times over: what OWASP's cheat sheet asks of scrypt with 16 MB
N, R, P = 16384, 8, 5
_SALT_BYTES = 16
_HASH_BYTES = 32
#: a line with higher costs would let its reader wait for long, or run out of memory
_MAX_BYTES = 256 * 1024 * 1024
_MAX_P = 64


def hash_password(password: str, salt: bytes | None = None) -> str:
    """The line for a password."""
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    digest = _scrypt(password.encode(), salt, N, R, P)
    return "$".join(("scrypt", str(N), str(R), str(P), _text(salt), _text(digest)))


def is_hash(line: str) -> bool:
    """Whether `check_password` can use this line."""
    try:
        _parse(line)
    except ValueError:
        return False
    return True


def check_password(password: bytes, line: str) -> bool:
    """Whether this is the password that the line was made from; takes some hundred milliseconds.

    Raises:
        ValueError: the line is none of `hash_password`.
    """
    n, r, p, salt, digest = _parse(line)
    return hmac.compare_digest(_scrypt(password, salt, n, r, p), digest)


def _parse(line: str) -> tuple[int, int, int, bytes, bytes]:
    parts = line.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        raise ValueError("no hash of a password")
    n, r, p = (int(part) for part in parts[1:4])
    if n < 2 or n & (n - 1) or r < 1 or not 1 <= p <= _MAX_P or 128 * n * r > _MAX_BYTES:
        raise ValueError("costs of a hash that cannot be")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:])
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if len(digest) != _HASH_BYTES:
        raise ValueError("a hash of another length")
    return n, r, p, salt, digest


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        password, salt=salt, n=n, r=r, p=p, maxmem=2 * 128 * n * r + 1024 * 1024, dklen=_HASH_BYTES
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
