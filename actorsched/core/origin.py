"""Where the code of tasks comes from that some worker cannot load: one module and family.

A worker that is given a task of somebody else's may lack its module, or may not import it. It gives the run
back and says why (`declined`), and that is remembered here: tasks of this module and family wait in classes
of their own from then on (demands.py, ready.py), which the worker passes by. So a request costs nothing more
than one look for each class, and as long as nobody has declined anything there are no more classes than ever.

It is remembered in memory only, and for a while: what was missing may have been installed. What was
forgotten too early costs one more run that is given back.
"""

from __future__ import annotations

#: so long a worker is not asked again, seconds; with a thousand nodes that lack a hundred families each, this
#: makes some 150 runs a second that are given back
DECLINED_S = 600.0
#: when all have declined, everybody is asked anew after so long: runs that were under way at that moment are
#: declined, too, and are to end with the others
AGAIN_S = 5.0


class Origin:
    __slots__ = ("declined",)

    def __init__(self) -> None:
        #: worker → why it cannot, in one line, and until when (monotonic) it is not asked again
        self.declined: dict[str, tuple[str, float]] = {}

    def is_declined_by(self, worker_id: str, at: float) -> bool:
        """Whether this worker is not to be asked at this time (monotonic)."""
        said = self.declined.get(worker_id)
        return said is not None and at < said[1]
