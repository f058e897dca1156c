"""Lanes: connections that an actor lends to the threads of its callers, for one question at a time.

A question to an actor wakes its thread, and the answer wakes the caller's: two changes of threads, which cost
more than all the rest of a call through the loopback. So the actor of a remote scheduler keeps some lanes
beside its own connection. Who wants to call takes one, asks through it in his own thread, and gives it
back. A lane has an owner at every moment, the one who took it, and nobody ever waits for one: where none is
left (another thread has it, or a signal handler calls in the middle of a call of its own thread), the actor
is asked.

A lane is for when all goes well. It makes one attempt; if that was in vain, the actor takes over with the
very same frame, and with it all patience (`Resume`). Until that frame has its answer the lane is lent to
nobody, because its next frame has the next number, and would make this one a late copy. Until the actor has
had an answer no lane is lent at all, and the first call of all is the actor's as well: who calls once makes
one connection.

Where a lane cannot even be connected (the scheduler may have no more room for connections), it rests for a
while: each call would else wait for that in vain, before the actor makes it through its own connection.

An exception in the middle, as a signal raises it, closes the connection of the lane; the next call opens
another. What a frame that was given up has done is unknown, as with any other client; it counts up, so that a
late copy of it can do nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any

from pykka import ActorRef

from actorsched.actors.conversation import Conversation
from actorsched.actors.messages import Call, Resume
from actorsched.actors.patience import NoAnswerError
from actorsched.actors.question import answer_to, write_question

#: threads that can ask at the same time without the actor; each lane that is used is a connection
LANES = 4
#: seconds
REST_S = 60.0


class Lane:
    """Belongs to whoever took it.

    Args:
        conversation: of its own.
        client: the name under which its frames are numbered; no other frame may have it.
        timeout_s: how long an answer may take.
        now: a monotonic clock.
    """

    def __init__(
        self, conversation: Conversation, client: str, timeout_s: float, now: Callable[[], float]
    ) -> None:
        self._conversation = conversation
        self._client = client
        self._timeout_s = timeout_s
        self._now = now
        self._seq = 0
        self._rests_until = -inf

    @property
    def rests(self) -> bool:
        """Whether it is of no use at present."""
        return self._rests_until > -inf and self._now() < self._rests_until

    def ask(self, method: str, params: Mapping[str, Any], endpoint: int) -> Any | Resume:
        """The result of a call, or how the actor is to go on with it.

        Raises:
            Exception: what the call, or the connection, ends with.
        """
        conversation = self._conversation
        is_new = conversation.socket is None
        if is_new:
            conversation.current = endpoint
        self._seq = seq = self._seq + 1
        frame = write_question(method, params, seq, self._client, seq)
        since = self._now()
        try:
            response = conversation.attempt(frame, self._timeout_s)
        except NoAnswerError as error:
            if is_new and type(error) is NoAnswerError:  # and not one who said that he cannot serve now
                self._rests_until = self._now() + REST_S
            return Resume(frame=frame, number=seq, since=since, noticed=self._now(), failure=error)
        return answer_to(response, seq, conversation.url)

    def close(self) -> None:
        self._conversation.close()


class Lanes:
    """Those of one actor. It makes them, says where they lead, and closes them; any thread may call.

    Attributes:
        closed: whether they are not lent any more; who has one finds it out while waiting.
    """

    def __init__(self) -> None:
        self.closed = False
        self._endpoint: int | None = None
        # the last one that came back is the next to go: one thread uses one lane
        self._free: deque[Lane] = deque()

    def fill(self, lanes: Iterable[Lane]) -> None:
        self._free.extend(lanes)

    def lead_to(self, endpoint: int) -> None:
        """Lend from now on: there are answers at the endpoint of this number."""
        self._endpoint = endpoint

    def close(self) -> None:
        """Lend no more; those that are lent are closed when they come back."""
        self.closed = True
        self._endpoint = None
        while self._free:
            try:
                lane = self._free.pop()
            except IndexError:  # somebody closes what he brought back
                return
            lane.close()

    def call(self, ref: ActorRef[Any], method: str, params: Mapping[str, Any]) -> Any:
        """Make a call, through a lane if there is one, else through the actor, whose lanes these are."""
        endpoint = self._endpoint
        if endpoint is None or not ref.is_alive():
            return ref.ask(Call(method=method, params=params))
        try:
            lane = self._free.pop()
        except IndexError:
            return ref.ask(Call(method=method, params=params))
        try:
            if lane.rests:
                return ref.ask(Call(method=method, params=params))
            result = lane.ask(method, params, endpoint)
            if type(result) is Resume:
                self._endpoint = None
                result = ref.ask(result)
            return result
        finally:
            self._free.append(lane)
            if self.closed:
                self.close()
