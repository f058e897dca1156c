"""A moment, read from two clocks."""

from __future__ import annotations

from typing import NamedTuple


class Instant(NamedTuple):
    """One reading of the clocks, handed to the machine with every call.

    `monotonic` decides: every deadline, lease and window is measured with it. `wall` is only shown
    to people. Both are seconds; `wall` counts from 1970.
    """

    monotonic: float
    wall: float
