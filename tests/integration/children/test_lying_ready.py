"""Runs that lie ready for a child, which goes on with them by itself."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from actorsched.actors.child_link import ChildLink, ChildPrinted
from actorsched.actors.messages import CancelRun
from actorsched.actors.reminders import EndRun
from tests.integration.children.slot_bench import LONG_S, Bench, Copy, Leave, Process, Say, SayInC, Sleep


@pytest.fixture
def patient(slot_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A slot with a warm child that returns nothing: what waits is run by this child or the next one."""
    slot_bench.run("w")
    slot_bench.hear(1)
    monkeypatch.setattr("actorsched.actors.slot.LINGER_S", LONG_S)
    return slot_bench


def test_what_a_run_prints_is_in_its_own_log(patient: Bench, tmp_path: Path) -> None:
    """Also where the child goes from one run to the next by itself, and only some of them print."""
    lines = [f"line {number}" for number in range(200)]
    for number, line in enumerate(lines):
        patient.run_task(Say(line=line if number % 3 else ""), f"run-{number}")
    assert {status for _, status in patient.hear(len(lines))} == {"DONE"}
    for number, line in enumerate(lines):
        printed = [log.read_text() for log in (tmp_path / "logs").rglob(f"run-{number}.log")]
        assert printed == ([f"{line}\n"] if number % 3 else [])


def test_what_a_library_in_c_prints_is_in_the_log_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a buffer of its own, and would be written later, or never."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with that it has none
    bench = Bench(tmp_path)
    for line in "abc":
        bench.run_task(SayInC(line=line), f"run-{line}")
        bench.hear(1)
        assert bench.log_of(f"run-{line}") == f"{line}\n"
    bench.close()


