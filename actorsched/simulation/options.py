"""The knobs of a simulation: one record, which says all of it together with the version of the code.

What a knob means, where it belongs and what it may be stands at its field, for the flags of the command
`simulate`, for its documentation, and for cases that are read from files.
"""

from __future__ import annotations

import random
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec

from actorsched.errors import ConfigError
from actorsched.simulation.knobs import choice, knob, rate, share

Shape: TypeAlias = Literal["chain", "fan", "diamonds", "layers", "random"]
SHAPES: tuple[Shape, ...] = get_args(Shape)

TIME, SYSTEM, WORK, NETWORK, MACHINES, STORE = "Time", "System", "Tasks", "Network", "Machines", "Store"

#: smaller seeds draw none of what came later (stores, batches, uneven links): they stay what they were
FIRST_FULL = 1_000_000
#: and those below this draw no batches of tasks that need resources
FIRST_BATCHES_WITH_RESOURCES = 1_010_000
#: nor those below this a history
FIRST_WITH_HISTORY = 1_030_000
#: nor those below this runs that are so short that work is handed out in advance
FIRST_HASTY = 1_040_000
#: the longest of them, as short as can be, so that several wait in the slots of their worker
HASTY_S = 0.001
#: all is over soon, so more has to go wrong in the same time
HASTY_RATES = dict.fromkeys(("partitions", "crashes", "pauses", "kills", "restarts", "slow"), 30.0)
#: nor those below this goodbyes, nor so many workers and such slow commits that frames wait, and are
#: committed as one
FIRST_CROWDED = 1_050_000
#: nor those below this assistants that can import nothing
FIRST_BARE = 1_100_000
#: nor those below this tasks that take a machine down, or that are disabled for their failures
FIRST_DEADLY = 1_300_000


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, repr_omit_defaults=True):
    """What is simulated. Shares are from 0 to 1, rates are for each node and hour."""

    seed: Annotated[int, choice(TIME, "Everything that is left to chance follows from it.")] = 0
    hostile_s: Annotated[float, knob(TIME, "The world is hostile for so long.", "SECONDS")] = 600.0
    bound_s: Annotated[
        float,
        knob(TIME, "Then it is healed, and all has to end within this and what its runs take.", "SECONDS"),
    ] = 1200.0

    workers: Annotated[
        int, knob(SYSTEM, "Workers that submit a part of the graph each, and run it.", "N", 1)
    ] = 3
    slots: Annotated[int, knob(SYSTEM, "Tasks that each worker runs at the same time.", "N", 1)] = 2
    assistants: Annotated[
        int, knob(SYSTEM, "Workers that run what others registered, and come and go.", "N")
    ] = 1
    bare: Annotated[
        float, share(SYSTEM, "Stays of assistants that can import nothing of what others registered.")
    ] = 0.0
    strangers: Annotated[
        int, knob(SYSTEM, "Clients that send what is no request, or what cannot be stored.", "N")
    ] = 0
    goodbyes: Annotated[bool, choice(SYSTEM, "Programs that end say goodbye to the scheduler.")] = False
    lease_s: Annotated[
        float, knob(SYSTEM, "A worker that is silent for so long is given up.", "SECONDS", 1)
    ] = 30.0
    retry_delay_s: Annotated[
        float, knob(SYSTEM, "A failed task is tried again after this long.", "SECONDS")
    ] = 20.0
    patience_s: Annotated[
        float, knob(SYSTEM, "Programs wait so long for an answer; 0: for ever, as nodes do.", "SECONDS")
    ] = 120.0
    # a day where people do not say otherwise, which no simulation can wait for
    disable_s: Annotated[
        float,
        knob(
            SYSTEM,
            "A task that is disabled, as several workers in a row died, is so for this long.",
            "SECONDS",
        ),
    ] = 120.0

    tasks: Annotated[int, knob(WORK, "Tasks in the graph.", "N", 1)] = 20
    shape: Annotated[Shape, choice(WORK, "What needs what.")] = "random"
    duration_s: Annotated[
        float, knob(WORK, "The longest run; the mean is a quarter of it.", "SECONDS", 0.001)
    ] = 60.0
    failing: Annotated[float, share(WORK, "Tasks that fail, exit or lie before they end well.")] = 0.0
    dying: Annotated[float, share(WORK, "Tasks whose process dies before they end well.")] = 0.0
    hanging: Annotated[float, share(WORK, "Tasks of which one run hangs.")] = 0.0
    dynamic: Annotated[float, share(WORK, "Tasks that find out while they run what else they need.")] = 0.0
    deadly: Annotated[
        float, share(WORK, "Tasks that take the machine of their worker down before they end well.")
    ] = 0.0
    limited: Annotated[float, share(WORK, "Tasks that are disabled after one failure or two.")] = 0.0
    external: Annotated[float, share(WORK, "Tasks without requirements that appear by themselves.")] = 0.0
    demanding: Annotated[float, share(WORK, "Tasks that need a resource.")] = 0.0
    prioritised: Annotated[float, share(WORK, "Tasks with a priority.")] = 0.0
    batched: Annotated[float, share(WORK, "Tasks that may run in one batch with others.")] = 0.0
    cancels: Annotated[int, knob(WORK, "Cancellations; who wants the task submits it again.", "N")] = 0
    keep_alive: Annotated[
        bool, choice(WORK, "Programs wait for what is tried again later, and for what others do.")
    ] = False

    delay_ms: Annotated[float, knob(NETWORK, "The longest time of a frame on its way.", "MILLISECONDS")] = 5.0
    drop: Annotated[float, share(NETWORK, "Frames that are lost, half of them with their connection.")] = 0.0
    duplicate: Annotated[float, share(NETWORK, "Frames that arrive twice.")] = 0.0
    late: Annotated[float, share(NETWORK, "Frames that are late.")] = 0.0
    late_s: Annotated[float, knob(NETWORK, "The longest time on its way of a late frame.", "SECONDS")] = 5.0
    queue: Annotated[int, knob(NETWORK, "Frames that can wait at the scheduler.", "N", 1)] = 1000
    uneven: Annotated[
        float, knob(NETWORK, "Some links are up to so many times slower than others.", "TIMES", 1)
    ] = 1.0
    partitions: Annotated[float, rate(NETWORK, "Partitions, of one direction or both.")] = 0.0

    crashes: Annotated[float, rate(MACHINES, "Crashes of workers.")] = 0.0
    pauses: Annotated[float, rate(MACHINES, "Nodes that stand still for a while.")] = 0.0
    kills: Annotated[float, rate(MACHINES, "Child processes that are killed.")] = 0.0
    no_children: Annotated[float, share(MACHINES, "Starts of child processes that fail.")] = 0.0
    restarts: Annotated[float, rate(MACHINES, "Crashes of the scheduler.")] = 0.0
    slow: Annotated[float, rate(MACHINES, "Nodes on which everything takes its time for a while.")] = 0.0
    skew: Annotated[
        float, share(MACHINES, "How much faster or slower a monotonic clock may run.", most=0.5)
    ] = 0.0
    steps: Annotated[float, rate(MACHINES, "Jumps of wall clocks.")] = 0.0

    store: Annotated[
        Literal["none", "normal", "full"],
        choice(STORE, "What the scheduler keeps of its state, and how safely."),
    ] = "none"
    standby: Annotated[bool, choice(STORE, "A second scheduler waits for the place of the first.")] = False
    commit_ms: Annotated[float, knob(STORE, "The longest time that a commit takes.", "MILLISECONDS")] = 0.0
    failing_commits: Annotated[
        float, share(STORE, "Commits that fail, half of them after they took effect.")
    ] = 0.0
    full_disks: Annotated[float, rate(STORE, "Times in which nothing can be written.")] = 0.0
    power_cuts: Annotated[float, rate(STORE, "Crashes that take with them what is not synced.")] = 0.0
    history: Annotated[bool, choice(STORE, "There is a history of the runs beside the state.")] = False

    def describe(self) -> str:
        """What differs from the defaults, in one line."""
        said = [
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name == "seed" or getattr(self, name) != getattr(_DEFAULT, name)
        ]
        return " ".join(said)


