"""What only a database server can do to us."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from actorsched.errors import StoreUnavailableError
from actorsched.store.base import NO_CHANGES
from actorsched.store.url import make_store


@pytest.mark.parametrize("pipeline", [False, True])
def test_a_holder_that_stopped_within_a_transaction_keeps_nobody_from_the_place(
    postgres: Any, pipeline: bool
) -> None:
    """Its session is ended. In a pipeline the server does not see that it idles, and would never end it."""
    url = postgres.new_database()
    first: Any = make_store(url, lease_s=3600)
    first.open()
    assert first.take(first.look(), "e1")
    second: Any = make_store(url, lease_s=600)
    second.open()
    seen = second.look()
    assert not seen.free
    if pipeline:
        stuck = first._driver.pipeline()
        stuck.__enter__()
    first.hold(first._driver.cursor(), 1.0)
    while not second._place_is_locked():
        pass  # in a pipeline nobody has waited until it arrived at the server
    assert second.take(seen, "e2")
    if pipeline:
        with pytest.raises(psycopg.OperationalError):
            stuck.__exit__(None, None, None)
    with pytest.raises(StoreUnavailableError):
        first.commit(NO_CHANGES, [], 2.0)
    second.commit(NO_CHANGES, [], 3.0)
    first.open()
    seen = first.look()
    assert (seen.epoch, seen.free) == ("e2", False)
    second.close()
    first.close()
