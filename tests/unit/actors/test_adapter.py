"""An object with the RPC methods as an actor, driven in this thread."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.messages import Call, Exchange, ExchangeEnded
from actorsched.errors import SchedulerUnreachableError
from tests.unit.actors.worker_harness import Ref


class Scheduler:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def ping(self, worker: str) -> dict[str, Any]:
        self.calls.append(worker)
        if worker == "away":
            raise SchedulerUnreachableError("nobody there")
        if worker == "bad":
            raise ValueError("bad")
        return {"pinged": worker}


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


def exchange(scheduler: Scheduler, *workers: str) -> ExchangeEnded:
    listener: Any = Ref()
    calls = tuple(Call(method="ping", params={"worker": worker}) for worker in workers)
    AdapterActor(scheduler).handle(Exchange(calls=calls, reply_to=listener, tag=7))
    [ended] = listener.take(ExchangeEnded)
    assert ended.tag == 7
    return ended  # type: ignore[no-any-return]


def test_an_error_of_one_call_is_the_answer_to_that_call(scheduler: Scheduler) -> None:
    """And the others are made."""
    ended = exchange(scheduler, "a", "bad", "b")
    assert ended.error is None
    first, bad, last = ended.results
    assert (first, last) == ({"pinged": "a"}, {"pinged": "b"})
    assert isinstance(bad, ValueError)


def test_a_scheduler_that_is_away_has_refused_nothing(scheduler: Scheduler) -> None:
    """Else a worker would take its reports for refused, and forget them; and each would be waited for."""
    ended = exchange(scheduler, "a", "away", "b")
    assert isinstance(ended.error, SchedulerUnreachableError)
    assert ended.results == ()
    assert scheduler.calls == ["a", "away"]
