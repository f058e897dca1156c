"""Files with CURVE keys, in the format of pyzmq and czmq.

`NAME.key_secret` holds both keys and stays where it was made; `NAME.key` holds the public one, and is
what one gives to others. A secret that others can read is not used, as with ssh.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from actorsched.config import ClientSettings
from actorsched.errors import ConfigError

SECRET_SUFFIX = ".key_secret"
PUBLIC_SUFFIX = ".key"
#: a longer file is no key
MAX_BYTES = 10_000

#: 40 characters of Z85 (RFC 32 of ZeroMQ) are 32 bytes
_KEY = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_NAME = re.compile(r"[\w.@+-]+")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both keys, as 40 characters each; the secret one is not shown."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """What a client needs where keys are asked for: the public key of the server, and its own pair."""

    server: bytes
    own: KeyPair


def make_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a new pair and write its two files.

    Returns:
        The paths of the public and the secret file.

    Raises:
        ConfigError: a name that is none for a file, or there are such files already.
    """
    import zmq

    check_name(name)
    public, secret = zmq.curve_keypair()
    public_path, secret_path = folder / f"{name}{PUBLIC_SUFFIX}", folder / f"{name}{SECRET_SUFFIX}"
    for path in (secret_path, public_path):
        if path.exists():
            raise ConfigError(f"{path}: there is a key already; choose another name, or remove it first")
    _write(secret_path, _text(public, secret), 0o600)
    _write(public_path, _text(public), 0o644)
    return public_path, secret_path


def check_name(name: str) -> None:
    """Refuse what is no name for a key or a user.

    Raises:
        ConfigError: naming it.
    """
    if not _NAME.fullmatch(name) or name.startswith(".") or len(name) > 100:
        raise ConfigError(f"name {name!r}: expected letters, digits and any of . _ @ + -")


def read_pair(path: str | Path) -> KeyPair:
    """Read a file with a secret key.

    Raises:
        ConfigError: there is none, it holds none, or others can read it.
    """
    path = Path(path).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"key {str(path)!r}: {error.strerror}; make one with `actorsched keygen`") from None
    if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"key {str(path)!r}: others can read it (mode {stat.S_IMODE(mode):04o}); say: chmod 600 {path}"
        )
    found = _parse(path)
    if "secret-key" not in found or "public-key" not in found:
        raise ConfigError(f"key {str(path)!r}: no secret key in it; give the file NAME{SECRET_SUFFIX}")
    return KeyPair(found["public-key"].encode(), found["secret-key"].encode())


def read_public(text: str | Path) -> bytes:
    """A public key: given as its 40 characters, or as a file that holds it.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(text, str) and _KEY.fullmatch(text):
        return text.encode()
    path = Path(text).expanduser()
    if not path.is_file():
        raise ConfigError(
            f"key {str(text)!r}: neither a public key of 40 characters nor a file; the scheduler's is in"
            f" its keys folder, server{PUBLIC_SUFFIX}"
        )
    found = _parse(path)
    if "public-key" not in found:
        raise ConfigError(f"key {str(path)!r}: no public key in it; give the file NAME{PUBLIC_SUFFIX}")
    return found["public-key"].encode()


def keys_from(settings: ClientSettings) -> Keys | None:
    """The keys that the settings name; None for none.

    Raises:
        ConfigError: they cannot be used.
    """
    if not settings.server_key and not settings.client_key:
        return None
    if not settings.server_key or not settings.client_key:
        missing = "client_key" if settings.server_key else "server_key"
        raise ConfigError(
            f"{missing} is missing: where keys are asked for, a client needs the public key of the scheduler"
            " (server_key) and the file of its own secret one (client_key)"
        )
    return Keys(read_public(settings.server_key), read_pair(settings.client_key))


def _parse(path: Path) -> dict[str, str]:
    """The keys in a file, by their names in it; what is no key is left out."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"key {str(path)!r}: cannot be read: {error.strerror}") from None
    found = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        value = value.strip().strip("\"'")
        if separator and name.strip() in ("public-key", "secret-key") and _KEY.fullmatch(value):
            found[name.strip()] = value
    return found


def _text(public: bytes, secret: bytes | None = None) -> str:
    kind = "Secret key: show it to nobody" if secret else "Public key: give it to whom it may concern"
    lines = [f"# {kind}. Made by actorsched keygen.", "metadata", "curve"]
    lines.append(f'    public-key = "{public.decode()}"')
    if secret is not None:
        lines.append(f'    secret-key = "{secret.decode()}"')
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str, mode: int) -> None:
    """Write a new file that never had other rights than these."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise ConfigError(f"key {str(path)!r}: cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
