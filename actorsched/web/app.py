"""The web application: the page, the calls, the metrics, behind one door."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from actorsched.errors import ActorschedError
from actorsched.facade.standing import standing_of
from actorsched.rpc.api import SchedulerApi
from actorsched.transport.guard import PlainGuard
from actorsched.web.calls import NoHistoryError, answer_call, error_response, json_response
from actorsched.web.doorkeeper import ROLE, Doorkeeper
from actorsched.web.metrics import CONTENT_TYPE, metrics_of
from actorsched.web.runs import answer_runs

STATIC = Path(__file__).parent / "static"
#: so long a look at the scheduler is good for all who look, seconds
STANDING_S = 1.0
#: calls at a time, each in a thread: those who look, however many and slow, keep nobody who works waiting
LOOKS_MAX = 16
CHANGES_MAX = 128


def make_app(
    scheduler: SchedulerApi,
    guard: PlainGuard | None,
    hosts: Collection[str],
    about: str,
    store: str | None,
) -> Starlette:
    """Make the application.

    Args:
        scheduler: whatever has the RPC methods; it is called from several threads.
        guard: whom to let in; None: everybody, to do everything.
        hosts: names of this server; see `Doorkeeper`.
        about: what the page says of where the scheduler is.
        store: the url of its store, for the runs that have ended; None: the page shows none.
    """
    looks, changes = CapacityLimiter(LOOKS_MAX), CapacityLimiter(CHANGES_MAX)
    looking = _Looking(scheduler, looks)

    async def page(_: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def call(request: Request) -> Response:
        limiter = changes if request.method == "POST" else looks  # Luigi's workers ask for everything by POST
        answer = await answer_call(scheduler, request, _only_looks(request), limiter)
        if request.method == "POST" and _is_by_browser(request):
            looking.forget()  # whoever has changed something wants to see it
        return answer

    async def standing(request: Request) -> Response:
        try:
            found = await looking.standing()
        except ActorschedError as error:
            return error_response(error)
        more = {"scheduler": about, "read_only": _only_looks(request), "has_runs": store is not None}
        return json_response({**found, **more})

    async def runs(request: Request) -> Response:
        if store is None:
            return error_response(NoHistoryError("this page was started without --store"))
        return await answer_runs(store, request, looks)

    async def metrics(_: Request) -> Response:
        try:
            found = await looking.standing()
        except Exception:  # whoever watches is told by the number
            found = None
        return Response(metrics_of(found), headers={"content-type": CONTENT_TYPE})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/{method}", call, methods=["GET", "POST"]),
            Route("/standing", standing),
            Route("/runs", runs),
            Route("/metrics", metrics),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Doorkeeper, guard=guard, hosts=hosts)],
    )


def _only_looks(request: Request) -> bool:
    return bool(request.scope[ROLE] != "full")


def _is_by_browser(request: Request) -> bool:
    return "sec-fetch-site" in request.headers or "origin" in request.headers


class _Looking:
    """One look at the scheduler serves everybody who looks at that moment, also when it is away."""

    def __init__(self, scheduler: SchedulerApi, limiter: CapacityLimiter) -> None:
        self._scheduler = scheduler
        self._limiter = limiter
        self._turn = anyio.Lock()  # whoever waits for another's look takes no thread
        self._seen_at = -math.inf
        self._seen: Mapping[str, Any] | ActorschedError = {}
        self._changes = 0

    def forget(self) -> None:
        """The next one looks for himself; a look that is under way is too old for him."""
        self._changes += 1
        self._seen_at = -math.inf

    async def standing(self) -> Mapping[str, Any]:
        async with self._turn:
            if time.monotonic() > self._seen_at + STANDING_S:
                before = self._changes
                self._seen = await run_sync(self._look, limiter=self._limiter)
                if before == self._changes:
                    self._seen_at = time.monotonic()
            seen = self._seen
        if isinstance(seen, ActorschedError):
            raise seen
        return seen

    def _look(self) -> Mapping[str, Any] | ActorschedError:
        try:
            return standing_of(self._scheduler)
        except ActorschedError as error:
            return error
