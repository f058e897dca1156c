"""Frames that come again: they take effect once, and are a sign of life each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from pykka import ActorRef

from actorsched.actors.messages import Call, CallBatch
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.actors.scheduler import SchedulerActor
from actorsched.config import SchedulerSettings
from actorsched.rpc.errors import StaleRequestError
from actorsched.rpc.replies import mark_of

LEASE_S = SchedulerSettings().worker_disconnect_delay


class World:
    def __init__(self) -> None:
        self.time = 100.0
        runtime = Runtime(clock=CallableClock(lambda: self.time), ticking=False)
        self.ref: ActorRef[Any] = SchedulerActor.start(resources={"r": 4}, runtime=runtime)

    def call(self, method: str, **params: Any) -> Any:
        return self.ref.ask(Call(method=method, params=params), timeout=30)

    def once(self, seq: int, method: str, **params: Any) -> Any:
        calls = (Call(method=method, params=params),)
        batch = CallBatch(calls=calls, client="c", seq=seq, mark=mark_of(repr(calls).encode()))
        [answer] = self.ref.ask(batch, timeout=30)
        return msgspec.json.decode(answer)

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        self.call("prune")

    def running(self) -> list[str]:
        return list(self.call("task_list", status="RUNNING", upstream_status=""))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.ref.stop()


def give_work(world: World) -> str:
    world.call("add_worker", worker="w", info={}, incarnation="i")
    world.call("add_task", worker="w", task_id="t", resources={"r": 4}, incarnation="i")
    run_id: str = world.call("get_work", worker="w", incarnation="i")["run_id"]
    return run_id


def test_a_heartbeat_that_is_sent_again_renews_the_lease(world: World) -> None:
    """Its answers get lost; the worker is alive all the same, and the scheduler can hear it."""
    give_work(world)
    for _ in range(4):
        answer = world.once(1, "ping", worker="w", incarnation="i")
        world.pass_time(LEASE_S * 0.7)
    assert answer["known"] is True
    assert world.running() == ["t"]
    world.pass_time(LEASE_S * 0.7)
    assert world.running() == [], "and silence is silence"


@pytest.mark.parametrize("seq", [1, 0])
def test_a_copy_from_another_life_renews_nothing(world: World, seq: int) -> None:
    """What a crashed process has sent may go round for a while."""
    world.once(1, "ping", worker="w", incarnation="crashed")
    world.call("add_worker", worker="w", info={}, incarnation="i", replaces="crashed")
    give_work(world)
    for _ in range(2):
        world.pass_time(LEASE_S * 0.7)
        if seq == 1:
            world.once(1, "ping", worker="w", incarnation="crashed")
    assert world.running() == []


@pytest.mark.parametrize("seq", [1, 0])
def test_a_client_that_counts_from_one_again_is_told_so(world: World, seq: int) -> None:
    """It was started again under its old name; it must not take the answer of its former life for its own."""
    world.once(1, "ping", worker="w")
    with pytest.raises(StaleRequestError, match="started again"):
        world.once(seq, "add_worker", worker="v", info={})
    assert [view["name"] for view in world.call("worker_list")] == ["w"]


def test_resources_that_are_given_back_twice_by_one_frame_are_given_back_once(world: World) -> None:
    """The answer got lost, and the client sent the frame again."""
    run_id = give_work(world)
    for _ in range(2):
        params = {"task_id": "t", "decrease_resources": {"r": 1}, "run_id": run_id}
        answer = world.once(1, "decrease_running_task_resources", **params)
    assert answer is None
    assert world.call("get_running_task_resources", task_id="t")["resources"] == {"r": 3}
