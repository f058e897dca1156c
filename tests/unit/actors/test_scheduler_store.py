"""The scheduler's actor and its store: what is answered is stored, and what is not stored is not answered."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import msgspec
import pykka
import pytest
import structlog
from pykka import ActorRef

from actorsched.actors.messages import Call, CallBatch, Exchange, ExchangeEnded
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.actors.scheduler import SchedulerActor, Take
from actorsched.errors import (
    FencedError,
    InvalidParamsError,
    StoreError,
    StoreHeldError,
    StoreUnavailableError,
)
from actorsched.rpc.errors import StaleRequestError
from actorsched.store.memory import Disk, MemoryStore

REPLACED = "another scheduler has taken the place of this one"


class FaultyStore(MemoryStore):
    """Fails on request, before it writes or after."""

    fails = ""

    def commit(self, *args: Any) -> None:
        if self.fails == "bug":
            raise KeyError("no such column")
        if self.fails == "before":
            raise StoreUnavailableError("no room")
        super().commit(*args)
        if self.fails == "after":
            raise StoreUnavailableError("the connection broke")

    def read(self) -> Any:
        if self.fails == "damaged":
            raise StoreError("rows contradict each other")
        return super().read()

    def try_out(self, size: int) -> None:
        if self.fails == "damaged":
            return
        if self.fails:
            raise StoreUnavailableError("still no room")


class World:
    def __init__(self) -> None:
        self.time = 100.0
        self.disk = Disk()
        self.refs: list[ActorRef[Any]] = []

    def start(self) -> tuple[ActorRef[Any], FaultyStore]:
        store = FaultyStore(self.disk)
        runtime = Runtime(clock=CallableClock(lambda: self.time), ticking=False)
        ref = SchedulerActor.start(runtime=runtime, store=store)
        self.refs.append(ref)
        return ref, store


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for ref in world.refs:
        ref.stop()


def call(ref: ActorRef[Any], method: str, **params: Any) -> Any:
    return ref.ask(Call(method=method, params=params), timeout=30)


def once(ref: ActorRef[Any], seq: int, method: str, **params: Any) -> Any:
    batch = CallBatch(calls=(Call(method=method, params=params),), client="c", seq=seq)
    found: Any = ref.ask(batch, timeout=30)
    return [msgspec.json.decode(part) for part in found]


def add(ref: ActorRef[Any], task: str, **params: Any) -> Any:
    return call(ref, "add_task", task_id=task, worker="w", family="F", **params)


def test_what_was_acknowledged_is_there_after_a_crash(world: World) -> None:
    """The actor is not even told that it ends: the place is taken from it."""
    ref, _ = world.start()
    add(ref, "a")
    add(ref, "b")
    grant = call(ref, "get_work", worker="w")
    world.disk.holder = None
    again, _ = world.start()
    assert call(again, "add_task", task_id="a", worker="w", status="DONE", run_id=grant["run_id"]) is None
    assert call(again, "get_work", worker="w")["task_id"] == "b"


def test_nothing_of_a_failed_commit_has_happened(world: World) -> None:
    """The caller was told so."""
    ref, store = world.start()
    add(ref, "a")
    store.fails = "before"
    with pytest.raises(StoreUnavailableError, match="no room"):
        call(ref, "get_work", worker="w")
    with pytest.raises(StoreUnavailableError, match="no room"):
        call(ref, "task_list")
    store.fails = ""
    assert call(ref, "get_work", worker="w")["task_id"] == "a"


def test_a_commit_that_was_stored_after_all_is_answered_when_it_is_asked_for_again(world: World) -> None:
    """A connection broke in the middle: the client got an error and sends the same frame again."""
    ref, store = world.start()
    add(ref, "a")
    store.fails = "after"
    with pytest.raises(StoreUnavailableError):
        once(ref, 1, "get_work", worker="w")
    store.fails = ""
    assert once(ref, 1, "get_work", worker="w")[0]["task_id"] == "a"
    assert call(ref, "get_work", worker="w")["task_id"] is None


def test_a_frame_is_carried_out_once_also_across_a_restart(world: World) -> None:
    """Its answer is committed with its effect."""
    ref, _ = world.start()
    add(ref, "a")
    add(ref, "b")
    first = once(ref, 7, "get_work", worker="w")
    assert once(ref, 7, "get_work", worker="w") == first
    ref.stop()
    again, _ = world.start()
    assert once(again, 7, "get_work", worker="w") == first
    with pytest.raises(StaleRequestError):
        once(again, 6, "get_work", worker="w")
    assert once(again, 8, "get_work", worker="w")[0]["task_id"] == "b"


def test_a_worker_of_this_process_waits_for_a_store_that_is_away(world: World) -> None:
    """It has no client in between that would be patient for it."""
    ref, store = world.start()
    add(ref, "a")
    store.fails = "before"
    answers: SimpleQueue[ExchangeEnded] = SimpleQueue()
    asker = Asker.start(answers)
    world.refs.append(asker)
    ref.tell(Exchange(calls=(Call(method="get_work", params={"worker": "w"}),), reply_to=asker, tag=1))
    with pytest.raises(StoreUnavailableError):
        call(ref, "task_list")
    store.fails = ""
    ended = answers.get(timeout=60)
    assert ended.error is None
    assert ended.results[0]["task_id"] == "a"


class Asker(pykka.ThreadingActor):
    """Hands on the answer to its exchange."""

    def __init__(self, answers: SimpleQueue[ExchangeEnded]) -> None:
        super().__init__()
        self._answers = answers

    def on_receive(self, message: Any) -> None:
        self._answers.put(message)


def test_a_value_that_cannot_be_stored_is_refused_alone(world: World) -> None:
    """It is the caller's; the state before it stays."""
    ref, _ = world.start()
    add(ref, "a")
    with pytest.raises(InvalidParamsError, match="object"):
        add(ref, "b", params={"x": object()})
    assert list(call(ref, "task_list")) == ["a"]


