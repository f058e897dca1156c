"""A worker of many slots leaves itself descriptors to live on."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from actorsched import Worker
from actorsched.children import descriptors, fork_server
from actorsched.children.descriptors import N_LOGS_MAX, N_LOGS_MIN, RESERVE
from actorsched.children.launcher import Child
from actorsched.errors import ConfigError


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """What this process may have, and what it may ask for."""
    limits = [1024, 1024]
    monkeypatch.setattr(descriptors, "_had", 0)
    monkeypatch.setattr(resource, "getrlimit", lambda what: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda what, wanted: limits.__setitem__(slice(None), wanted))
    return limits


@pytest.mark.parametrize(
    ("allowed", "descriptor", "in_plenty"),
    [
        (1024, 255, True),
        (1024, 256, False),
        (1 << 19, 256, True),
        (resource.RLIM_INFINITY, 5000, True),
    ],
)
def test_a_child_has_fewer_pipes_where_descriptors_are_scarce(
    limits: list[int], allowed: int, descriptor: int, in_plenty: bool
) -> None:
    limits[:] = allowed, allowed
    assert descriptors.in_plenty(descriptor) is in_plenty


def test_more_is_asked_for_where_it_may_be_had(limits: list[int]) -> None:
    limits[:] = 1024, 5000
    assert descriptors.in_plenty(255)
    assert limits == [1024, 5000]
    assert descriptors.files_max() == 1024
    assert descriptors.in_plenty(256)
    assert limits == [4096, 5000]
    assert not descriptors.in_plenty(4000)
    assert limits == [5000, 5000]
    assert descriptors.files_max() == 1024, "tasks are no part of that"


def test_children_do_not_get_the_last_ones(limits: list[int]) -> None:
    """The store, the logs and the sockets of the process live on them."""
    descriptors.leave_some(1023 - RESERVE)
    with pytest.raises(OSError, match=r"Too many open files \(of 1024, see ulimit -n\)"):
        descriptors.leave_some(1024 - RESERVE)


def test_children_that_come_and_go_take_no_more_than_those_that_stay(limits: list[int]) -> None:
    """Where one has gone, a low descriptor is free, and that says nothing of how many are in use."""
    os.close(lowest := os.dup(0))
    mark = lowest + 40
    limits[:] = 4 * mark, 4 * mark
    children = [_child() for _ in range(6)]
    assert {len(child.log_fds) for child in children} >= {N_LOGS_MAX, N_LOGS_MIN}
    for child in children[::2]:  # some that have many, and some that have few
        child.close()
    children[::2] = [_child() for _ in children[::2]]
    plenty = [fd for child in children for fd in child.log_fds[N_LOGS_MIN - 1 : -1]]
    assert plenty
    assert max(plenty) < mark
    for child in children:
        child.close()


def _child() -> Child:
    child, given = fork_server._open_ends()
    for fd in given:
        os.close(fd)
    return child


def test_more_slots_than_can_have_children_are_refused(limits: list[int]) -> None:
    """At once, and not run by run."""
    limits[:] = 256, 256
    with pytest.raises(ConfigError, match=r"worker_processes=60: 256 open files, .* are enough for 21"):
        Worker(worker_processes=60)
