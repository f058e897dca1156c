"""Whom a scheduler knows: who has introduced himself in this life of its state."""

from __future__ import annotations

import pytest

from tests.machines import Driven


@pytest.mark.parametrize("question", ["get_work", "count_pending"])
def test_both_questions_tell_a_worker_that_it_is_not_known(question: str) -> None:
    """One that only waits asks nothing else, and would take "nothing to do" for the end of its work."""
    driven = Driven()
    assert getattr(driven, question)(worker="w")["known"] is False
    driven.add_worker("w", {})
    assert getattr(driven, question)(worker="w")["known"] is True
