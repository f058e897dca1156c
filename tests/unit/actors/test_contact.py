"""What the log says of contact that is lost and found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from actorsched.actors.contact import Contact


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as logs:
        yield logs


@pytest.fixture
def contact() -> Contact:
    return Contact("tcp://there", lambda: 9.0, 120.0)


def test_a_ping_that_went_astray_alone_is_no_loss(contact: Contact, logs: list[Any]) -> None:
    """It was sent to an address where nobody is, before a call has found one where somebody is."""
    contact.lose("nobody there", since=0.0)
    contact.find(at=2.0)
    contact.miss("the heartbeats are not answered", since=1.0, noticed=1.0)
    assert [entry["event"] for entry in logs] == [
        "no answer from the scheduler yet",
        "the scheduler has answered",
    ]


def test_pings_that_are_not_answered_after_all_else_was_are_a_loss(contact: Contact, logs: list[Any]) -> None:
    """Who says nothing else notices it by them alone."""
    contact.find(at=2.0)
    for sent_at in (1.0, 2.0, 5.0):  # the first one may have been answered, had the connection not broken
        contact.miss("the heartbeats are not answered", 1.0, sent_at)
    contact.find(at=7.0)
    assert [entry["event"] for entry in logs] == [
        "lost contact with the scheduler",
        "contact with the scheduler is back",
    ]
    assert logs[-1]["away_s"] == 8.0
