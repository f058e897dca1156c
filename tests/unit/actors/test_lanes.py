"""Who has a lane, and for how long."""

from __future__ import annotations

import json
from typing import Any

from actorsched.actors import lanes
from actorsched.actors.lanes import Lanes
from actorsched.actors.messages import Call, Resume
from actorsched.actors.patience import NoAnswerError
from actorsched.rpc.envelope import Response


class Lane:
    """Its first attempt is in vain."""

    rests = False

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, method: str, params: Any, endpoint: int) -> Any:
        self.asked.append(method)
        if len(self.asked) > 1:
            return "by the lane"
        return Resume(frame=b"", number=1, since=0.0, noticed=0.0, failure=NoAnswerError("none"))

    def close(self) -> None: ...


class Ref:
    """An actor that has answers again, for somebody else, before it goes on with what is to be resumed."""

    def __init__(self, lanes: Lanes) -> None:
        self.asked: list[object] = []
        self.between: list[Any] = []
        self._lanes = lanes

    def is_alive(self) -> bool:
        return True

    def ask(self, message: object) -> Any:
        self.asked.append(message)
        if isinstance(message, Resume):
            self._lanes.lead_to(0)
            self.between.append(self._lanes.call(self, "other", {}))  # type: ignore[arg-type]
        return "by the actor"


def test_a_lane_whose_frame_is_sent_again_is_lent_to_nobody() -> None:
    """Its next frame has the next number: if that was answered first, the one before would be refused."""
    lane, lanes = Lane(), Lanes()
    ref = Ref(lanes)
    lanes.fill([lane])  # type: ignore[list-item]
    lanes.lead_to(0)
    assert lanes.call(ref, "first", {}) == "by the actor"  # type: ignore[arg-type]
    assert ref.between == ["by the actor"]
    assert isinstance(ref.asked[1], Call)
    assert lane.asked == ["first"]
    assert lanes.call(ref, "later", {}) == "by the lane"  # type: ignore[arg-type]


class Conversation:
    """One whose connection cannot be made, as long as `full`."""

    url = "tcp://there"
    current = 0

    def __init__(self) -> None:
        self.socket: object = None
        self.full = True
        self.attempts = 0

    def attempt(self, frame: bytes, timeout_s: float) -> Any:
        self.attempts += 1
        if self.full:
            raise NoAnswerError("no connection")
        self.socket = "open"
        return Response(jsonrpc="2.0", id=json.loads(frame)["id"], result="by the lane")


def test_a_lane_that_cannot_be_connected_rests() -> None:
    """Each call would wait for it; the actor has its connection already."""
    now = [0.0]
    conversation: Any = Conversation()
    lent = Lanes()
    ref: Any = Ref(lent)
    lent.fill([lanes.Lane(conversation, "me/0", 10.0, lambda: now[0])])
    for _ in range(3):
        lent.lead_to(0)
        assert lent.call(ref, "ping", {}) == "by the actor"
    assert conversation.attempts == 1
    now[0] += lanes.REST_S
    conversation.full = False
    lent.lead_to(0)
    assert lent.call(ref, "ping", {}) == "by the lane"
    conversation.full = True  # a connection that breaks is no reason to rest
    assert lent.call(ref, "ping", {}) == "by the actor"
    conversation.full = False
    lent.lead_to(0)
    assert lent.call(ref, "ping", {}) == "by the lane"
