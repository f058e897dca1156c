"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from actorsched.actors.log import log

# the processes that tests start share no state with each other, nor with the user of this machine
os.environ.setdefault("ACTORSCHED_STORE", "memory://")

# a program that was started in the background ignores it, and so would all that tests start
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_chosen_log() -> Iterator[None]:
    """A command that was carried out in this process has chosen where its lines go, or a test has."""
    yield
    log.use(None)
    if "structlog" in sys.modules:
        sys.modules["structlog"].reset_defaults()