_DEFAULT = Options()


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
    if seed >= FIRST_FULL:
        drawn |= _draw_more(seed)
        # a second there and a second back; with more no heartbeat can be in time
        drawn["uneven"] = min(drawn["uneven"], max(1.0, 1000 / drawn["delay_ms"]))
    if seed >= FIRST_HASTY:
        drawn |= _draw_haste(seed, drawn)
    if seed >= FIRST_CROWDED:
        drawn |= {"goodbyes": random.Random(f"goodbyes {seed}").random() < 0.8, **_draw_crowd(seed)}
    if seed >= FIRST_BARE:
        drawn["bare"] = random.Random(f"bare {seed}").choice((0.0, 0.0, 0.5, 1.0))
    if seed >= FIRST_DEADLY:
        die = random.Random(f"deadly {seed}")
        drawn["deadly"] = round(die.uniform(0, 0.3), 3) if die.random() < 0.3 else 0.0
        drawn["limited"] = round(die.uniform(0, 0.8), 3) if die.random() < 0.4 else 0.0
    return Options(**(drawn | fixed))


def _draw_more(seed: int) -> dict[str, Any]:
    """What the first seeds knew nothing of, from a stream of its own."""
    die = random.Random(f"more options {seed}")

    def share(of: float, most: float) -> float:
        return round(die.uniform(0, most), 3) if die.random() < of else 0.0

    store = die.choice(("none", "normal", "full", "full"))
    return {
        "batched": share(0.4, 0.8),
        "uneven": die.choice((1.0, 1.0, 1.0, 20.0)),
        "store": store,
        "standby": store != "none" and die.random() < 0.4,
        "commit_ms": die.choice((0.0, 0.0, 5.0, 100.0)),
        "failing_commits": share(0.3, 0.05),
        "full_disks": share(0.3, 8),
        "power_cuts": share(0.3, 8),
        "history": store != "none" and seed >= FIRST_WITH_HISTORY,
    }


def _draw_haste(seed: int, drawn: dict[str, Any]) -> dict[str, Any]:
    """Make it a world of short runs, or leave it as it is."""
    die = random.Random(f"haste {seed}")
    if die.random() < 0.7:
        return {}
    changed: dict[str, Any] = {name: drawn[name] * times for name, times in HASTY_RATES.items()}
    changed["duration_s"] = HASTY_S
    changed["hostile_s"] = float(die.choice((5, 20, 60)))
    changed["tasks"] = die.choice((8, 40, 80))
    return changed


def _draw_crowd(seed: int) -> dict[str, Any]:
    """Make it a world in which more is asked than can be committed one by one, or leave it as it is."""
    die = random.Random(f"crowd {seed}")
    if die.random() < 0.7:
        return {}
    return {
        "hostile_s": float(die.choice((30, 60, 120))),
        "workers": die.randint(8, 12),
        "slots": die.randint(1, 2),
        "strangers": die.choice((0, 1, 2)),
        "tasks": die.choice((40, 80)),
        "duration_s": float(die.choice((1, 4))),
        "delay_ms": float(die.choice((1, 5, 50))),
        "uneven": 1.0,
        "queue": 1000,
        "store": die.choice(("normal", "full", "full")),
        "history": True,
        "commit_ms": float(die.choice((50, 100, 300))),
        "failing_commits": die.choice((0.0, 0.02, 0.1)),
    }
