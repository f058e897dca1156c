"""The inbox: queue, timers and sources in one wait."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Iterator

import pytest
from pykka._envelope import Envelope

from actorsched.actors.inbox import FAIRNESS, Inbox


class ManualClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


def test_messages_come_out_in_the_order_in_which_they_were_put() -> None:
    inbox = Inbox()
    for number in range(200):
        inbox.put(Envelope(number))
    assert [inbox.get().message for _ in range(200)] == list(range(200))
    assert inbox.empty()


def test_a_timer_is_delivered_when_its_moment_has_come_and_not_before() -> None:
    clock = ManualClock()
    inbox = Inbox(monotonic=clock)
    inbox.after(5, "late")
    inbox.after(2, "early")
    inbox.put(Envelope("first"))
    assert inbox.get().message == "first"
    clock.now += 10
    assert inbox.get().message == "early"
    assert inbox.get().message == "late"


def test_a_cancelled_timer_is_never_delivered() -> None:
    clock = ManualClock()
    inbox = Inbox(monotonic=clock)
    inbox.after(1, "no").cancel()
    inbox.after(2, "yes")
    clock.now += 3
    assert inbox.get().message == "yes"


def test_a_source_is_delivered_for_as_long_as_it_can_be_read(pipe: tuple[int, int]) -> None:
    inbox = Inbox()
    inbox.listen(pipe[0], "readable")
    os.write(pipe[1], b"ab")
    assert inbox.get().message == "readable"
    os.read(pipe[0], 1)
    assert inbox.get().message == "readable"
    os.read(pipe[0], 1)
    inbox.put(Envelope("queued"))
    assert inbox.get().message == "queued"
    inbox.close()


def test_a_busy_queue_does_not_starve_a_source(pipe: tuple[int, int]) -> None:
    inbox = Inbox()
    inbox.listen(pipe[0], "readable")
    os.write(pipe[1], b"a")
    for number in range(3 * FAIRNESS):
        inbox.put(Envelope(number))
    taken = [inbox.get().message for _ in range(FAIRNESS + 1)]
    assert "readable" in taken
    inbox.close()


def test_nobody_is_told_of_a_source_that_is_not_listened_to_any_more(pipe: tuple[int, int]) -> None:
    inbox = Inbox()
    inbox.listen(pipe[0], "readable")
    inbox.unlisten(pipe[0])
    inbox.unlisten(pipe[0])
    os.write(pipe[1], b"a")
    inbox.put(Envelope("queued"))
    assert inbox.get().message == "queued"
    assert inbox.empty()
    inbox.close()


@pytest.mark.parametrize("listens", [False, True])
def test_a_waiting_actor_is_woken_by_a_message(listens: bool, pipe: tuple[int, int]) -> None:
    """Both ways of waiting: on the bell, and on the poller."""
    inbox = Inbox(make_poller=select.poll)
    if listens:
        inbox.listen(pipe[0], "readable")
    received: list[object] = []
    thread = threading.Thread(target=lambda: received.extend(inbox.get().message for _ in range(1000)))
    thread.start()
    for number in range(1000):
        inbox.put(Envelope(number))
    thread.join(timeout=20)
    assert received == list(range(1000))
    inbox.close()


def test_close_gives_every_descriptor_back(pipe: tuple[int, int]) -> None:
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    inbox = Inbox()
    inbox.listen(pipe[0], "readable")
    inbox.close()
    inbox.close()
    inbox.put(Envelope("too late"))
    if before is not None:
        assert set(os.listdir("/proc/self/fd")) == before


def test_room_is_told_of_once_and_what_comes_meanwhile_too() -> None:
    """A peer that does not read holds up neither the actor nor its own words."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        inbox = Inbox()
        inbox.await_room(here.fileno(), "nobody listens")
        inbox.listen(here.fileno(), "spoke")
        while True:
            try:
                here.send(b"x" * 65536)
            except BlockingIOError:
                break
        inbox.await_room(here.fileno(), "room")
        inbox.after(0, "no room yet")
        assert inbox.get().message == "no room yet"
        there.send(b"y")
        assert inbox.get().message == "spoke"
        here.recv(1)
        with contextlib.suppress(BlockingIOError):
            while there.recv(65536):
                pass
        assert inbox.get().message == "room"
        inbox.after(0, "once")
        assert inbox.get().message == "once"
        inbox.unlisten(here.fileno())
        inbox.close()
