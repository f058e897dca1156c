"""Who may come in, and from which page: in front of everything else, whatever is asked for.

Three dangers of a server that a browser can reach:

* A page of somebody else asks in the name of whoever looks at it. A browser says where a request comes from
  (`Origin`, `Sec-Fetch-Site`), and what comes from elsewhere changes nothing. Luigi's clients say nothing of
  the kind.
* The name of somebody else's page leads to this machine (DNS rebinding), and then that page is "from here".
  So a server without passwords answers only to names that are known to be its own.
* Somebody else's page shows ours in a frame. It may not.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actorsched.transport.guard import PlainGuard, Role

HEADERS = {
    b"content-security-policy": b"default-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    b" form-action 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}
#: in the scope of a request: what whoever asks may do
ROLE = "actorsched.role"
#: passwords that wait to be hashed, which takes some hundred milliseconds: of all, and of one address
WAITING_MAX = 64
WAITING_OF_ONE_MAX = 8


class _BusyError(Exception):
    """Too many wait at the door."""


@dataclass(frozen=True, slots=True)
class _Check:
    address: str
    verdict: asyncio.Task[str | None]


class Doorkeeper:
    """Middleware: lets a request through with its role, or answers it.

    Args:
        app: what is behind the door.
        guard: asks for a name and a password; None: everybody may do everything.
        hosts: the names of this server, without ports; only where nobody is asked for a password.
    """

    def __init__(self, app: ASGIApp, guard: PlainGuard | None, hosts: Collection[str]) -> None:
        self._app = app
        self._guard = guard
        self._hosts = {host.lower() for host in hosts}
        self._one_at_a_time = CapacityLimiter(1)  # to hash takes long: strangers who guess wait in a line
        self._checks: dict[tuple[bytes, bytes], _Check] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        answering = False

        async def send_with_headers(message: Message) -> None:
            nonlocal answering
            answering = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS.items()]
            await send(message)

        request = Request(scope)
        refusal = self._refuse_place(request)
        if refusal is None:
            try:
                role = await self._role_of(request)
            except _BusyError:
                role, refusal = None, _come_again()
            else:
                refusal = _who_are_you()
            if role is not None:
                scope[ROLE] = role
                try:
                    await self._app(scope, receive, send_with_headers)
                    return
                except asyncio.CancelledError:
                    if answering:
                        raise
                    refusal = _stopped()
        await refusal(scope, receive, send_with_headers)

    def _refuse_place(self, request: Request) -> Response | None:
        """The answer to a request that comes from the wrong page, or for another server."""
        host = request.headers.get("host", "")
        if self._guard is None and _name_in(host) not in self._hosts:
            return PlainTextResponse(
                f"This server does not know that it is called {host!r:.100}; tell it by --host-name.\n", 421
            )
        if request.method in ("GET", "HEAD"):
            return None
        site = request.headers.get("sec-fetch-site", "none")
        if site == "same-origin":  # no page can say so itself, and a proxy may ask for us by another name
            return None
        origin = request.headers.get("origin")
        if site != "none" or (origin is not None and _place_in(origin) != host):
            return PlainTextResponse(f"Pages of {origin!r:.100} may change nothing here.\n", 403)
        return None

    async def _role_of(self, request: Request) -> Role | None:
        """What whoever asks may do; None: nothing.

        Raises:
            _BusyError: too many passwords wait to be hashed.
        """
        if self._guard is None:
            return "full"
        credentials = _credentials(request.headers.get("authorization", ""))
        verdict = None if credentials is None else self._guard.admit(credentials)
        if credentials is not None and callable(verdict):
            address = request.client.host if request.client else ""
            verdict = await self._checked(credentials, verdict, address)
        assert not callable(verdict)
        return None if verdict is None else self._guard.role(verdict)

    async def _checked(
        self, credentials: tuple[bytes, bytes], check: Callable[[], str | None], address: str
    ) -> str | None:
        """The verdict; those who say the same at the same time get the same, for one hash.

        A line without end would go on for long after whoever guesses has gone, and others stand in it, too.
        """
        found = self._checks.get(credentials)
        if found is None:
            of_one = sum(each.address == address for each in self._checks.values())
            if len(self._checks) >= WAITING_MAX or of_one >= WAITING_OF_ONE_MAX:
                raise _BusyError
            verdict = asyncio.create_task(run_sync(check, limiter=self._one_at_a_time))
            verdict.add_done_callback(lambda _: self._checks.pop(credentials))
            found = self._checks[credentials] = _Check(address, verdict)
        return await asyncio.shield(found.verdict)


def _who_are_you() -> Response:
    return PlainTextResponse(
        "Say a name and a password; `actorsched keygen user NAME` makes them.\n",
        401,
        {"WWW-Authenticate": 'Basic realm="actorsched", charset="UTF-8"'},
    )


def _come_again() -> Response:
    return PlainTextResponse(
        "Too many names and passwords wait to be checked; come again in a moment.\n",
        503,
        {"Retry-After": "1"},
    )


def _name_in(host: str) -> str:
    """The name in a `Host` header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _stopped() -> Response:
    return PlainTextResponse("This server was stopped before the scheduler had answered.\n", 503)


def _place_in(origin: str) -> str:
    """Name and port in an `Origin` header."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _credentials(header: str) -> tuple[bytes, bytes] | None:
    """Name and password; RFC 7617, or in Latin-1, as Luigi's clients write them if they have `requests`."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        said = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        return None
    try:
        said.decode()
    except UnicodeDecodeError:
        said = said.decode("latin-1").encode()
    name, colon, password = said.partition(b":")
    return (name, password) if colon else None
