"""How many files the children of a worker may keep open in its process, of those that it may have at all.

Each child takes a socket, a status pipe, the two ends of its shelf, and pipes for its output: one for the
present run, and one for each that may lie ready. That makes thirteen, and six where they are scarce.

What a process may have is mostly a low number for the sake of old programs (1024) and may be raised up to a
high one. That is done here when a quarter is in use, and not before; tasks get what the process had before.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource

from actorsched.children.shelf import ROOM_MAX
from actorsched.errors import ConfigError

#: pipes for the output of a child: one for the present run, and one for each that may lie ready
N_LOGS_MAX = ROOM_MAX + 1
#: the least of them, where descriptors are scarce
N_LOGS_MIN = 2
#: what a slot needs where they are scarce: its child's six, what wakes it up, and the log of its run
PER_SLOT_MIN = 8
#: what the rest of the process has: a worker with its scheduler and its store was seen to have 24
REST = 24
#: kept free for what the rest opens for a moment
RESERVE = 32

#: stands for no limit
UNLIMITED = 1 << 62


def _limits() -> tuple[int, int]:
    """What this process may have, and what it may ask for."""
    soft, hard = (
        UNLIMITED if each == resource.RLIM_INFINITY else each
        for each in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    return soft, hard


#: what this process had before more was asked for here; 0: nothing was
_had = 0


def files_max() -> int:
    """How many a task may have: as many as this process, but for what was asked for here."""
    return _had or _limits()[0]


def in_plenty(descriptor: int) -> bool:
    """Whether a child that was just given this one may have more than it needs.

    The lowest that is free is given out. So what is given out in plenty takes no more than the lowest
    quarter, and the rest lasts for twice as many children, and for whatever else the process opens.
    """
    allowed, hard = _limits()
    if descriptor >= allowed // 4 and allowed < hard:
        global _had
        _had = files_max()
        allowed = allow(min(4 * allowed, hard))
    return descriptor < allowed // 4


def leave_some(descriptor: int) -> None:
    """Refuse this one to a child when it is one of the last.

    Raises:
        OSError: it is; what is left belongs to the rest of the process.
    """
    allowed = _limits()[0]
    if descriptor >= allowed - RESERVE:
        raise OSError(errno.EMFILE, f"{os.strerror(errno.EMFILE)} (of {allowed}, see ulimit -n)")


def allow(wanted: int) -> int:
    """Let this process have so many, as far as it may ask for them; returns how many it may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = min(wanted, _limits()[1])
    with contextlib.suppress(ValueError, OSError):  # a system may have a lower limit than it tells
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (resource.RLIM_INFINITY if wanted == UNLIMITED else wanted, hard)
        )
    return _limits()[0]


def check_slots(slots: int) -> None:
    """See whether this process may have enough for so many slots.

    Raises:
        ConfigError: it may not.
    """
    hard = _limits()[1]
    # an eighth is what the first ones have in plenty
    slots_max = (hard - hard // 8 - RESERVE - REST) // PER_SLOT_MIN
    if slots > slots_max:
        raise ConfigError(
            f"worker_processes={slots}: {hard} open files, as many as this process may have (ulimit -Hn), are"
            f" enough for {max(0, slots_max)}; allow it more, or have fewer worker processes"
        )
