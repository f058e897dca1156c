"""Several scheduler nodes of one user on one machine."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.acceptance.commands import background, run

NODE = ("node", "--role", "scheduler")


def test_a_second_scheduler_elsewhere_has_a_store_of_its_own(tmp_path: Path) -> None:
    """It serves at once, and keeps its tasks apart from those of the first."""
    first, second = (f"ipc://{tmp_path}/{name}" for name in ("a", "b"))
    with (
        background(*NODE, "--bind", first, cwd=tmp_path) as one,
        background(*NODE, "--bind", second, cwd=tmp_path) as other,
    ):
        assert one.line() == f"scheduler ready at {first}", one.ended()
        assert other.line() == f"scheduler ready at {second}", other.ended()
    told = run("store", "check", cwd=tmp_path, code=69).stderr
    assert "there is no store; say --store with one of these: sqlite:///" in told
    assert told.count("sqlite:///") == 3


def test_who_stands_by_says_so_and_what_to_do_and_says_when_it_is_over(tmp_path: Path) -> None:
    """Whoever did not mean it would wait for nothing; at any level of the log."""
    options = ("--store", f"sqlite:///{tmp_path}/state.db", "--log-level", "error", "--bind")
    with (
        background(*NODE, *options, f"ipc://{tmp_path}/a", cwd=tmp_path) as first,
    ):
        assert first.line() == f"scheduler ready at ipc://{tmp_path}/a", first.ended()
        with background(*NODE, *options, f"ipc://{tmp_path}/b", cwd=tmp_path) as second:
            assert second.line() == f"scheduler standing by at ipc://{tmp_path}/b", second.ended()
            first.signal(signal.SIGKILL)
            assert second.line() == f"scheduler ready at ipc://{tmp_path}/b"
            second.signal(signal.SIGTERM)
            text = second.ended()
            assert second.wait() == 0
    assert f"serves nobody for now: sqlite:///{tmp_path}/state.db: process {first.pid} on " in text
    assert "say --store with another place" in text
