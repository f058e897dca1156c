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
from actorsched.errors import ConfigError

#: heartbeats within a lease, at least: two may get lost
BEATS_PER_LEASE = 3


def refuse_interval(interval_s: float | None, lease_s: float) -> None:
    """Say no to a wish for heartbeats that come too late; None is no wish.

    Raises:
        ConfigError: the interval is longer than a third of the lease.
    """
    longest_s = lease_s / BEATS_PER_LEASE
    if interval_s is not None and interval_s > longest_s * (1 + 1e-9):
        raise ConfigError(
            f"setting ping_interval={interval_s:g} of this worker: the scheduler gives a worker up that is"
            f" silent for {lease_s:g} s, so it must be {longest_s:.3g} or less; or let the scheduler have a"
            f" worker_disconnect_delay of {interval_s * BEATS_PER_LEASE:g} or more, or say nothing of either"
        )


class KeepAliveTable:
    """Workers by name, each with its interval and the moment of its next ping."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[KeepAlive, float]] = {}
        self._lease_s = math.inf
        self._served: dict[str, None] = {}  # workers that the scheduler has begun to serve

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, keep_alive: KeepAlive, now: float) -> None:
        """Ping for this worker from now on; the first time after one interval. Replaces an older wish."""
        self._entries[keep_alive.worker] = (keep_alive, now + self._interval(keep_alive))

    def limit(self, lease_s: float, now: float) -> None:
        """Leases are so long, so let no interval be longer than a part of that, whatever was wished for.

        A wish that cannot be met is refused by `check`, before its worker has said anything. One that could,
        and that a scheduler with shorter leases does not allow any more, ends no worker.
        """
        self._lease_s = lease_s
        longest_s = lease_s / BEATS_PER_LEASE
        for worker, (keep_alive, at) in list(self._entries.items()):
            self._entries[worker] = (keep_alive, min(at, now + longest_s))

    def check(self, listener: Any) -> None:
        """Look whether the workers of a listener can be kept alive as they wish; once for each of them.

        Raises:
            ConfigError: they cannot.
        """
        for worker, (keep_alive, _) in self._entries.items():
            if keep_alive.listener == listener and worker not in self._served:
                if keep_alive.wished:
                    refuse_interval(keep_alive.interval_s, self._lease_s)
                if self._lease_s < math.inf:
                    self._served[worker] = None

    def _interval(self, keep_alive: KeepAlive) -> float:
        return min(keep_alive.interval_s, self._lease_s / BEATS_PER_LEASE)

    def remove(self, worker: str) -> None:
        """Ping for this worker no more; does nothing for one that is not there."""
        self._entries.pop(worker, None)
        self._served.pop(worker, None)

    def due(self, now: float) -> list[KeepAlive]:
        """Take those whose time has come, and set their next time to one interval from now.

        A worker whose listener has ended is dropped here.
        """
        due = []
        for worker, (keep_alive, at) in list(self._entries.items()):
            if at > now:
                continue
            if keep_alive.listener is not None and not keep_alive.listener.is_alive():
                self.remove(worker)
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
