"""From the bytes of a request to the bytes of its answer, around one call of the scheduler.

A frame is read and checked as a whole, then all its calls go to the scheduler in one piece, then the
answers are written. Nothing that a frame holds can make `answer` raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import UNSET, UnsetType

from actorsched.errors import (
    AccessDeniedError,
    ActorschedError,
    InternalError,
    MalformedRequestError,
    UnknownMethodError,
)
from actorsched.rpc import envelope
from actorsched.rpc.envelope import ErrorBody, Failure, Id, Malformed, Request, Success
from actorsched.rpc.errors import ReusedNumberError, StaleRequestError, UnavailableError, error_body
from actorsched.rpc.methods import METHODS, Method
from actorsched.rpc.replies import MARK, MAX_NAME, Identity, ReplyMemory, mark_of

#: name of a method and its keyword arguments
PlainCall: TypeAlias = tuple[str, dict[str, Any]]
#: makes calls, in order; one result, `ErrorBody` or exception for each of them
MakeCalls: TypeAlias = Callable[[Sequence[PlainCall]], Sequence[Any]]
#: the same for a frame of this client with this number and mark: done once, however often it is asked for
MakeOnce: TypeAlias = Callable[[Sequence[PlainCall], str, int, bytes], Sequence[Any]]


class Dispatcher:
    """Answers frames.

    Args:
        make_calls: makes all calls of a frame. It may raise: `UnavailableError` if nothing was done and
            the client should try again, anything else if all calls failed.
        methods: what may be called.
        memory: the last answer for each client.
        make_once: in place of the memory: who makes the calls remembers the answers itself, and may raise
            `StaleRequestError`.
        report: is told of exceptions that are our own bugs; their text does not reach the client.
    """

    def __init__(
        self,
        make_calls: MakeCalls,
        *,
        methods: Mapping[str, Method] = METHODS,
        memory: ReplyMemory | None = None,
        make_once: MakeOnce | None = None,
        report: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._make_calls = make_calls
        self._methods = methods
        self._memory = memory if memory is not None else ReplyMemory()
        self._make_once = make_once
        self._report = report

    def answer(self, frame: bytes, *, read_only: bool = False) -> bytes:
        """Answer one frame; empty bytes answer a frame that wants no answer (notifications).

        Args:
            frame: what arrived.
            read_only: whether its sender may only look.
        """
        try:
            return self._answer(frame, read_only)
        except Exception as error:  # our own bug: the peer must get an answer all the same
            self._report(error)
            return _write_failure(error_body(error), None)

    def put_off(self, frame: bytes, error: Exception) -> bytes:
        """Answer a frame whose calls were made and then undone, all of them, because of this error."""
        requests, batch = envelope.read_requests(frame)
        return _write_failure(self._describe(error), None if batch else _id_of(requests[0]))

    def refuse(self, message: str) -> bytes:
        """Answer something that is not even a frame."""
        return _write_failure(ErrorBody(envelope.INVALID_REQUEST, f"Invalid Request: {message}"), None)

    def deny(self, message: str) -> bytes:
        """Answer somebody whose frames are not read."""
        return _write_failure(error_body(AccessDeniedError(message)), None)

    def _answer(self, frame: bytes, read_only: bool) -> bytes:
        requests, batch = envelope.read_requests(frame)
        # the answers that others got are nothing to look at
        identity = None if read_only else _identity(requests[0], frame)
        if isinstance(identity, Malformed):
            return _write_failure(ErrorBody(identity.code, identity.message), identity.id)
        if identity is not None and self._make_once is None:
            known = self._memory.recall(identity.client, identity.seq)
            if isinstance(known, bytes):
                if known.startswith(identity.mark):
                    return known[MARK:]
                reused = ReusedNumberError(identity.client, identity.seq)
                return _write_failure(error_body(reused), None if batch else _id_of(requests[0]))
            if known is not None:
                error = StaleRequestError(identity.client, identity.seq, known.last)
                return _write_failure(error_body(error), None if batch else _id_of(requests[0]))
        try:
            plans = [self._plan(request, read_only) for request in requests]
        except _NoJsonError as error:
            return _write_failure(ErrorBody(envelope.PARSE_ERROR, f"Parse error: {error}"), None)
        calls = [plan for plan in plans if not isinstance(plan, ErrorBody)]
        if identity is not None and not self._has_effect(calls):
            identity = None
        try:
            results = self._run(calls, identity)
        except (UnavailableError, StaleRequestError) as error:
            return _write_failure(error_body(error), None if batch else _id_of(requests[0]))
        reply = self._write(requests, plans, results, batch)
        if identity is not None and self._make_once is None:
            self._memory.remember(identity.client, identity.seq, identity.mark + reply)
        return reply

    def _has_effect(self, calls: Sequence[PlainCall]) -> bool:
        # a list, because most frames hold one call, and a generator costs as much as reading the frame
        return bool([method for method, _ in calls if not self._methods[method].reads_only])

    def _plan(self, request: Request | Malformed, read_only: bool) -> PlainCall | ErrorBody:
        """Say what is to be called, or why nothing can be."""
        if isinstance(request, Malformed):
            return ErrorBody(request.code, request.message)
        method = self._methods.get(request.method)
        try:
            if method is None:
                raise UnknownMethodError(f"Method not found: {request.method!r:.100}")
            if read_only and not method.reads_only:
                raise AccessDeniedError(
                    f"{method.name} changes something, and this key or user may only look; ask for one that"
                    " may do more"
                )
            return request.method, method.decode(request.params)
        except ActorschedError as error:
            return error_body(error)
        except ValueError as error:
            raise _NoJsonError(str(error)) from None

    def _run(self, calls: list[PlainCall], identity: Identity | None) -> Sequence[Any]:
        if not calls:
            return ()
        try:
            if identity is not None and self._make_once is not None:
                return self._make_once(calls, *identity)
            return self._make_calls(calls)
        except (UnavailableError, StaleRequestError):
            raise
        except Exception as error:
            return [error] * len(calls)

    def _write(
        self,
        requests: Sequence[Request | Malformed],
        plans: Sequence[PlainCall | ErrorBody],
        results: Sequence[Any],
        batch: bool,
    ) -> bytes:
        if not batch and results and requests[0].id is not UNSET:  # what most frames are
            outcome = results[0]
            if isinstance(outcome, BaseException):
                outcome = self._describe(outcome)
            return self._write_one(outcome, requests[0].id)
        remaining = iter(results)
        written = []
        for request, plan in zip(requests, plans, strict=True):
            outcome = plan if isinstance(plan, ErrorBody) else next(remaining)
            if isinstance(outcome, BaseException):
                outcome = self._describe(outcome)
            id_ = _id_of(request)
            if isinstance(request, Request) and request.id is UNSET and not _is_malformed(outcome):
                continue
            written.append(self._write_one(outcome, id_))
        if not batch:
            return written[0] if written else b""
        return envelope.write_batch(written) if written else b""

    def _describe(self, error: BaseException) -> ErrorBody:
        if not isinstance(error, ActorschedError) or isinstance(error, InternalError):
            self._report(error)
        return error_body(error)

    def _write_one(self, outcome: Any, id_: Id) -> bytes:
        if isinstance(outcome, ErrorBody):
            return _write_failure(outcome, id_)
        try:
            return envelope.write_response(Success(outcome, id_))
        except Exception as error:  # a result that is not JSON-shaped is our own bug
            self._report(error)
            return _write_failure(error_body(error), id_)


class _NoJsonError(Exception):
    """The parameters of a request are no JSON, so the whole frame is none."""


def _identity(request: Request | Malformed, frame: bytes) -> Identity | Malformed | None:
    if isinstance(request, Malformed) or request.client is UNSET or request.seq is UNSET:
        return None
    if len(request.client) > MAX_NAME:
        message = f"Invalid Request: a client name of {len(request.client)} characters is over {MAX_NAME}"
        return Malformed(envelope.INVALID_REQUEST, message, _id_of(request))
    return Identity(request.client, request.seq, mark_of(frame))


def _id_of(request: Request | Malformed) -> Id:
    return None if isinstance(request.id, UnsetType) else request.id


def _is_malformed(outcome: Any) -> bool:
    """Whether what looked like a notification is no request at all, which is answered."""
    return isinstance(outcome, ErrorBody) and outcome.code == MalformedRequestError.rpc_code


def _write_failure(body: ErrorBody, id_: Id) -> bytes:
    return envelope.write_response(Failure(body, id_))
