"""What tasks need of the resources, and what there is.

Demands are interned: tasks that ask for the same share one `Demand`, and so one class of the ready
queue. A resource without a configured amount has 1, as in Luigi. What some worker cannot load has a demand of
its own (origin.py), and so a class of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from weakref import WeakValueDictionary

from actorsched.core.origin import Origin

#: what a resource has when nobody configured it (Luigi's rule)
UNCONFIGURED = 1


class Demand:
    __slots__ = ("__weakref__", "impossible", "needs", "origin")

    def __init__(self, needs: dict[str, float], origin: Origin | None = None) -> None:
        #: never changed after construction
        self.needs = needs
        #: what a worker has to have; None: nobody has said that it lacks it
        self.origin = origin
        #: more than there is, even if nothing else runs
        self.impossible = False

    def __repr__(self) -> str:
        return f"<needs {self.needs}>"


def _exact(amount: float) -> int | Fraction:
    """A number that can be added and taken away again without a trace: 0.1 + 0.2 - 0.2 is not 0.1."""
    return amount if isinstance(amount, int) else Fraction(amount)


class Resources:
    """Capacities, the demands against them, and what live runs take."""

    def __init__(self, capacities: Mapping[str, int] | None) -> None:
        self.capacities: dict[str, int] = dict(capacities or {})
        #: exact sums, see `_exact`; names that nothing takes from are missing
        self.used: dict[str, int | Fraction] = {}
        #: there is more to take than when somebody was last woken (waking.py)
        self.freed = False
        self.nothing = Demand({})
        self._demands: WeakValueDictionary[tuple[tuple[tuple[str, float], ...], Origin | None], Demand] = (
            WeakValueDictionary()
        )

    def demand(self, needs: Mapping[str, float] | None, origin: Origin | None = None) -> Demand:
        if not needs and origin is None:
            return self.nothing
        key = tuple(sorted(needs.items())) if needs else (), origin
        found = self._demands.get(key)
        if found is None:
            found = self._demands[key] = Demand(dict(needs or {}), origin)
            found.impossible = not self.fits(found, {})
        return found

    def capacity(self, name: str) -> int:
        return self.capacities.get(name, UNCONFIGURED)

    def fits(self, demand: Demand, taken: Mapping[str, float | Fraction]) -> bool:
        """Whether the demand can be met when so much is taken already."""
        capacities = self.capacities
        for name, amount in demand.needs.items():
            if amount + taken.get(name, 0) > capacities.get(name, UNCONFIGURED):
                return False
        return True

    def charge(self, needs: Mapping[str, float]) -> None:
        used = self.used
        for name, amount in needs.items():
            if amount:  # a run may have given back all of it
                used[name] = used.get(name, 0) + _exact(amount)

    def release(self, needs: Mapping[str, float]) -> None:
        """Take back what was charged; when all is back, nothing is left, whatever the order."""
        used = self.used
        if needs:
            self.freed = True
        for name, amount in needs.items():
            if amount:
                left = used[name] - _exact(amount)
                if left:
                    used[name] = left
                else:
                    del used[name]

    def configure(self, capacities: Mapping[str, int]) -> list[Demand]:
        """Set capacities.

        Returns:
            the demands that became possible or impossible by it.
        """
        self.capacities.update(capacities)
        self.freed = True
        flipped = []
        for demand in list(self._demands.values()):
            impossible = not self.fits(demand, {})
            if impossible != demand.impossible:
                demand.impossible = impossible
                flipped.append(demand)
        return flipped
