"""What tests with child processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorsched.children import launcher
from tests.integration.children.slot_bench import Bench


@pytest.fixture(autouse=True)
def start_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names no start method gets that of ACTORSCHED_TEST_START_METHOD, where it is set."""
    wanted = os.environ.get("ACTORSCHED_TEST_START_METHOD", "")
    if wanted:
        chosen = launcher.method_named
        monkeypatch.setattr(launcher, "method_named", lambda method="": chosen(method or wanted))


@pytest.fixture
def slot_bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()
