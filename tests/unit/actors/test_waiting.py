"""When a worker without work goes on waiting."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.actors.waiting import HINTED_S, UNHINTED_S, Waiting
from actorsched.config import WorkerSettings

#: a failed task that somebody else wants too, and registered last
SHARED = {"n_pending_tasks": 1, "n_unique_pending": 0, "n_pending_last_scheduled": 0, "n_can_run": 0}
OWN = {"n_pending_tasks": 1, "n_unique_pending": 1, "n_pending_last_scheduled": 1, "n_can_run": 0}
NONE = {"n_pending_tasks": 0, "n_unique_pending": 0, "n_pending_last_scheduled": 0, "n_can_run": 0}


def waiting(reply: dict[str, Any], *, assistant: bool = False, **options: Any) -> Waiting:
    waiting = Waiting(WorkerSettings(**options), assistant=assistant, forever=False)
    waiting.hear(reply, got_work=False)
    return waiting


@pytest.mark.parametrize(
    ("options", "for_shared", "for_own"),
    [
        ({}, False, False),
        ({"keep_alive": True}, True, True),
        ({"keep_alive": True, "count_uniques": True}, False, True),
        ({"keep_alive": True, "count_last_scheduled": True}, False, True),
        ({"keep_alive": True, "count_last_scheduled": True, "count_uniques": True}, False, True),
        ({"count_uniques": True}, False, False),
        ({"count_last_scheduled": True}, False, False),
    ],
)
def test_what_may_be_retried_is_waited_for_as_told(
    options: dict[str, Any], for_shared: bool, for_own: bool
) -> None:
    """Luigi's settings; each of them only narrows what `keep_alive` waits for."""
    assert waiting(SHARED, **options).goes_on(0.0) is for_shared
    assert waiting(OWN, **options).goes_on(0.0) is for_own
    assert waiting(NONE, **options).goes_on(0.0) is False


@pytest.mark.parametrize("options", [{}, {"keep_alive": True, "max_keep_alive_idle_duration": 1.0}])
def test_what_can_run_is_waited_for_whatever_the_settings(options: dict[str, Any]) -> None:
    """The rule that needs no tuning: others run it, or it waits for them."""
    assert waiting(SHARED | {"n_can_run": 1}, **options).goes_on(1000.0)


def test_the_idle_limit_counts_from_the_last_work() -> None:
    """And begins anew when there is something again."""
    asked = waiting(OWN, keep_alive=True, max_keep_alive_idle_duration=10.0)
    assert asked.goes_on(100.0)
    assert asked.goes_on(109.9)
    assert not asked.goes_on(110.0)
    asked.hear(OWN, got_work=True)
    assert asked.goes_on(120.0)
    assert asked.goes_on(129.9)
    asked.hear(OWN | {"n_can_run": 1}, got_work=False)
    assert asked.goes_on(150.0)
    asked.hear(OWN, got_work=False)
    assert asked.goes_on(150.0)
    assert not asked.goes_on(160.0)


def test_an_assistant_that_is_kept_alive_waits_until_its_limit() -> None:
    """It serves others: what it wants itself is nothing."""
    assert waiting(NONE, keep_alive=True, assistant=True).goes_on(1e9)
    assert not waiting(NONE, assistant=True).goes_on(0.0)
    limited = waiting(NONE, keep_alive=True, assistant=True, max_keep_alive_idle_duration=5.0)
    assert limited.goes_on(0.0)
    assert not limited.goes_on(5.0)


def test_a_scheduler_that_is_not_ours_tells_what_others_run() -> None:
    """Luigi's knows no `n_can_run`."""
    reply = {"n_pending_tasks": 1, "running_tasks": [{"task_id": "t", "worker": "other"}]}
    assert waiting(reply).goes_on(0.0)
    assert not waiting(reply | {"running_tasks": []}).goes_on(0.0)


def test_where_nobody_says_that_there_is_work_it_is_asked_more_often() -> None:
    assert waiting(OWN).interval_s == HINTED_S
    assert waiting({"n_pending_tasks": 1}).interval_s == UNHINTED_S
    assert waiting(OWN, wait_interval=0.2).interval_s == 0.2
