"""Every machine that a test makes keeps its invariants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.machines import watch


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that breaks a machine on purpose says so: `@pytest.mark.breaks_a_machine`."""
    if request.node.get_closest_marker("breaks_a_machine"):
        yield
    else:
        yield from watch(monkeypatch)
