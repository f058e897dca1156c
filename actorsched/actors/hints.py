"""The hints of a remote scheduler: where they are given, and to whom of this process they matter.

There is one SUB socket, opened when a server has said where its hints are and somebody wants them. Hints
are never waited for, and nothing goes wrong without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.errors import AddressError
from actorsched.transport.address import Address, parse_events
from actorsched.transport.pub import SubSocket

#: hints that are taken before the inbox gets a look
DRAIN = 100


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
        wanted = dict.fromkeys(self._table.workers())
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
        for _ in range(DRAIN):
            hint = self._socket.receive() if self._socket is not None else None
            if hint is None:
                return
            worker, about = hint
            if worker not in self._subscribed:  # it only begins with the name of one of ours
                continue
            if about == "work":
                self._table.wake(worker)
            elif about == "messages":
                self._table.hasten(worker, now)

    def close(self) -> None:
        if self._socket is not None:
            self._close_socket(self._socket)
            self._socket = None
        self._subscribed = {}
