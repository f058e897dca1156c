"""A simulation written down: everything that makes it the same again, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from actorsched._version import __version__
from actorsched.core.demands import UNCONFIGURED
from actorsched.errors import ConfigError
from actorsched.simulation.faults import SCHEDULERS, Fault
from actorsched.simulation.options import Options
from actorsched.simulation.strangers import STRANGER
from actorsched.simulation.work import Plan

#: names of nodes on which nobody submits anything
TAKEN = (*SCHEDULERS, "person")


class Case(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    repr_omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What `Simulation(…)` takes; what is None is drawn from the options.

    Attributes:
        found: what went wrong when this was written down, for people.
        version: of the code that wrote it.
    """

    options: Options
    plans: tuple[Plan, ...] | None = None
    submissions: dict[str, tuple[str, ...]] | None = None
    faults: tuple[Fault, ...] | None = None
    found: str = ""
    version: str = ""


class _Origin(msgspec.Struct):
    """What is read first of a file: it may be of a version that says other things."""

    version: str = ""


def write_case(case: Case, path: Path) -> None:
    """Write it where people can read it.

    Raises:
        ConfigError: the file cannot be written.
    """
    case = msgspec.structs.replace(case, version=__version__)
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(case), indent=1) + b"\n")
    except OSError as error:
        raise ConfigError(f"case {str(path)!r}: cannot be written: {error.strerror}") from None


def read_case(path: Path) -> Case:
    """Read what `write_case` wrote.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=_Origin).version
    except OSError as error:
        raise ConfigError(f"case {str(path)!r}: cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"case {str(path)!r}: it is no simulation that was written down: {error}") from None
    origin = ""
    if version not in ("", __version__):
        origin = f"; it was written by actorsched {version}, and this is {__version__}"
    try:
        case = msgspec.json.decode(data, type=Case)
        check_case(case.plans, case.submissions, case.faults)
    except (msgspec.MsgspecError, ConfigError) as error:
        raise ConfigError(f"case {str(path)!r}: it cannot be played: {error}{origin}") from None
    return case


def check_case(
    plans: Sequence[Plan] | None,
    submissions: Mapping[str, Sequence[str]] | None,
    faults: Sequence[Fault] | None,
    resources: Mapping[str, int] | None = None,
) -> None:
    """Look whether what is named is there, nothing needs itself, and all of it can be.

    Args:
        resources: of the scheduler; None: they are not known yet.

    Raises:
        ConfigError: something is not so; the message names it.
    """
    for fault in faults or ():
        if fault.at_s < 0 or fault.for_s < 0:
            raise ConfigError(f"{fault}: at_s and for_s are seconds from 0 up")
    for node in submissions or {}:
        if node in TAKEN or node.startswith(STRANGER):
            raise ConfigError(f"{node!r} submits nothing: the name is that of another node; w1 would do")
    if plans is None:
        return
    known: dict[str, None] = {}
    for plan in plans:
        if plan.name in known:
            raise ConfigError(f"there are two plans that are called {plan.name!r}")
        check_plan(plan, resources)
        for need in (*plan.deps, *plan.more):
            if need not in known:
                raise ConfigError(f"plan {plan.name!r} needs {need!r}, which is no plan before it")
        known[plan.name] = None
    for node, names in (submissions or {}).items():
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"{node!r} submits {name!r}, which is no plan; plans: {', '.join(known) or 'none'}"
                )


def check_plan(plan: Plan, resources: Mapping[str, int] | None) -> None:
    """Look whether it can be carried out at all.

    Raises:
        ConfigError: it cannot.
    """
    if not plan.name or "," in plan.name:
        raise ConfigError(f"plan {plan.name!r}: a name has one letter at least, and no comma")
    if not plan.endings:
        raise ConfigError(f"plan {plan.name!r}: endings=(): say how its runs end; ('ok',) would do")
    if plan.duration_s < 0:
        raise ConfigError(
            f"plan {plan.name!r}: duration_s={plan.duration_s:g}: seconds from 0 up are expected"
        )
    if resources is None:
        return
    for name, amount in plan.resources.items():
        capacity = resources.get(name, UNCONFIGURED)
        if not 0 <= amount <= capacity:
            raise ConfigError(
                f"plan {plan.name!r} demands {amount} of {name!r}, and there is {capacity}; resources:"
                f" {', '.join(f'{known}={most}' for known, most in resources.items()) or 'none'}"
            )
