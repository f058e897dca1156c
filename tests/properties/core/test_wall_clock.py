"""The wall clock is for people: whatever it shows, the same is decided."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from tests.properties.store.calls import Step, call, steps

SETTINGS = SchedulerSettings(
    retry_delay=20,
    remove_delay=30,
    worker_disconnect_delay=60,
    disable_persist=50,
    retry_count=3,
    disable_window=100,
    stable_done_cooldown_secs=5,
    max_worker_deaths=2,
)
#: what shows wall time
TIMES = {"time", "time_running", "start_time", "last_updated", "last_active", "started"}
#: steps of the wall clock, in days
DAYS = st.sampled_from([0.0, 0.0, 1.0, -1.0, 400.0, -4000.0])


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in TIMES}
    return [timeless(part) for part in value] if isinstance(value, list) else value


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(steps(), DAYS), min_size=10, max_size=60))
def test_a_wall_clock_that_jumps_changes_no_answer(story: list[tuple[Step, float]]) -> None:
    """Nor anything that a machine knows, but what it shows of it."""
    steady = SchedulerMachine(SETTINGS, resources={"a": 2}, epoch="e")
    jumping = SchedulerMachine(SETTINGS, resources={"a": 2}, epoch="e")
    monotonic, ahead = 1000.0, 0.0
    for step, days in story:
        monotonic += step.wait_s
        ahead += days * 86_400
        times = Instant(monotonic, 5000.0 + monotonic), Instant(monotonic, 5000.0 + monotonic + ahead)
        answers = [
            timeless(deepcopy(call(machine, step, now)))
            for machine, now in zip((steady, jumping), times, strict=True)
        ]
        assert answers[0] == answers[1], f"at {step}"
        for view in ("task_list", "worker_list", "resource_list", "graph"):
            shown = [
                timeless(getattr(machine, view)(now))
                for machine, now in zip((steady, jumping), times, strict=True)
            ]
            assert shown[0] == shown[1], f"{view} after {step}"
