"""What a slot sees of its child: what is read, and what is left open."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest

from actorsched.actors.child_link import LOG_CHUNK, LOG_CHUNKS_MAX, ChildLink
from actorsched.actors.inbox import Inbox
from actorsched.children import fork_server
from actorsched.children.launcher import Child
from actorsched.children.nursery import Nursery
from actorsched.config import WorkerSettings


class Launcher:
    """Starts nothing: whoever needs a child brings it."""

    def launch(self) -> Child:
        raise NotImplementedError

    def close(self) -> None: ...


class Log:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, printed: bytes) -> None:
        self.pieces.append(printed)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    yield inbox
    inbox.close()


@pytest.fixture
def link(inbox: Inbox) -> Iterator[ChildLink]:
    link = ChildLink(0, inbox, Nursery(Launcher(), 0), WorkerSettings())
    yield link
    link.drop()


@pytest.fixture
def child() -> Child:
    child, given = fork_server._open_ends()
    for fd in given:
        os.close(fd)
    return child


def n_open() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_output_without_end_does_not_keep_a_slot_from_its_other_duties(link: ChildLink, child: Child) -> None:
    """Somebody may want to end that run."""
    endless = os.open("/dev/zero", os.O_RDONLY)
    os.dup2(endless, child.log_fd)
    os.close(endless)
    link.adopt(child)
    link.log = kept = Log()  # type: ignore[assignment]
    link.read_log()
    assert sum(map(len, kept.pieces)) == LOG_CHUNK * LOG_CHUNKS_MAX  # type: ignore[attr-defined]


def test_a_child_that_cannot_be_listened_to_is_not_had(
    link: ChildLink, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its run would never end: nothing would be heard of it."""
    before = n_open()

    def fail(*args: object) -> int:
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr(os, "eventfd" if hasattr(os, "eventfd") else "pipe", fail)
    with pytest.raises(OSError, match="too many"):
        link.adopt(child)
    assert not link
    assert n_open() == before - len(child.log_fds) - 4, "connection, status, and both ends of the shelf"