def test_a_standby_refuses_until_the_place_is_free(world: World) -> None:
    """And says who has it; then it goes on where the other one stopped."""
    first, _ = world.start()
    add(first, "a")
    standby, _ = world.start()
    assert isinstance(standby.ask(Take()), StoreHeldError)
    with pytest.raises(StoreHeldError, match="waits for it"):
        call(standby, "task_list")
    first.stop()
    assert standby.ask(Take()) is None
    assert list(call(standby, "task_list")) == ["a"]


def test_a_silent_holder_loses_its_place_after_a_lease_and_is_fenced(world: World) -> None:
    """It was stopped, and believes that nothing has happened."""
    first, _ = world.start()
    add(first, "a")
    standby, _ = world.start()
    assert standby.ask(Take()) is not None
    world.time += 4
    assert standby.ask(Take()) is not None
    world.time += 2
    assert standby.ask(Take()) is None
    add(standby, "b")
    with pytest.raises(FencedError):
        call(first, "get_work", worker="w")
    with pytest.raises(StoreHeldError):
        call(first, "task_list")
    assert list(call(standby, "task_list")) == ["a", "b"]


def test_a_holder_looks_whether_it_still_has_its_place_before_it_tells_anything(world: World) -> None:
    """Even what changes nothing: it may be out of date by a lease."""
    first, _ = world.start()
    add(first, "a")
    standby, _ = world.start()
    standby.ask(Take())
    world.time += 6
    assert standby.ask(Take()) is None
    with pytest.raises(FencedError):
        call(first, "is_paused")


def test_a_holder_whose_connection_ended_first_says_that_its_place_was_taken(world: World) -> None:
    """A database server ends the session of a scheduler that was stopped, so no commit is refused."""
    first, store = world.start()
    add(first, "a")
    standby, _ = world.start()
    standby.ask(Take())
    world.time += 6
    assert standby.ask(Take()) is None
    store.fails = "before"
    with structlog.testing.capture_logs() as lines:
        with pytest.raises(StoreUnavailableError, match="no room"):
            call(first, "get_work", worker="w")
        assert REPLACED not in [line["event"] for line in lines]
        store.fails = ""
        for _ in range(2):
            with pytest.raises(StoreHeldError):
                call(first, "task_list")
    assert [line["event"] for line in lines].count(REPLACED) == 1
    add(standby, "b")
    standby.stop()
    assert list(call(first, "task_list")) == ["a", "b"]


def test_a_deadline_keeps_what_was_left_of_it(world: World) -> None:
    """The time without a scheduler does not count; leases begin anew."""
    ref, _ = world.start()
    add(ref, "a", status="FAILED")
    world.time += 600
    call(ref, "ping", worker="w")
    ref.stop()
    world.time += 10_000
    again, _ = world.start()
    assert call(again, "task_list")["a"]["status"] == "FAILED"
    for _ in range(7):
        world.time += 50
        call(again, "ping", worker="w")
    assert call(again, "task_list")["a"]["status"] == "PENDING"


def test_the_cooldown_of_a_done_task_keeps_what_was_left_of_it(world: World) -> None:
    """As any other deadline: workers that were cut off too are as far behind after a restart as before."""
    ref, _ = world.start()
    add(ref, "a", status="DONE")
    world.time += 6
    call(ref, "ping", worker="w")
    ref.stop()
    world.time += 10_000
    again, _ = world.start()
    assert again.ask(Take()) is None  # the state lives again from here on
    world.time += 3
    add(again, "a")
    assert call(again, "task_list")["a"]["status"] == "DONE"
    world.time += 2
    add(again, "a")
    assert call(again, "task_list")["a"]["status"] == "PENDING"


def test_a_worker_hears_of_the_end_of_its_exchange_whatever_happens(world: World) -> None:
    """It says nothing more before that."""
    ref, store = world.start()
    add(ref, "a")
    answers = SimpleQueue[ExchangeEnded]()
    asker = Asker.start(answers)
    world.refs.append(asker)
    store.fails = "bug"
    with structlog.testing.capture_logs():
        ref.tell(Exchange(calls=(Call(method="pause", params={}),), reply_to=asker, tag=1))
        ended = answers.get(timeout=60)
    assert isinstance(ended.error, KeyError)


def test_a_store_that_is_damaged_is_no_refusal(world: World) -> None:
    """Somebody will mend it. A worker would take what it has reported for refused, and forget it."""
    ref, store = world.start()
    add(ref, "a")
    for trouble in ("before", "damaged"):
        store.fails = trouble
        with pytest.raises(StoreUnavailableError):
            once(ref, 1, "add_task", task_id="a", worker="w", status="DONE")
    with pytest.raises(StoreError, match="contradict"):  # this is asked at the start, by whoever starts it
        ref.ask(Take(), timeout=30)
    store.fails = ""
    once(ref, 1, "add_task", task_id="a", worker="w", status="DONE")
    assert call(ref, "task_list")["a"]["status"] == "DONE"
