"""Files of keys and users that change while a server runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from actorsched.transport import guard
from actorsched.transport.guard import AUTHORISED, READ_ONLY, CurveGuard, PlainGuard, write_user
from actorsched.transport.keys import make_pair


class Time:
    """So late that no file changed just now; and moved by the test."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return time.time_ns() + 3600 * 1_000_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(guard, "time", made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / AUTHORISED / READ_ONLY).mkdir(parents=True)
    make_pair(tmp_path, "server")
    return tmp_path


def write_anew(path: Path, data: bytes) -> None:
    """In its place; again, if the clock of the file system did not go on meanwhile."""
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:
        path.write_bytes(data)


def key_in(path: Path) -> str:
    return path.read_text().split('public-key = "')[1].split('"')[0]


def test_a_key_that_is_written_anew_in_its_place_counts_at_once(folder: Path, clock: Time) -> None:
    """The old one may be in wrong hands. Nothing of the folder changes by that."""
    place = folder / AUTHORISED / "alice.key"
    old, _ = make_pair(folder, "old")
    new, _ = make_pair(folder, "new")
    place.write_bytes(old.read_bytes())
    found = CurveGuard(folder)
    assert found.role(key_in(old)) == "full"
    write_anew(place, new.read_bytes())
    assert found.role(key_in(old)) is None
    assert found.role(key_in(new)) == "full"


def test_a_key_that_is_written_over_another_ones_counts_within_a_second(folder: Path, clock: Time) -> None:
    """It is looked for among the files of others, and those are many."""
    alice, _ = make_pair(folder, "alice")
    bob, _ = make_pair(folder, "bob")
    (folder / AUTHORISED / "alice.key").write_bytes(alice.read_bytes())
    place = folder / AUTHORISED / READ_ONLY / "bob.key"
    place.write_bytes(b"no key yet")
    found = CurveGuard(folder)
    assert found.role(key_in(alice)) == "full"
    write_anew(place, alice.read_bytes())
    clock.seconds += 1.5
    assert found.role(key_in(alice)) == "read-only"
    write_anew(place, bob.read_bytes())
    assert (found.role(key_in(alice)), found.role(key_in(bob))) == ("full", "read-only")


def test_files_that_did_not_change_are_not_read_again(
    folder: Path, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request asks for a role. Also where the clock of the files is ahead."""
    alice, _ = make_pair(folder, "alice")
    place = folder / AUTHORISED / "alice.key"
    place.write_bytes(alice.read_bytes())
    found = CurveGuard(folder)
    key = key_in(alice)
    assert found.role(key) == "full"
    monkeypatch.setattr(guard, "read_public", None)
    for ahead_s in (0, -7200):
        monkeypatch.setattr(clock, "time_ns", lambda s=ahead_s: time.time_ns() + (3600 + s) * 1_000_000_000)
        for _ in range(3):
            clock.seconds += 1.5
            assert found.role(key) == "full"


def test_a_user_who_is_added_leaves_the_file_to_its_owner(tmp_path: Path) -> None:
    """Else the scheduler, which runs as somebody else, could not read it, and would let nobody in."""
    users = tmp_path / "users"
    write_user(users, "alice", "full", "word")
    users.write_bytes(users.read_bytes() + b"# \xff no UTF-8\n")
    if os.geteuid() == 0:
        os.chown(users, 12345, 12345)
    before = users.stat()
    write_user(users, "bob", "read-only", "word")
    after = users.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert b"\xff no UTF-8" in users.read_bytes()
    found = PlainGuard(users)
    assert (found.role("alice"), found.role("bob")) == ("full", "read-only")


def test_an_editor_that_empties_the_file_of_users_locks_nobody_out(tmp_path: Path, clock: Time) -> None:
    """It writes the rest in the next moment. Who is still missing then is struck off."""
    users = tmp_path / "users"
    write_user(users, "alice", "full", "word")
    text = users.read_bytes()
    found = PlainGuard(users)
    for _ in range(2):
        assert found.role("alice") == "full"
        write_anew(users, b"")
        assert (found.role("alice"), found.role("bob")) == ("full", None)
        clock.seconds += 0.4
        assert found.role("alice") == "full"
        write_anew(users, text.replace(b"full", b"read-only"))
        assert found.role("alice") == "read-only"
        write_anew(users, text)
    assert found.role("alice") == "full"
    users.unlink()
    assert found.role("alice") == "full"
    clock.seconds += 0.6
    assert found.role("alice") is None


def test_a_broken_line_is_told_of_once(tmp_path: Path) -> None:
    """A file that has just changed is read again and again."""
    users, said = tmp_path / "users", list[str]()
    write_user(users, "alice", "full", "word")
    found = PlainGuard(users, said.append)
    users.write_bytes(users.read_bytes() + b"bob full nothing\n")
    for _ in range(5):
        assert found.role("alice") == "full"
    assert len(said) == 1
