"""A slot that was given several runs at once."""

from __future__ import annotations

import os

from actorsched.actors.messages import CancelRun, TaskMessage
from tests.integration.children.slot_bench import Bench, Hear


def test_runs_go_in_their_order(slot_bench: Bench) -> None:
    """What a slot does not get to it may return, and what ran, ran once."""
    for line in "abcdef":
        slot_bench.run(line)
    words = slot_bench.hear(6)
    done = [run_id for run_id, status in words if status == "DONE"]
    assert sorted(run_id for run_id, _ in words) == [f"run-{line}" for line in "abcdef"]
    assert slot_bench.lines() == "".join(run_id[-1] for run_id in done)
    assert done == sorted(done)


def test_what_waits_behind_a_long_run_is_returned(slot_bench: Bench) -> None:
    """Others have a free slot for it, and the long run goes on."""
    slot_bench.run("a", gate=slot_bench.gate)
    slot_bench.run("b")
    slot_bench.run("c")
    assert slot_bench.hear(2) == [("run-b", "returned"), ("run-c", "returned")]
    slot_bench.open_gate()
    assert slot_bench.hear(1) == [("run-a", "DONE")]
    assert slot_bench.lines() == "a"


def test_an_end_is_not_kept_behind_a_long_run(slot_bench: Bench) -> None:
    """Somebody may wait for what has just been done."""
    slot_bench.run("a")
    slot_bench.run("b", gate=slot_bench.gate)
    slot_bench.run("c")
    slot_bench.run("d")
    words = slot_bench.hear(3)  # on a slow machine "a" itself is the long one
    assert ("run-a", "DONE") in words or ("run-b", "returned") in words
    slot_bench.open_gate()
    words += slot_bench.hear(1)
    assert sorted(run_id for run_id, _ in words) == ["run-a", "run-b", "run-c", "run-d"]


def test_a_run_whose_time_has_passed_is_returned(slot_bench: Bench) -> None:
    """Its lease may have run out, and somebody else may have the task."""
    slot_bench.run("a", start_by=-1.0)
    assert slot_bench.hear(1) == [("run-a", "returned")]
    assert not os.path.exists(slot_bench.file)


def test_a_waiting_run_that_is_cancelled_never_begins(slot_bench: Bench) -> None:
    """And the run before it does not notice."""
    slot_bench.run("a", gate=slot_bench.gate)
    slot_bench.run("b")
    slot_bench.slot.tell(CancelRun(run_id="run-b", cause="cancelled"))
    [word] = slot_bench.hear(1)
    assert word in (("run-b", "FAILED"), ("run-b", "returned"))
    slot_bench.open_gate()
    assert slot_bench.hear(1) == [("run-a", "DONE")]
    assert slot_bench.lines() == "a"


def test_a_child_that_dies_takes_only_its_own_run_with_it(slot_bench: Bench) -> None:
    """What waits runs in the next child, or is returned."""
    slot_bench.run("a", dies=True)
    slot_bench.run("b")
    words = slot_bench.hear(2)
    assert words[0] == ("run-a", "FAILED") or words[0] == ("run-b", "returned")
    assert sorted(run_id for run_id, _ in words) == ["run-a", "run-b"]


def test_a_slot_that_stops_speaks_of_every_run(slot_bench: Bench) -> None:
    """A worker counts on one word for each."""
    slot_bench.run("a", gate=slot_bench.gate)
    slot_bench.run("b")
    slot_bench.slot.stop(block=True)
    assert sorted(slot_bench.hear(2)) == [("run-a", "FAILED"), ("run-b", "returned")]


def test_a_message_larger_than_a_socket_holds_reaches_a_task_that_is_busy(slot_bench: Bench) -> None:
    """The slot has other things to do meanwhile, and the next run finds nothing of it."""
    slot_bench.run_task(Hear(file=slot_bench.file, gate=slot_bench.gate), "run-a")
    letters = [TaskMessage(run_id="run-a", message_id=f"m-{n}", content=str(n) * (1 << 20)) for n in range(3)]
    for letter in letters:
        slot_bench.slot.tell(letter)
    slot_bench.look()
    slot_bench.open_gate()
    assert slot_bench.hear(1) == [("run-a", "DONE")]
    assert slot_bench.lines() == letters[0].content
    slot_bench.run_task(Hear(file=slot_bench.file), "run-b")
    slot_bench.slot.tell(TaskMessage(run_id="run-b", message_id="m", content="hello"))
    assert slot_bench.hear(1) == [("run-b", "DONE")]
    assert slot_bench.lines() == "hello"
