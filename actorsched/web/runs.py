"""The runs that have ended, from the history beside the store of the scheduler."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from actorsched.errors import ActorschedError, InvalidParamsError
from actorsched.store.history import History
from actorsched.web.calls import error_response, json_response

RUNS_MAX = 1000


async def answer_runs(store: str, request: Request, limiter: CapacityLimiter) -> Response:
    """Answer with the latest runs.

    Args:
        store: the url of the store.
        request: its query may have `task` (a text in its id), `outcome` (DONE, FAILED, …) and `limit`.
        limiter: of the threads for those who look.
    """
    try:
        query = request.query_params
        limit = _limit(query.get("limit", "50"))
        outcomes = [query["outcome"]] if query.get("outcome") else []
        found = await run_sync(_find, store, query.get("task") or None, outcomes, limit + 1, limiter=limiter)
        return json_response({"runs": found[:limit], "more": len(found) > limit})
    except ActorschedError as error:
        return error_response(error)


def _limit(text: str) -> int:
    if text.isdecimal() and len(text) < 5 and 0 < int(text) <= RUNS_MAX:
        return int(text)
    raise InvalidParamsError(f"limit={text!r:.20}: expected a number from 1 to {RUNS_MAX}")


def _find(store: str, task: str | None, outcomes: list[str], limit: int) -> list[dict[str, Any]]:
    history = History(store)  # it belongs to one thread
    history.open(create=False)
    try:
        return list(history.find(task=task, outcomes=outcomes, limit=limit))
    finally:
        history.close()
