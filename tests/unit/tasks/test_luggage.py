"""What a program has set up travels to its children, and is there once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import luigi
import pytest

from actorsched import Event, Task
from actorsched.tasks import luigi_bridge
from actorsched.tasks.luggage import pack_luggage, unpack_luggage


class Native(Task):
    pass


class Theirs(luigi.Task):  # type: ignore[misc]
    pass


def handler(word: str) -> Callable[..., None]:
    def hear(box: list[str]) -> None:  # what comes from elsewhere has globals of its own
        box.append(word)

    return hear


def told(kind: Any, event: str) -> list[str]:
    box: list[str] = []
    kind().trigger_event(event, box)
    return box


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    for kind in (Native, Theirs):
        forget(kind)


def forget(kind: Any) -> None:
    """As if the handlers had been registered in another process."""
    if kind is Native:
        Native._event_callbacks.clear()
    else:
        luigi.Task._event_callbacks.pop(Theirs, None)


@pytest.mark.parametrize("kind", [Native, Theirs])
def test_a_handler_that_is_not_there_is_brought_along(kind: Any) -> None:
    """It is called once, however often it comes."""
    kind.event_handler(Event.SUCCESS)(handler("brought"))
    luggage = pack_luggage()
    forget(kind)
    unpack_luggage(luggage)
    unpack_luggage(luggage)
    assert told(kind, Event.SUCCESS) == ["brought"]


def test_one_that_a_module_registers_by_itself_is_not_doubled() -> None:
    """The other process has imported the module, too."""
    Native.event_handler(Event.START)(handler("there"))
    unpack_luggage(pack_luggage())
    assert told(Native, Event.START) == ["there"]


def test_one_that_cannot_travel_is_said_where_it_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    """And the others come along."""
    lock = threading.Lock()

    def locked(box: list[str]) -> None:
        with lock:
            box.append("locked")

    Native.event_handler(Event.SUCCESS)(locked)
    Native.event_handler(Event.SUCCESS)(handler("free"))
    luggage = pack_luggage()
    unpack_luggage(luggage)
    assert not caplog.records  # it is here
    forget(Native)
    with caplog.at_level(logging.WARNING):
        unpack_luggage(luggage)
    assert told(Native, Event.SUCCESS) == ["free"]
    assert "locked of" in caplog.text
    assert "it cannot travel" in caplog.text


def test_settings_of_luigi_are_taken_as_they_are() -> None:
    """Also with a lonely percent sign, which may stand in a file and cannot be set."""
    config = luigi.configuration.get_config()
    before = luigi_bridge.settings_said()
    try:
        config.set("luggage", "kept", "first")
        config._sections["luggage"]["raw"] = "100%"
        said = luigi_bridge.settings_said()
        config.remove_section("luggage")
        config.set("luggage", "gone", "x")
        luigi_bridge.take_settings(said)
        assert config.get("luggage", "kept") == "first"
        assert config._sections["luggage"] == {"kept": "first", "raw": "100%"}
    finally:
        luigi_bridge.take_settings(before)
    assert not config.has_section("luggage")
