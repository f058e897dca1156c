"""How a run ended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from actorsched.errors import CallerError
from actorsched.tasks.blame import cause_of, traceback_of
from actorsched.tasks.registration import Registration


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended.

    Attributes:
        status: "DONE", "FAILED", or "PENDING": it waits for `new_deps`.
        error: the traceback, or what `on_failure` said instead; empty unless failed.
        cause: the same in one line.
        new_deps: ids of the dynamic requirements that it waits for.
        discovered: what is to be registered, each with the task or its bytes, if it is to be run: what the
            dynamic requirements need, or, where something is missing, the task and what it needs.
        missing: ids of dependencies that were not complete when the run began.
        expl: what `on_success` said.
        lost: the event of a run that could not tell its own end, for the handlers in the program that
            registered the task: `Event.TIMEOUT`, `Event.PROCESS_FAILURE`; empty for all others.
        unloadable: why the task, which somebody else registered, cannot be loaded here; it may be elsewhere.
    """

    status: Literal["DONE", "FAILED", "PENDING"]
    error: str = ""
    cause: str = ""
    new_deps: tuple[str, ...] = ()
    discovered: tuple[tuple[Registration, Any], ...] = ()
    missing: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    expl: str | None = None
    lost: str = ""
    unloadable: str = ""


def outcome_of_error(error: BaseException, what: str = "", *, unloadable: bool = False) -> Outcome:
    """Return the outcome of a run that could not begin.

    Args:
        what: what could not be done; stands in front.
        unloadable: whether another worker may be able to.
    """
    head = f"{what}: " if what else ""
    text = str(error) if isinstance(error, CallerError) else traceback_of(error)
    return Outcome(
        status="FAILED",
        error=f"{head}{text}",
        cause=f"{head}{cause_of(error)}",
        unloadable=text if unloadable else "",
    )
