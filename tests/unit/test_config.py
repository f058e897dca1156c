"""Settings that cannot work are refused before anything starts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actorsched.config import ClientSettings, SchedulerSettings, WorkerSettings, settings_from
from actorsched.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (SchedulerSettings, {"worker_disconnect_delay": 0}),
        (SchedulerSettings, {"worker_disconnect_delay": -1.0}),
        (SchedulerSettings, {"worker_disconnect_delay": float("nan")}),
        (WorkerSettings, {"ping_interval": 0.0}),
        (WorkerSettings, {"wait_interval": -0.1}),
        (WorkerSettings, {"wait_jitter": -1}),
        (ClientSettings, {"connect_timeout": 0}),
        (ClientSettings, {"retry_wait_min": -1}),
        (ClientSettings, {"retry_wait_max": -1}),
        (ClientSettings, {"retry_jitter": 1.5}),
        (ClientSettings, {"retry_attempts": -1}),
        (ClientSettings, {"patience": -0.5}),
    ],
)
def test_a_number_that_cannot_work_is_refused(kind: type[msgspec.Struct], said: dict[str, Any]) -> None:
    """With its name, its value, and what it must be."""
    (name, value), *_ = said.items()
    with pytest.raises(ConfigError, match="it must be") as caught:
        settings_from(kind, said)
    assert f"{name}={value!r}" in str(caught.value)


def test_numbers_at_the_edge_are_accepted() -> None:
    """Zero has a meaning for some."""
    settings_from(
        ClientSettings, {"patience": 0, "retry_wait_min": 0, "retry_jitter": 1, "retry_attempts": 0}
    )
    settings_from(WorkerSettings, {"wait_interval": 0, "ping_interval": 0.001})
    settings_from(SchedulerSettings, {"worker_disconnect_delay": 0.001, "retry_delay": -1})
