"""The hints of a remote scheduler: where they are given, and to whom of this process they matter.

There is one SUB socket, opened when a server has said where its hints are and somebody wants them. Hints
are never waited for, and nothing goes wrong without them. A server that came back at another address says
so when it is greeted, which the next ping does at the latest (`pinger.py`); one that came back at the same
address is found again by the socket itself.

A relay passes hints on. It does not know for whom, so it listens to all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pykka import ActorDeadError, ActorRef

from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.messages import Hints
from actorsched.errors import AddressError
from actorsched.transport.address import Address, parse_events
from actorsched.transport.pub import SubSocket

#: hints that are taken before the inbox gets a look
DRAIN = 100
#: begins the name of every worker
_ALL = ""


class Hearing:
    """Listens for the workers of a table.

    Args:
        table: whom to wake.
        open_socket: opens a socket for an address.
        close_socket: closes it.
    """

    def __init__(
        self,
        table: KeepAliveTable,
        open_socket: Callable[[Address], SubSocket],
        close_socket: Callable[[SubSocket], None],
    ) -> None:
        self._table = table
        self._open_socket = open_socket
        self._close_socket = close_socket
        self._place: Address | None = None
        self._socket: SubSocket | None = None
        self._subscribed: dict[str, None] = {}
        self._relays: list[ActorRef[Any]] = []

    def pass_on(self, relay: ActorRef[Any]) -> None:
        """Tell this actor all `Hints` from now on, for as long as it lives."""
        self._relays.append(relay)
        self.fit()

    def greeted(self, said: Mapping[str, Any], reached_at: Address) -> None:
        """A server said where it gives hints."""
        events = said.get("events")
        try:
            place = parse_events(events, reached_at) if isinstance(events, str) else None
        except AddressError:
            place = None
        if place != self._place:
            self.close()
            self._place = place
        self.fit()

    def fit(self) -> None:
        """Listen for those who are in the table, and for nobody else."""
        if self._place is None:
            return
        wanted = dict.fromkeys([_ALL] if self._relays else self._table.workers())
        if self._socket is None:
            if not wanted:
                return
            self._socket = self._open_socket(self._place)
        for worker in wanted:
            if worker not in self._subscribed:
                self._socket.subscribe(worker)
        for worker in self._subscribed:
            if worker not in wanted:
                self._socket.unsubscribe(worker)
        self._subscribed = wanted

    def hear(self, now: float) -> None:
        """Take what has come; the workers that it is for are woken, or their pings are due."""
        work: list[str] = []
        messages: list[str] = []
        for _ in range(DRAIN):
            hint = self._socket.receive() if self._socket is not None else None
            if hint is None:
                break
            worker, about = hint  # its name may only begin with that of one of ours: then it is none of them
            if about == "work":
                work.append(worker)
                self._table.wake(worker)
            elif about == "messages":
                messages.append(worker)
                self._table.hasten(worker, now)
        if self._relays and (work or messages):
            self._tell_relays(Hints(work=tuple(work), messages=tuple(messages)))

    def _tell_relays(self, hints: Hints) -> None:
        for relay in list(self._relays):
            try:
                relay.tell(hints)
            except ActorDeadError:
                self._relays.remove(relay)
                self.fit()

    def close(self) -> None:
        if self._socket is not None:
            self._close_socket(self._socket)
            self._socket = None
        self._subscribed = {}
