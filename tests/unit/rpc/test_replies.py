"""The memory of answers."""

from __future__ import annotations

from actorsched.rpc.replies import ReplyMemory, Stale


def test_the_last_answer_is_recalled_and_older_ones_are_stale() -> None:
    """A client has one frame under way."""
    memory = ReplyMemory()
    memory.remember("c", 1, b"one")
    memory.remember("c", 2, b"two")
    assert memory.recall("c", 2) == b"two"
    assert memory.recall("c", 1) == Stale(2)
    assert memory.recall("c", 3) is None
    assert memory.recall("d", 1) is None


def test_the_client_that_was_silent_longest_is_forgotten() -> None:
    """The memory is bounded in clients."""
    memory = ReplyMemory(max_clients=2)
    memory.remember("a", 1, b"")
    memory.remember("b", 1, b"")
    memory.remember("a", 2, b"")
    memory.remember("c", 1, b"")
    assert memory.recall("b", 1) is None
    assert memory.recall("a", 2) == memory.recall("c", 1) == b""


def test_large_answers_push_out_older_ones_but_not_themselves() -> None:
    """The memory is bounded in bytes, and what was just done is always remembered."""
    memory = ReplyMemory(max_bytes=10)
    memory.remember("a", 1, b"12345")
    memory.remember("b", 1, b"1234567")
    assert memory.recall("a", 1) is None
    memory.remember("c", 1, b"x" * 100)
    assert len(memory) == 1
    assert memory.recall("c", 1) == b"x" * 100
    memory.remember("c", 2, b"x")
    memory.remember("d", 1, b"x" * 9)
    assert len(memory) == 2
