"""Jobs lie ready, and exactly one of the two gets each of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from actorsched.children.shelf import JOB_BYTES_MAX, ROOM_MAX, Shelf


@pytest.fixture
def ends() -> Iterator[tuple[Shelf, Shelf]]:
    """The shelf of a slot, and the same of its child."""
    front, back = socket.socketpair(type=socket.SOCK_DGRAM)
    slot, child = Shelf(front, back), Shelf(None, back.dup())
    yield slot, child
    slot.close()
    child.close()


def test_the_child_takes_what_lies_ready_once(ends: tuple[Shelf, Shelf]) -> None:
    slot, child = ends
    assert child.take() is None
    assert slot.put(b"job")
    assert child.take() == b"job"
    assert child.take() is None
    assert not slot.clear()


def test_what_was_taken_back_is_not_taken(ends: tuple[Shelf, Shelf]) -> None:
    slot, child = ends
    slot.put(b"job" * 1000, number=7)
    assert slot.clear() == {7}
    assert child.take() is None
    slot.put(b"next")
    assert child.take() == b"next"


def test_what_the_child_has_not_taken_is_known_by_its_number(ends: tuple[Shelf, Shelf]) -> None:
    slot, child = ends
    for number in range(ROOM_MAX):
        assert slot.put(b"job %d" % number, number=number)
    assert child.take() == b"job 0"
    assert slot.clear() == set(range(1, ROOM_MAX))
    assert child.take() is None


def test_a_job_whose_time_is_over_is_not_begun(ends: tuple[Shelf, Shelf]) -> None:
    """The worker may have been stopped for so long that somebody else has it by now."""
    slot, child = ends
    slot.put(b"job", within_s=0.0)
    assert child.take() is None
    assert not slot.clear()


def test_what_is_too_large_is_said_so(ends: tuple[Shelf, Shelf]) -> None:
    slot, child = ends
    assert not slot.put(bytes(JOB_BYTES_MAX + 1))
    assert child.take() is None
