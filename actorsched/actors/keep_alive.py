"""Who is to be pinged for, and when: the part of keep-alive that the scheduler actors share.

The table knows no clock and no scheduler: times are handed to it, and whoever owns it makes the pings
and hands back what they brought.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pykka import ActorDeadError

from actorsched.actors.messages import Heard, KeepAlive, WakeUp


class KeepAliveTable:
    """Workers by name, each with its interval and the moment of its next ping."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[KeepAlive, float]] = {}
        self._longest_s = math.inf

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, keep_alive: KeepAlive, now: float) -> None:
        """Ping for this worker from now on; the first time after one interval. Replaces an older wish."""
        self._entries[keep_alive.worker] = (keep_alive, now + self._interval(keep_alive))

    def limit(self, longest_s: float, now: float) -> None:
        """Let no interval be longer than this, whatever was wished for: a lease depends on it."""
        self._longest_s = longest_s
        for worker, (keep_alive, at) in list(self._entries.items()):
            self._entries[worker] = (keep_alive, min(at, now + longest_s))

    def _interval(self, keep_alive: KeepAlive) -> float:
        return min(keep_alive.interval_s, self._longest_s)

    def remove(self, worker: str) -> None:
        """Ping for this worker no more; does nothing for one that is not there."""
        self._entries.pop(worker, None)

    def due(self, now: float) -> list[KeepAlive]:
        """Take those whose time has come, and set their next time to one interval from now.

        A worker whose listener has ended is dropped here.
        """
        due = []
        for worker, (keep_alive, at) in list(self._entries.items()):
            if at > now:
                continue
            if keep_alive.listener is not None and not keep_alive.listener.is_alive():
                del self._entries[worker]
                continue
            self._entries[worker] = (keep_alive, now + self._interval(keep_alive))
            due.append(keep_alive)
        return due

    def next_due(self, now: float) -> float | None:
        """Seconds until the next ping, 0 if it is late, None if there is nobody to ping for."""
        if not self._entries:
            return None
        return max(0.0, min(at for _, at in self._entries.values()) - now)

    def wake(self, worker: str) -> None:
        """Tell the listener of a worker that it is worth asking; does nothing for one that is not there."""
        entry = self._entries.get(worker)
        if entry is not None and entry[0].listener is not None:
            try:
                entry[0].listener.tell(WakeUp(worker=worker))
            except ActorDeadError:
                self.remove(worker)

    def hasten(self, worker: str, now: float) -> None:
        """The next ping for a worker is due now: there is something to fetch."""
        if worker in self._entries:
            self._entries[worker] = (self._entries[worker][0], now)

    def workers(self) -> list[str]:
        """For whom there are pings."""
        return list(self._entries)

    def deliver(self, keep_alive: KeepAlive, reply: Mapping[str, Any]) -> None:
        """Hand what a ping brought to the listener of its worker, if there is something to hear."""
        if keep_alive.listener is None:
            return
        messages = tuple(reply.get("rpc_messages") or ())
        known = bool(reply.get("known", True))
        if messages or not known:
            try:
                keep_alive.listener.tell(Heard(worker=keep_alive.worker, rpc_messages=messages, known=known))
            except ActorDeadError:
                self.remove(keep_alive.worker)
