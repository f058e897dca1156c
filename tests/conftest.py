"""What all tests share."""

from __future__ import annotations

import os

# the processes that tests start share no state with each other, nor with the user of this machine
os.environ.setdefault("ACTORSCHED_STORE", "memory://")
