"""When a failed task is tried again, and when no more.

After the n-th failure in a row a task waits

    min(retry_delay * retry_backoff ** (n - 1), retry_delay_max)

seconds; of that, up to the share `retry_jitter` is left out by chance, so that what failed together does
not come back together. As long as a task says nothing of that, it is Luigi's fixed `retry_delay`.

A success begins the count anew, and so does whoever enables the task again; the death of a worker is no
failure. The count is not that of the failures within `disable_window`: a delay longer than the window would
bring that back to one.

Chance is a hash of what failed (task, run, count), for the machine has no randomness: the same story has
the same delays, also when it is told by a machine that was restored in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from math import inf
from typing import Any, NamedTuple

from actorsched.errors import InvalidParamsError

#: no wait is longer than these 31 years; in Luigi's settings the number means "never", too
DELAY_MAX = 999_999_999.0


class RetryPolicy(NamedTuple):
    retry_count: float
    disable_hard_timeout: float
    disable_window: float
    #: negative: never; this and what follows is ours, where a task says it
    retry_delay: float
    retry_backoff: float = 1.0
    retry_delay_max: float = DELAY_MAX
    retry_jitter: float = 0.0

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after so many failures in a row; negative: for ever.

        Args:
            failures: 0 counts as 1.
            chance: from 0 to 1, see `chance_of`.
        """
        delay = self.retry_delay
        if delay <= 0:
            return delay
        if failures > 1 and self.retry_backoff != 1:
            try:
                delay *= float(self.retry_backoff) ** (failures - 1)
            except OverflowError:
                delay = inf
        return min(delay, self.retry_delay_max, DELAY_MAX) * (1.0 - self.retry_jitter * chance)


#: the fields that Luigi's clients and schedulers know
LUIGIS = RetryPolicy._fields[:3]

#: from where to where a number of a policy makes sense, and how that is said; others may be any number
_BOUNDS: dict[str, tuple[float, float, str]] = {
    "retry_backoff": (1.0, inf, "a number from 1 up is"),
    "retry_delay_max": (0.0, inf, "a number from 0 up is"),
    "retry_jitter": (0.0, 1.0, "a number from 0 to 1 is"),
}


def fault(name: str, value: object) -> str | None:
    """What is expected of this field of a policy, when the value is not it: "a number is"."""
    least, most, wanted = _BOUNDS.get(name, (-inf, inf, "a number is"))
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        return wanted  # not-a-number is not in order with anything
    return None


def said_of(wanted: Mapping[str, Any]) -> dict[str, float]:
    """The fields of a policy that a client says; None says nothing, and other names are ignored.

    Raises:
        InvalidParamsError: a value that makes no sense.
    """
    said = {name: wanted[name] for name in RetryPolicy._fields if wanted.get(name) is not None}
    for name, value in said.items():
        wrong = fault(name, value)
        if wrong is not None:
            raise InvalidParamsError(f"retry_policy_dict: {name}={value!r}: {wrong} expected")
    return said


def chance_of(task_id: str, run_id: str | None, failures: int) -> float:
    """From 0 up to, not including, 1: as good as random, and always the same for the same failure."""
    digest = blake2b(f"{task_id}\0{run_id}\0{failures}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56
