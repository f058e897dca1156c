"""The asking end for a stock luigid: one HTTP request for each call, over pooled connections.

Luigi's protocol is a POST to `/api/METHOD` with the arguments as JSON in the form field `data`; the answer
is `{"response": …}`.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from actorsched.errors import (
    AccessDeniedError,
    ConfigError,
    InvalidParamsError,
    ProtocolError,
    RemoteError,
    UnknownMethodError,
)
from actorsched.rpc import envelope
from actorsched.transport.address import Address

#: what a proxy answers when the scheduler behind it is not there (yet)
AWAY = frozenset({408, 425, 429, 502, 503, 504})


class HttpAwayError(Exception):
    """There was no answer of a scheduler; the text says why."""


class HttpClient:
    """Calls the methods of a luigid; for one thread at a time.

    Args:
        address: as `parse_address` returns it.

    Raises:
        ConfigError: httpx is not installed.
    """

    def __init__(self, address: Address) -> None:
        try:
            import httpx
        except ImportError:
            raise ConfigError(
                f"address {str(address)!r}: a luigid is asked through httpx, which is not installed; say:"
                " pip install 'actorsched[http]'"
            ) from None
        self.address = address
        self._found = False
        self._errors = httpx.TransportError
        unix = address.scheme == "http+unix"
        self._base = f"http://localhost{address.path}" if unix else address.endpoint
        self._client: Any = httpx.Client(
            transport=httpx.HTTPTransport(uds=address.name) if unix else None,
            auth=(address.user, address.password) if address.user else None,
            headers={"user-agent": "actorsched"},
        )

    def call(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """Make one call.

        Raises:
            HttpAwayError: nobody answered; whether the call took effect is unknown.
            UnknownMethodError, AccessDeniedError, RemoteError, ProtocolError: what was answered.
        """
        url = f"{self._base}/api/{method}"
        try:
            data = envelope.write_value(params).decode()
        except Exception as error:  # whatever the encoder says about it, it cannot travel
            raise InvalidParamsError(f"{method}: an argument cannot be sent: {error}") from None
        self._look_for_socket()
        try:
            answer = self._client.post(url, data={"data": data}, timeout=timeout_s)
        except self._errors as error:
            raise HttpAwayError(f"{self.address}: {str(error) or type(error).__name__}") from None
        status = answer.status_code
        if status in AWAY:
            raise HttpAwayError(f"{self.address} answered with status {status}")
        if status == 404:
            raise UnknownMethodError(f"Method not found: {method!r} at {self.address}")
        if status in (401, 403):
            raise AccessDeniedError(f"{self.address} wants another user and password (status {status})")
        if status != 200:
            raise RemoteError(f"{method}: {self.address} answered with status {status}")
        try:
            return answer.json()["response"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ProtocolError(
                f"{self.address} answered with something that is no answer of a luigid: {answer.text[:80]!r}"
            ) from None

    def _look_for_socket(self) -> None:
        """Before the first request: httpx leaks the socket of a connection that cannot be made (0.28)."""
        if self._found or self.address.scheme != "http+unix":
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.address.name)
            except OSError as error:
                raise HttpAwayError(f"{self.address}: {error.strerror}") from None
        self._found = True

    def close(self) -> None:
        self._client.close()
