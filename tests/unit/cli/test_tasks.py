"""What the list of tasks says of each."""

from __future__ import annotations

from typing import Any

from actorsched.cli.tasks import since, why

NAMES = {"Rates_2026_dc8dd7d7d6": "Rates(day=2026)"}


def view(status: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "worker_running": None, "last_updated": 90.0, **more}


def test_what_runs_says_where_and_how_far_it_is() -> None:
    running = view("RUNNING", worker_running="ann", status_message="epoch 3", progress_percentage=30)
    assert why(running, NAMES) == "on ann  30 %  epoch 3"
    assert why(view("RUNNING", worker_running="ann"), NAMES) == "on ann"


def test_what_a_task_waits_for_has_the_name_that_the_list_has() -> None:
    """A person would have to look for an id in a list that shows none."""
    reason = "failed dependency: Rates_2026_dc8dd7d7d6"
    assert why(view("PENDING", blocked_reason=reason), NAMES) == "failed dependency: Rates(day=2026)"
    assert why(view("PENDING", blocked_reason=reason), {}) == reason
    stuck = "dependency Rates_2026_dc8dd7d7d6: no live worker can run it"
    assert why(view("PENDING", blocked_reason=stuck), NAMES).startswith("dependency Rates(day=2026): no live")


def test_what_an_earlier_run_said_of_itself_is_not_said_of_a_task_that_waits() -> None:
    said = {"status_message": "epoch 10 of 10"}
    assert why(view("PENDING", **said), NAMES) == ""
    assert why(view("DONE", **said), NAMES) == "epoch 10 of 10"


def test_a_task_is_done_since_it_ended_and_runs_since_it_began() -> None:
    assert since(view("DONE", time_running=10.0)) == 90.0
    assert since(view("RUNNING", time_running=10.0)) == 10.0
