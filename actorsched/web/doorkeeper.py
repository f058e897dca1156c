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

import base64
import binascii
from collections.abc import Collection
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS.items()]
            await send(message)

        request = Request(scope)
        refusal = self._refuse_place(request)
        if refusal is None:
            role = await self._role_of(request)
            if role is not None:
                scope[ROLE] = role
                await self._app(scope, receive, send_with_headers)
                return
            refusal = PlainTextResponse(
                "Say a name and a password; `actorsched keygen user NAME` makes them.\n",
                401,
                {"WWW-Authenticate": 'Basic realm="actorsched", charset="UTF-8"'},
            )
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
        origin = request.headers.get("origin")
        elsewhere = request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
        if elsewhere or (origin is not None and urlsplit(origin).netloc != host):
            return PlainTextResponse(f"Pages of {origin!r:.100} may change nothing here.\n", 403)
        return None

    async def _role_of(self, request: Request) -> Role | None:
        if self._guard is None:
            return "full"
        credentials = _credentials(request.headers.get("authorization", ""))
        verdict = None if credentials is None else self._guard.admit(credentials)
        if callable(verdict):
            verdict = await run_sync(verdict, limiter=self._one_at_a_time)
        return None if verdict is None else self._guard.role(verdict)


def _name_in(host: str) -> str:
    """The name in a `Host` header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _credentials(header: str) -> tuple[bytes, bytes] | None:
    """Name and password; RFC 7617."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (name, password) if colon else None
