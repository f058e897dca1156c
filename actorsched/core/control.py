"""Pause, resources, and taking workers out of service."""

from __future__ import annotations

from typing import Any

from actorsched.core.instant import Instant
from actorsched.core.pruning import dismiss
from actorsched.core.results import Paused, PauseEnabled
from actorsched.core.state import State


def disable_worker(state: State, now: Instant, worker: str) -> None:
    """It may report what it runs, and gets and registers nothing any more."""
    state.hungry.pop(worker, None)
    dismiss(state, worker)
    record = state.worker(worker, now)
    record.disabled = True
    state.touch_worker(record)


def is_pause_enabled(state: State, now: Instant) -> PauseEnabled:
    return {"enabled": state.settings.pause_enabled}


def is_paused(state: State, now: Instant) -> Paused:
    return {"paused": state.paused}


def pause(state: State, now: Instant) -> None:
    """Hand out nothing; what runs, ends."""
    if state.settings.pause_enabled:
        state.paused = True
        state.touch_control()


def unpause(state: State, now: Instant) -> None:
    if state.settings.pause_enabled:
        state.paused = False
        state.ready.stirred = True
        for group in state.ready.classes:
            group.fresh = group.live
        state.touch_control()


def update_resources(state: State, now: Instant, /, **resources: int) -> None:
    state.configure_resources(resources)


def update_resource(state: State, now: Instant, resource: str, amount: Any) -> bool:
    """Set one capacity; False when the amount is no whole number from 0 up, and nothing has changed."""
    if not isinstance(amount, int) or amount < 0:
        return False
    state.configure_resources({resource: amount})
    return True


def has_task_history(state: State, now: Instant) -> bool:
    return state.settings.record_task_history
