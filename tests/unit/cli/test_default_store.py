"""Which store a scheduler node has that was told none."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorsched.store import url
from actorsched.store.url import default_name, default_stores, default_url
from actorsched.transport import address


@pytest.mark.parametrize(
    ("bound_to", "name"),
    [
        (None, "scheduler.db"),
        ("tcp://127.0.0.1:8081", "scheduler.db"),
        ("tcp://0.0.0.0:8081", "scheduler.db"),
        ("tcp://[::1]:9000", "scheduler-9000.db"),
        ("tcp://localhost:9000", "scheduler-9000.db"),
        ("tcp://127.0.0.1:0", "scheduler-any-port.db"),
        ("tcp://127.0.0.1:*", "scheduler-any-port.db"),
    ],
)
def test_each_port_has_a_store_of_its_own(bound_to: str | None, name: str) -> None:
    """Whatever the host is: who opens a scheduler to others does not want to lose its tasks by that."""
    assert default_name(bound_to) == name


def test_a_path_has_a_store_with_a_name_that_people_recognise() -> None:
    """And no two paths share one, however long they are and whatever stands in them."""
    names = [
        default_name(f"ipc://{path}")
        for path in ("/tmp/a/s", "/tmp/a-s", "/tmp/a s", "/run/" + "x" * 100, "/run/" + "y" + "x" * 99)
    ]
    assert len(set(names)) == len(names)
    assert names[0].startswith("scheduler-ipc-tmp-a-s-")
    assert all(len(name) < 80 and "/" not in name and " " not in name for name in names)


def test_the_usual_port_is_that_of_addresses() -> None:
    """The store may not import the transport."""
    assert url.DEFAULT_PORT == address.DEFAULT_PORT


def test_stores_that_are_there_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what lies beside them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "actorsched"
    folder.mkdir()
    for name in ("scheduler-9000.db", "scheduler-9000.db-wal", "scheduler-9000-history.db", "other.db"):
        (folder / name).touch()
    assert default_stores() == [f"sqlite:///{folder}/scheduler-9000.db"] == [default_url("tcp://h:9000")]
