"""Which children are kept, and which are ended."""

from __future__ import annotations

from typing import Any

import pytest

from actorsched.children.nursery import SPARE_MAX, Nursery
from actorsched.errors import ChildLostError


class FakeChild:
    def __init__(self) -> None:
        self.dead = False
        self.closed = False

    def has_ended(self) -> bool:
        return self.dead

    def close(self) -> None:
        self.closed = True


class FakeLauncher:
    closed = False
    failures = 0

    def launch(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise ChildLostError("no room")
        return FakeChild()

    def close(self) -> None:
        self.closed = True


def nursery(suspended_max: int = 2) -> Nursery:
    return Nursery(FakeLauncher(), suspended_max)


def child() -> Any:
    return FakeChild()


def test_a_suspended_child_is_had_again_once() -> None:
    kept = nursery()
    one = child()
    kept.suspend("t", one)
    assert kept.resume("t") is one
    assert kept.resume("t") is None


def test_of_too_many_the_one_that_waits_longest_is_ended() -> None:
    kept = nursery(suspended_max=2)
    children = [child() for _ in range(3)]
    for number, each in enumerate(children):
        kept.suspend(f"t{number}", each)
    assert [each.closed for each in children] == [True, False, False]
    assert kept.resume("t0") is None


def test_none_are_kept_when_none_are_wanted() -> None:
    kept = nursery(suspended_max=0)
    one = child()
    kept.suspend("t", one)
    assert one.closed


def test_a_child_that_died_meanwhile_is_not_given_out() -> None:
    kept = nursery()
    suspended, spare = child(), child()
    kept.suspend("t", suspended)
    kept.lay_aside(spare)
    suspended.dead = spare.dead = True
    assert kept.resume("t") is None
    assert kept.spare() is None
    assert suspended.closed
    assert spare.closed


def test_a_newer_run_of_a_task_replaces_an_older_one() -> None:
    kept = nursery()
    old, new = child(), child()
    kept.suspend("t", old)
    kept.suspend("t", new)
    assert old.closed
    assert kept.resume("t") is new


def test_spare_children_are_few() -> None:
    kept = nursery()
    children = [child() for _ in range(SPARE_MAX + 1)]
    for each in children:
        kept.lay_aside(each)
    assert [each.closed for each in children] == [False] * SPARE_MAX + [True]


def test_the_run_that_is_suspended_longest_makes_room() -> None:
    launcher = FakeLauncher()
    kept = Nursery(launcher, 3)
    children = [child() for _ in range(3)]
    for number, each in enumerate(children):
        kept.suspend(f"t{number}", each)
    launcher.failures = 1
    kept.launch()
    assert [each.closed for each in children] == [True, False, False]
    launcher.failures = 2
    with pytest.raises(ChildLostError):
        kept.launch()
    assert [each.closed for each in children] == [True, True, False]
    assert not kept.keeps("t1")


def test_closing_ends_all() -> None:
    launcher = FakeLauncher()
    kept = Nursery(launcher, 2)
    suspended, spare = child(), child()
    kept.suspend("t", suspended)
    kept.lay_aside(spare)
    kept.close()
    assert suspended.closed
    assert spare.closed
    assert launcher.closed
