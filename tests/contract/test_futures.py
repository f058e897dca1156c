"""What an actor answers by: ours behaves like Pykka's."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pykka
import pytest

from actorsched.actors.base import Actor
from actorsched.actors.future import AskFuture

LONG_S = 60.0


@pytest.fixture(params=[pykka.ThreadingFuture, AskFuture])
def future(request: pytest.FixtureRequest) -> Any:
    return request.param()


def test_an_answer_can_be_got_again(future: Any) -> None:
    future.set(5)
    assert [future.get(), future.get(timeout=0)] == [5, 5]


def test_the_answer_may_be_none(future: Any) -> None:
    future.set()
    assert future.get(timeout=0) is None


def test_an_error_is_raised_with_its_traceback_each_time(future: Any) -> None:
    try:
        raise KeyError("gone")
    except KeyError:
        future.set_exception()
    for _ in range(2):
        with pytest.raises(KeyError, match="gone") as caught:
            future.get(timeout=0)
        assert caught.traceback[-1].name == "test_an_error_is_raised_with_its_traceback_each_time"


def test_an_error_may_come_as_a_class(future: Any) -> None:
    future.set_exception((KeyError, None, None))
    with pytest.raises(KeyError):
        future.get(timeout=0)


@pytest.mark.parametrize("timeout", [0, -1.0, 0.001])
def test_whoever_waits_in_vain_is_told(future: Any, timeout: float) -> None:
    with pytest.raises(pykka.Timeout):
        future.get(timeout=timeout)
    future.set(5)  # and may ask again
    assert future.get(timeout=timeout) == 5


def test_there_is_one_answer(future: Any) -> None:
    future.set(5)
    for answer_again in (future.set, lambda: future.set_exception((KeyError, None, None))):
        with pytest.raises(queue.Full):
            answer_again()
    assert future.get(timeout=0) == 5


def test_all_who_wait_get_it(future: Any) -> None:
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(future.get(timeout=LONG_S))) for _ in range(5)]
    for thread in threads:
        thread.start()
    future.set(5)
    for thread in threads:
        thread.join(LONG_S)
    assert answers == [5] * 5


def test_what_is_made_of_an_answer(future: Any) -> None:
    later = future.map(lambda value: value + 1)
    with pytest.raises(queue.Full):
        later.set(7)
    future.set(5)
    assert [later.get(timeout=LONG_S), later.get(timeout=LONG_S)] == [6, 6]


def test_actors_answer_by_ours() -> None:
    """Also when they are stopped, which Pykka makes a future of a future for."""

    class Echo(Actor):
        def handle(self, message: object) -> Any:
            return message

    ref = Echo.start()
    assert isinstance(ref.ask("hello", block=False), AskFuture)
    assert ref.ask("hello", timeout=LONG_S) == "hello"
    assert ref.stop(timeout=LONG_S)
    with pytest.raises(pykka.ActorDeadError):
        ref.ask("hello", timeout=LONG_S)
