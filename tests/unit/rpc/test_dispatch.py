"""What a server does with frames, apart from the examples of the specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorsched.errors import InvalidParamsError
from actorsched.rpc import envelope
from actorsched.rpc.dispatch import Dispatcher
from actorsched.rpc.errors import UnavailableError
from actorsched.rpc.replies import ReplyMemory


class Backend:
    """Counts pings and fails on request."""

    def __init__(self) -> None:
        self.pings = 0
        self.reads = 0
        self.raises: Exception | None = None
        self.reports: list[BaseException] = []
        self.memory = ReplyMemory()
        self.dispatcher = Dispatcher(self.make_calls, report=self.reports.append, memory=self.memory)

    def make_calls(self, calls: Any) -> list[Any]:
        if self.raises is not None:
            raise self.raises
        return [self.make_call(method, params) for method, params in calls]

    def make_call(self, method: str, params: dict[str, Any]) -> Any:
        match method:
            case "ping":
                self.pings += 1
                return {"pings": self.pings, "worker": params["worker"]}
            case "is_paused":
                self.reads += 1
                return {"paused": False, "reads": self.reads}
            case "fetch_error":
                return InvalidParamsError("no such task")
            case "graph":
                return {"value": object()}
            case "get_work":
                return KeyError("secret")
        return None

    def ask(self, frame: bytes) -> Any:
        answer = self.dispatcher.answer(frame)
        return json.loads(answer) if answer else None


@pytest.fixture
def backend() -> Backend:
    return Backend()


def ping(id_: Any = 1, client: str | None = None, seq: int | None = None) -> bytes:
    return envelope.write_call("ping", {"worker": "w"}, id_, client, seq)


def test_a_frame_that_is_sent_again_has_one_effect_and_one_answer(backend: Backend) -> None:
    """The answer may have been lost, and the client cannot know."""
    first = backend.dispatcher.answer(ping(1, "c", 1))
    assert backend.dispatcher.answer(ping(1, "c", 1)) == first
    assert backend.pings == 1


def test_a_batch_that_is_sent_again_has_one_effect(backend: Backend) -> None:
    """The identity stands in the first request and counts for the frame."""
    frame = envelope.write_batch([ping(0, "c", 1), ping(1), ping(2)])
    first = backend.dispatcher.answer(frame)
    assert backend.dispatcher.answer(frame) == first
    assert backend.pings == 3


def test_a_notification_that_is_sent_again_has_one_effect(backend: Backend) -> None:
    """Its answer, which is empty, is remembered like any other."""
    frame = b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"client":"c","seq":1}'
    assert backend.dispatcher.answer(frame) == backend.dispatcher.answer(frame) == b""
    assert backend.pings == 1


def test_a_late_copy_has_no_effect(backend: Backend) -> None:
    """The client has gone on, so nobody waits for it."""
    backend.ask(ping(1, "c", 1))
    backend.ask(ping(2, "c", 2))
    assert backend.ask(ping(1, "c", 1))["error"]["code"] == envelope.STALE_REQUEST
    assert backend.pings == 2


def test_clients_and_anonymous_ones_do_not_meet(backend: Backend) -> None:
    """A number means something only together with the name."""
    backend.ask(ping(1, "a", 1))
    backend.ask(ping(1, "b", 1))
    backend.ask(ping(1))
    backend.ask(ping(1))
    assert backend.pings == 4


@pytest.mark.parametrize("batch", [False, True])
def test_a_number_that_comes_with_another_request_is_refused(batch: bool, backend: Backend) -> None:
    """Its client was started again under the old name, and would take an old answer for its own."""
    backend.ask(ping(1, "c", 1))
    frame = envelope.write_call("get_work", {"worker": "w"}, 7, "c", 1)
    answer = backend.ask(envelope.write_batch([frame]) if batch else frame)
    assert answer["error"]["code"] == envelope.STALE_REQUEST
    assert "started again" in answer["error"]["message"]
    assert answer["id"] == (None if batch else 7)
    assert backend.ask(ping(1, "c", 1))["result"] == {"pings": 1, "worker": "w"}, "and the copy is none"


def test_an_error_is_remembered_too(backend: Backend) -> None:
    """The second answer must not differ from the first."""
    frame = envelope.write_call("get_work", {"worker": "w"}, 1, "c", 1)
    assert backend.dispatcher.answer(frame) == backend.dispatcher.answer(frame)
    assert len(backend.reports) == 1


def test_what_only_reads_is_not_remembered(backend: Backend) -> None:
    """Doing it again does no harm, and a large view would push out what matters."""
    frame = envelope.write_call("is_paused", {}, 1, "c", 1)
    backend.ask(frame)
    backend.ask(frame)
    assert backend.reads == 2
    assert len(backend.memory) == 0


def test_a_scheduler_that_is_going_away_is_not_remembered(backend: Backend) -> None:
    """The client will send the frame again, and then it must take effect."""
    backend.raises = UnavailableError("stopping")
    assert backend.ask(ping(1, "c", 1))["error"]["code"] == envelope.UNAVAILABLE
    backend.raises = None
    assert backend.ask(ping(1, "c", 1))["result"]["pings"] == 1


@pytest.mark.parametrize(("client", "seq"), [('"c"', '"1"'), ("1", "1"), ("[]", "1"), ('"c"', "1.5")])
def test_an_identity_of_a_wrong_kind_is_refused(client: str, seq: str, backend: Backend) -> None:
    """A client that believes to be protected, and is not, must hear of it."""
    frame = (
        f'{{"jsonrpc":"2.0","method":"ping","params":{{"worker":"w"}},"id":1,"client":{client},"seq":{seq}}}'
    )
    assert backend.ask(frame.encode())["error"]["code"] == -32600
    assert backend.pings == 0


def test_a_long_name_is_refused(backend: Backend) -> None:
    """Names are kept, so they cost memory."""
    assert backend.ask(ping(1, "c" * 201, 1))["error"]["code"] == -32600


def test_an_error_of_one_call_is_that_calls_answer(backend: Backend) -> None:
    """The others of the batch go on."""
    frame = envelope.write_batch(
        [
            ping(0),
            envelope.write_call("fetch_error", {"task_id": "T"}, 1),
            envelope.write_call("graph", {}, 2),
            ping(3),
        ]
    )
    first, second, third, fourth = backend.ask(frame)
    assert first["result"]["pings"] == 1
    assert second["error"] == {
        "code": -32602,
        "message": "no such task",
        "data": {"type": "InvalidParamsError"},
    }
    assert third["error"]["code"] == -32603
    assert fourth["result"]["pings"] == 2


def test_an_own_bug_is_reported_and_not_told(backend: Backend) -> None:
    """The text of an unforeseen exception is for the log."""
    answer = backend.dispatcher.answer(envelope.write_call("get_work", {"worker": "w"}, 1))
    assert b"secret" not in answer
    assert json.loads(answer)["error"]["code"] == -32603
    assert [type(error) for error in backend.reports] == [KeyError]


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b" ",
        b"\xff\xfe",
        b"\x00" * 100,
        b"nul",
        b"[" * 200_000,
        b'{"jsonrpc":"2.0","method":"ping","params":' + b"[" * 200_000,
        b'{"jsonrpc":"2.0","method":"ping","params":'
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_000
        + b',"id":1}',
        b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"\xff"},"id":1}',
        b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"\\ud800"},"id":1}',
        b'[{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"id":1},'
        b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"\xff"},"id":1}]',
        b'{"jsonrpc":"2.0","method":"ping","params":{"worker":"w"},"id":1} x',
        b'{"jsonrpc":"2.0","method":"ping","params":{"worker":NaN},"id":1}',
    ],
)
def test_what_is_no_json_is_a_parse_error_and_has_no_effect(frame: bytes, backend: Backend) -> None:
    """Deep nesting and bad UTF-8 included, also inside of a batch."""
    answer = backend.ask(frame)
    assert answer["error"]["code"] == -32700
    assert answer["id"] is None
    assert backend.pings == 0
    assert backend.reports == []


@pytest.mark.parametrize("number", ["1e400", "9" * 1000, "-1e999"])
def test_a_huge_number_is_answered(number: str, backend: Backend) -> None:
    """With an error or not, but it is answered."""
    frame = f'{{"jsonrpc":"2.0","method":"add_task","params":{{"priority":{number}}},"id":1}}'
    assert "jsonrpc" in backend.ask(frame.encode())
    frame = f'{{"jsonrpc":"2.0","method":"ping","params":{{"worker":"w"}},"id":{number}}}'
    assert "jsonrpc" in backend.ask(frame.encode())
    assert backend.reports == []


def test_a_frame_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> None:
    """The message says how long is too long."""
    monkeypatch.setattr(envelope, "MAX_FRAME_BYTES", 50)
    answer = backend.ask(ping(1))
    assert answer["error"]["code"] == -32600
    assert "50" in answer["error"]["message"]


def test_a_batch_that_is_too_long_is_refused(backend: Backend) -> None:
    """A few bytes for each request, and hundreds for each answer."""
    answer = backend.ask(b"[" + b",".join([b"1"] * (envelope.MAX_BATCH + 1)) + b"]")
    assert answer["error"]["code"] == -32600
    answer = backend.ask(b"[" + b",".join([ping(1)] * (envelope.MAX_BATCH + 1)) + b"]")
    assert answer["error"]["code"] == -32600
    assert backend.pings == 0
