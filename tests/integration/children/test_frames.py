"""What several threads of a child say arrives whole."""

from __future__ import annotations

import socket
import threading

from actorsched.children.frames import FrameStream, FrameWriter

N_THREADS = 8
LENGTHS = (2_000, 300_000) * 10


def test_the_end_of_a_run_does_not_come_in_the_middle_of_what_a_thread_that_was_left_says() -> None:
    """A socket that is full takes a long frame in parts, and would take another thread's in between."""
    ours, theirs = socket.socketpair()
    writer = FrameWriter(theirs)

    def say(number: int) -> None:
        for length in LENGTHS:
            writer.write(bytes([number]) * length)

    threads = [threading.Thread(target=say, args=(number,), daemon=True) for number in range(N_THREADS)]
    for thread in threads:
        thread.start()
    frames = FrameStream(ours)
    ours.settimeout(30)
    heard = [frames.read() for _ in range(N_THREADS * len(LENGTHS))]
    assert sorted(map(len, heard)) == sorted(LENGTHS * N_THREADS)
    assert all(len(set(frame)) == 1 for frame in heard)
    for each in (ours, theirs):
        each.close()
    for thread in threads:
        thread.join()
