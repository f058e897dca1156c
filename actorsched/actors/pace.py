"""How many runs a slot may hold at a time, from how long runs took lately. No actor, no clock.

A worker that hands its slots one run at a time asks the scheduler once for each. When runs take a
millisecond, most of the time goes into asking. So a slot of a worker with short runs also holds a few
that wait for their turn; what is ready is then handed out, and reported, by the handful.

A run that waits is lost to all other workers, so only as many wait as are over in a moment, and the slot
gives them back when a run before them takes longer than expected (slot.py). One long run is enough to
stop it: what matters is not the mean but what may come.
"""

from __future__ import annotations

#: seconds of work that may wait in front of a slot. A question and its answer take well below a
#: millisecond in one process, and about one through a network.
AHEAD_S = 0.005
#: runs that one slot may hold, however short they are; with fewer, asking costs a tenth of a tiny run
HELD_MAX = 64
#: weight of the last run in the mean; a longer one than the mean counts in full
SMOOTHING = 0.2


class Pace:
    """Watches the runs of one worker."""

    def __init__(self) -> None:
        self._run_s = AHEAD_S  # nothing is known: nothing waits
        #: how many runs a slot may hold, the one that is on included
        self.depth = 1

    def doubt(self) -> None:
        """A run came back because another takes long, or was lost: let none wait until one has ended.

        Else what came back would be asked for again at once, wait behind the same long run, and come back.
        """
        self._run_s = AHEAD_S
        self.depth = 1

    def note(self, elapsed_s: float) -> None:
        """A run has ended after so many seconds."""
        mean_s = self._run_s
        self._run_s = elapsed_s if elapsed_s > mean_s else mean_s + SMOOTHING * (elapsed_s - mean_s)
        self.depth = max(1, min(HELD_MAX, int(AHEAD_S / max(self._run_s, 1e-6))))
