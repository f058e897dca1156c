"""A worker of many slots leaves itself descriptors to live on."""

from __future__ import annotations

import resource

import pytest

from actorsched.children import fork_server


@pytest.mark.parametrize(
    ("allowed", "descriptor", "n_logs"),
    [
        (1024, 20, fork_server.N_LOGS_MAX),
        (1024, 256, fork_server.N_LOGS_MIN),
        (1 << 19, 256, fork_server.N_LOGS_MAX),
        (resource.RLIM_INFINITY, 5000, fork_server.N_LOGS_MAX),
    ],
)
def test_a_child_has_fewer_pipes_where_descriptors_are_scarce(
    monkeypatch: pytest.MonkeyPatch, allowed: int, descriptor: int, n_logs: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (allowed, allowed))
    assert fork_server._n_logs(descriptor) == n_logs
