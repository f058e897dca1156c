"""The knobs of a simulation: one record, which says all of it together with the version of the code."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from actorsched.errors import ConfigError


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is simulated. Shares are from 0 to 1, rates are for each node and hour."""

    seed: int = 0
    #: how long the world is hostile, seconds of virtual time
    hostile_s: float = 600.0
    #: after that everything works, and whatever can end has to end within this, and what its runs take
    bound_s: float = 1200.0

    # -- the system
    #: workers that submit a part of the graph each, and run it
    workers: int = 3
    slots: int = 2
    #: workers that run what others registered, and come and go
    assistants: int = 1
    lease_s: float = 30.0
    retry_delay_s: float = 20.0
    #: how long programs wait for an answer; 0: for ever, as nodes do
    patience_s: float = 120.0
    #: a task that was disabled, because several workers in a row died with it, may run again after so long;
    #: a day where people do not say otherwise, which no simulation can wait for
    disable_s: float = 120.0

    # -- the workload
    tasks: int = 20
    #: chain, fan, diamonds, layers, random
    shape: str = "random"
    #: the longest run; the mean is a quarter of it
    duration_s: float = 60.0
    #: shares of all tasks
    failing: float = 0.0
    dying: float = 0.0
    hanging: float = 0.0
    dynamic: float = 0.0
    external: float = 0.0
    demanding: float = 0.0
    prioritised: float = 0.0
    #: tasks that are cancelled at some time, and submitted again
    cancels: int = 0

    #: programs wait for what is tried again later, and for what others do, as Luigi's with `keep_alive`
    keep_alive: bool = False

    # -- the network
    delay_ms: float = 5.0
    drop: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    #: the longest time on the way of a frame that is late
    late_s: float = 5.0
    queue: int = 1000
    partitions: float = 0.0

    # -- the machines
    crashes: float = 0.0
    pauses: float = 0.0
    #: of the child processes
    kills: float = 0.0
    #: starts of child processes that fail
    no_children: float = 0.0
    restarts: float = 0.0
    slow: float = 0.0
    #: how much faster or slower a monotonic clock may run, and how often a wall clock steps
    skew: float = 0.0
    steps: float = 0.0

    def describe(self) -> str:
        """What differs from the defaults, in one line."""
        said = [
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name == "seed" or getattr(self, name) != getattr(_DEFAULT, name)
        ]
        return " ".join(said)


_DEFAULT = Options()
SHAPES = ("chain", "fan", "diamonds", "layers", "random")


def options_of(seed: int, **fixed: Any) -> Options:
    """Draw options from a seed: each kind of trouble is on or off, and mild or heavy.

    Args:
        fixed: options that are not drawn.

    Raises:
        ConfigError: an unknown option.
    """
    for name in fixed:
        if name not in Options.__struct_fields__:
            raise ConfigError(
                f"unknown option {name!r} of a simulation; options: {', '.join(_DEFAULT.__struct_fields__)}"
            )
    die = random.Random(f"options {seed}")

    def share(of: float, most: float) -> float:
        return round(die.uniform(0, most), 3) if die.random() < of else 0.0

    drawn: dict[str, Any] = {
        "seed": seed,
        "hostile_s": float(die.choice((120, 300, 600, 1200))),
        "workers": die.randint(1, 4),
        "slots": die.randint(1, 4),
        "assistants": die.choice((0, 0, 1, 2)),
        "lease_s": float(die.choice((10, 30, 60))),
        "retry_delay_s": float(die.choice((5, 20, 60))),
        "tasks": die.choice((1, 3, 8, 20, 40)),
        "shape": die.choice(SHAPES),
        "duration_s": float(die.choice((1, 10, 60, 200))),
        "failing": share(0.4, 0.5),
        "dying": share(0.3, 0.3),
        "hanging": share(0.15, 0.1),
        "dynamic": share(0.3, 0.4),
        "external": share(0.3, 0.3),
        "demanding": share(0.5, 0.8),
        "prioritised": share(0.4, 0.8),
        "cancels": die.choice((0, 0, 0, 1, 3)),
        "delay_ms": float(die.choice((1, 5, 50, 500))),
        "drop": share(0.5, 0.2),
        "duplicate": share(0.5, 0.2),
        "late": share(0.4, 0.1),
        "queue": die.choice((1000, 1000, 1000, 1)),
        "partitions": share(0.5, 12),
        "crashes": share(0.5, 12),
        "pauses": share(0.4, 12),
        "kills": share(0.4, 30),
        "no_children": share(0.2, 0.3),
        "restarts": share(0.4, 12),
        "slow": share(0.2, 6),
        "skew": share(0.3, 0.05),
        "steps": share(0.2, 20),
        "keep_alive": die.random() < 0.25,
    }
    return Options(**(drawn | fixed))