def test_what_the_next_run_prints_at_the_wrong_moment_is_not_of_the_present_one(
    patient: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The slot has heard that "a" runs and is about to read what was printed: in between, all may happen."""
    read_page = ChildLink.read_page
    held: list[int] = []

    def read_late(link: ChildLink, fd: int) -> bool:
        if not held:
            held.append(fd)
            patient.open_gate()
            while not (tmp_path / "printed").exists():
                threading.Event().wait(0.001)
        return read_page(link, fd)

    patient.run("a", gate=patient.gate)
    patient.run_task(Say(line="b", printed=str(tmp_path / "printed")), "run-b")
    patient.look()  # now one runs, and one lies ready
    link = patient.inside._child
    monkeypatch.setattr(ChildLink, "read_page", read_late)
    patient.slot.tell(ChildPrinted(link.life, link._child.log_fds[2]))  # that of "b" is what comes next
    assert patient.hear(2) == [("run-a", "DONE"), ("run-b", "DONE")]
    assert patient.log_of("run-a") == ""
    assert patient.log_of("run-b") == "b\n"


def test_a_copy_of_standard_output_that_a_run_keeps_can_be_written_to_in_later_ones(patient: Bench) -> None:
    """A module may keep one for a logger. More than a pipe holds, so that it has to be read meanwhile."""
    for number in range(20):
        patient.run_task(Copy(n=number), f"run-{number}")
    assert {status for _, status in patient.hear(20)} == {"DONE"}
    patient.look()
    printed = "".join(patient.log_of(f"run-{number}") for number in range(20))
    found = [(line[:2], len(line)) for line in printed.split()]  # short, where it differs
    assert found == [((str(n) * 2)[:2], len(str(n)) * 50_000) for n in range(20)]


@pytest.mark.parametrize("run_id", ["run-x", "run-b"])
def test_ending_what_is_over_or_was_just_taken_leaves_what_the_child_has_taken(
    run_id: str, patient: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot cannot get it back, and hears of it only after the time that this usually takes."""
    monkeypatch.setattr("actorsched.children.shelf.Shelf.clear", lambda self: set())
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.look()
    patient.slot.ask(EndRun(run_id, "cancelled", ahead=patient.inside._upcoming.ahead))
    patient.open_gate()
    assert patient.hear(2) == [("run-a", "DONE"), ("run-b", "DONE")]
    assert patient.lines() == "wab"
    patient.run_task(Say(line="c"), "run-c")
    patient.hear(1)
    assert patient.log_of("run-c") == "c\n", "slot and child are at the same page"


def test_a_child_that_may_be_tainted_takes_nothing_more(patient: Bench, tmp_path: Path) -> None:
    """What lay ready for it runs in the next one."""
    patient.run_task(Process(file=str(tmp_path / "first")), "run-0")
    patient.run_task(Leave(), "run-1")
    patient.run_task(Process(file=str(tmp_path / "last")), "run-2")
    assert [status for _, status in patient.hear(3)] == ["DONE"] * 3
    assert (tmp_path / "first").read_text() != (tmp_path / "last").read_text()


def test_what_lay_ready_for_a_child_that_dies_runs_in_the_next(patient: Bench) -> None:
    patient.run("a", gate=patient.gate, dies=True)
    patient.run("b")
    patient.open_gate()
    assert patient.hear(2) == [("run-a", "FAILED"), ("run-b", "DONE")]
    assert patient.lines() == "wb"


def test_what_lies_ready_can_be_cancelled(patient: Bench) -> None:
    """It was not begun, and the run before it does not notice."""
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.slot.tell(CancelRun(run_id="run-b", cause="cancelled"))
    patient.look()
    patient.open_gate()
    assert sorted(patient.hear(2)) == [("run-a", "DONE"), ("run-b", "FAILED")]
    assert patient.lines() == "wa"


def test_of_many_that_lie_ready_each_can_be_cancelled(patient: Bench) -> None:
    """The others keep their order."""
    patient.run("a", gate=patient.gate)
    for line in "bcdefghijkl":
        patient.run(line)
    patient.slot.tell(CancelRun(run_id="run-e", cause="cancelled"))
    patient.look()
    patient.open_gate()
    words = patient.hear(12)
    assert [run_id for run_id, status in words if status != "DONE"] == ["run-e"]
    assert patient.lines() == "wabcdfghijkl"


def test_what_the_child_did_while_its_slot_did_not_look_counts_when_it_stops(
    patient: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, looks = ChildLink.said, threading.Event()
    monkeypatch.setattr(ChildLink, "said", lambda link: said(link) if looks.is_set() else [])
    patient.run("a", gate=patient.gate)
    for line in "bcd":
        patient.run(line)
    patient.look()  # now they lie ready
    patient.open_gate()
    while patient.lines() != "wabcd":  # the child runs what lies ready
        threading.Event().wait(0.001)
    looks.set()
    patient.slot.stop(block=True)
    words = patient.hear(4)
    assert words[:3] == [("run-a", "DONE"), ("run-b", "DONE"), ("run-c", "DONE")]
    assert words[3][0] == "run-d"  # it may have been about to say so


def test_a_run_that_ends_by_force_leaves_what_lies_ready(patient: Bench) -> None:
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    assert patient.hear(2) == [("run-a", "FAILED"), ("run-b", "DONE")]
    assert patient.lines() == "wb"


def test_a_run_that_the_child_went_on_to_has_its_limit(patient: Bench) -> None:
    """It counts from when the run before it was over."""
    patient.run("a")
    patient.run_task(Sleep(), "run-s", timeout_s=0.2)
    assert patient.hear(2) == [("run-a", "DONE"), ("run-s", "FAILED")]


def test_a_child_that_stands_still_between_two_runs_is_ended(
    patient: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has taken what lay ready, and nothing will be heard of the run before."""
    monkeypatch.setattr("actorsched.children.shelf.Shelf.clear", lambda self: set())
    monkeypatch.setattr("actorsched.actors.slot.CROSSING_S", 0.1)
    patient.run("a", gate=patient.gate)
    patient.run("b")
    patient.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    assert patient.hear(2) == [("run-a", "FAILED"), ("run-b", "DONE")]
    assert patient.lines() == "wb"


def test_what_is_to_follow_a_success_does(patient: Bench) -> None:
    """Also when another run has come between; the child itself knows it of the run before."""
    patient.run("a", gate=patient.gate)
    patient.run("b", after="run-a")
    patient.run("x")
    patient.run("c", after="run-b")
    patient.open_gate()
    assert [status for _, status in patient.hear(4)] == ["DONE"] * 4
    assert patient.lines() == "wabxc"


@pytest.mark.parametrize("how", ["fails", "dies", "cancelled"])
def test_what_was_to_follow_a_success_is_given_back_after_a_failure(patient: Bench, how: str) -> None:
    """And what was to follow that; the rest goes on, and the end of the one that failed comes first."""
    if how == "fails":
        patient.run("a", gate=patient.gate, file=f"{patient.file}/none")
    else:
        patient.run("a", gate=patient.gate, dies=how == "dies")
    patient.run("b", after="run-a")
    patient.run("c", after="run-b")
    patient.run("x")
    if how == "cancelled":
        patient.slot.tell(CancelRun(run_id="run-a", cause="cancelled"))
    else:
        patient.open_gate()
    heard = patient.hear(4)
    assert heard[:3] == [("run-a", "FAILED"), ("run-b", "returned"), ("run-c", "returned")]
    assert heard[3] == ("run-x", "DONE")
    assert patient.lines() == "wx"
