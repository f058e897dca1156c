"""How many runs a slot may hold."""

from __future__ import annotations

from actorsched.actors.pace import AHEAD_S, HELD_MAX, Pace


def pace_after(*elapsed_s: float) -> Pace:
    pace = Pace()
    for each in elapsed_s:
        pace.note(each)
    return pace


def test_nothing_waits_before_anything_is_known() -> None:
    """The first run may be a long one, and others would sit behind it."""
    assert Pace().depth == 1


def test_short_runs_let_some_wait_and_never_more_than_so_many() -> None:
    """Otherwise the scheduler is asked once for each of them."""
    assert pace_after(*[AHEAD_S / 4] * 50).depth in (3, 4)
    assert pace_after(*[0.0] * 50).depth == HELD_MAX


def test_one_long_run_ends_the_waiting() -> None:
    """The next one may be as long; a mean would forget it among many short ones."""
    assert pace_after(*[0.0] * 1000, 1.0).depth == 1


def test_a_run_that_came_back_ends_the_waiting() -> None:
    """The long run that it waited behind has not ended, so nothing was noted of it; it goes on all the same.

    Otherwise the worker asks for what it has just given back, a hundred times in a second.
    """
    pace = pace_after(*[0.0] * 1000)
    pace.doubt()
    assert pace.depth == 1
    for _ in range(100):
        pace.note(0.0)
    assert pace.depth == HELD_MAX


def test_short_runs_after_a_long_one_count_again() -> None:
    """A worker lives for weeks."""
    assert pace_after(3600.0, *[0.0] * 100).depth == HELD_MAX
