"""The ends of a child that has yet to begin."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

import pytest

from actorsched.children import fork_server
from actorsched.children.descriptors import N_LOGS_MAX
from actorsched.errors import ChildLostError


@pytest.mark.parametrize("n", range(N_LOGS_MAX + 3))
def test_nothing_is_left_open_where_descriptors_run_out(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many pairs of them. Else each child that could not be had would take some for good."""
    made = 0

    def scarce(make: Any) -> Any:
        def make_pair(*args: Any, **options: Any) -> Any:
            nonlocal made
            if made == n:
                raise OSError(errno.EMFILE, "too many")
            made += 1
            return make(*args, **options)

        return make_pair

    monkeypatch.setattr(os, "pipe", scarce(os.pipe))
    monkeypatch.setattr(socket, "socketpair", scarce(socket.socketpair))
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ChildLostError, match=r"no descriptors for another child process: .*too many"):
        fork_server._open_ends()
    assert os.listdir("/proc/self/fd") == before
