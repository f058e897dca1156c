"""What tests with child processes share."""

from __future__ import annotations

import os

import pytest

from actorsched.children import launcher


@pytest.fixture(autouse=True)
def start_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names no start method gets that of ACTORSCHED_TEST_START_METHOD, where it is set."""
    wanted = os.environ.get("ACTORSCHED_TEST_START_METHOD", "")
    if wanted:
        chosen = launcher.method_named
        monkeypatch.setattr(launcher, "method_named", lambda method="": chosen(method or wanted))
