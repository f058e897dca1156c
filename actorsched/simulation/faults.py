"""What goes wrong, and when: a plan of faults that can be drawn, written down, played again and shrunk."""

from __future__ import annotations

import random
from typing import Literal, TypeAlias

import msgspec

from actorsched.simulation.options import Options

#: partition: nothing gets from or to the node; deafen, mute: one way only. pause: it stands still.
#: crash: all that runs on it is gone, and it starts again. kill: one of its child processes is gone.
#: slow: everything takes its time. step: its wall clock jumps. full: its disk is. power: a crash, and what
#: the disk has not synced is gone.
FaultKind: TypeAlias = Literal[
    "partition", "deafen", "mute", "pause", "crash", "kill", "slow", "step", "full", "power"
]

#: nodes of schedulers; the second one is the standby of the first
SCHEDULERS = ("scheduler", "standby")


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True):
    """One thing that goes wrong.

    Attributes:
        at_s: when, since the beginning.
        node: where.
        for_s: how long; of a step of the clock: how far.
    """

    at_s: float
    kind: FaultKind
    node: str
    for_s: float = 0.0


def draw_faults(options: Options, nodes: list[str]) -> list[Fault]:
    """Draw a plan from the rates of the options."""
    die = random.Random(f"faults {options.seed}")
    faults: list[Fault] = []

    def draw(
        rate: float, kinds: tuple[FaultKind, ...], names: list[str], shortest: float, longest: float
    ) -> None:
        if not rate:
            return
        for name in names:
            at = die.expovariate(rate / 3600)
            while at < options.hostile_s:
                length = shortest * (longest / shortest) ** die.random()
                faults.append(
                    Fault(at_s=round(at, 3), kind=die.choice(kinds), node=name, for_s=round(length, 3))
                )
                at += die.expovariate(rate / 3600)

    lease = options.lease_s
    others = [name for name in nodes if name not in SCHEDULERS]
    schedulers = [name for name in nodes if name in SCHEDULERS]
    draw(options.partitions, ("partition", "deafen", "mute"), nodes, 0.5, 4 * lease)
    draw(options.pauses, ("pause",), nodes, 0.1, 4 * lease)
    draw(options.crashes, ("crash",), others, 0.1, 4 * lease)
    draw(options.kills, ("kill",), others, 1, 2)
    draw(options.restarts, ("crash",), schedulers, 0.01, 3 * lease)
    draw(options.slow, ("slow",), nodes, 1, 2 * lease)
    draw(options.steps, ("step",), nodes, 1, 100_000)
    if options.store != "none":
        draw(options.full_disks, ("full",), schedulers[:1], 0.5, 2 * lease)
        draw(options.power_cuts, ("power",), schedulers, 0.01, 3 * lease)
    return sorted(faults, key=lambda fault: (fault.at_s, fault.kind, fault.node))
