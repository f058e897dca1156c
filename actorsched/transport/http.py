"""The asking end for a stock luigid: one HTTP request for each call, over pooled connections.

Luigi's protocol is a POST to `/api/METHOD` with the arguments as JSON in the form field `data`; the answer
is `{"response": …}`.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actorsched.errors import (
    AccessDeniedError,
    ConfigError,
    InvalidParamsError,
    ProtocolError,
    RemoteError,
    UnknownMethodError,
    UntrustedServerError,
)
from actorsched.rpc import envelope
from actorsched.transport.address import Address

if TYPE_CHECKING:
    import ssl

#: what OpenSSL says when the other side speaks something else
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})

#: what a proxy answers when the scheduler behind it is not there (yet)
AWAY = frozenset({408, 425, 429, 502, 503, 504})


class HttpAwayError(Exception):
    """There was no answer of a scheduler; the text says why."""


def trust_from(tls_ca: str) -> ssl.SSLContext | None:
    """Whom to trust: nobody but the certificates in this file; "" and None stand for those that are usual.

    Raises:
        ConfigError: there are none in it.
    """
    if not tls_ca:
        return None
    import ssl

    try:
        return ssl.create_default_context(cafile=tls_ca)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(
            f"setting tls_ca={tls_ca!r}: no certificates can be read from it ({reason}); name a file with"
            " certificates in PEM"
        ) from None


def require_httpx(address: str) -> None:
    """Say what is missing before anything is asked.

    Raises:
        ConfigError: httpx is not installed.
    """
    from importlib.util import find_spec

    if find_spec("httpx") is None:
        raise ConfigError(
            f"address {address!r}: a luigid is asked through httpx, which is not installed; say:"
            " pip install 'actorsched[http]'"
        )


class HttpClient:
    """Calls the methods of a luigid; for one thread at a time.

    Args:
        address: as `parse_address` returns it.
        trust: whose certificates count; None: those that are usual.

    Raises:
        ConfigError: httpx is not installed.
    """

    def __init__(self, address: Address, trust: ssl.SSLContext | None = None) -> None:
        require_httpx(str(address))
        import httpx

        self.address = address
        self._found = False
        self._errors, self._other_errors = httpx.TransportError, httpx.RequestError
        unix = address.scheme == "http+unix"
        self._base = f"http://localhost{address.path}" if unix else address.endpoint
        self._client: Any = httpx.Client(
            transport=httpx.HTTPTransport(uds=address.name) if unix else None,
            verify=True if trust is None else trust,
            auth=(address.user, address.password) if address.user else None,
            headers={"user-agent": "actorsched"},
        )

    def call(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        """Make one call.

        Raises:
            HttpAwayError: nobody answered; whether the call took effect is unknown.
            UntrustedServerError: whoever is there cannot show that it is the one.
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
            self._refuse_untrusted(error)
            raise HttpAwayError(f"{self.address}: {str(error) or type(error).__name__}") from None
        except self._other_errors as error:
            raise ProtocolError(f"{self.address} answered, and that cannot be read: {error}") from None
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

    def _refuse_untrusted(self, error: BaseException) -> None:
        """Raise what will be the same at each attempt."""
        import ssl  # seldom needed

        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise UntrustedServerError(
                f"{self.address} has a certificate that is not trusted ({cause.verify_message}); if it is the"
                " right server, name the file of whoever signed it (--tls-ca, tls_ca=…)"
            ) from None
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            raise UntrustedServerError(
                f"{self.address} does not speak TLS; is it http:// in place of https://?"
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
