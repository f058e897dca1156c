"""A simulation written down: everything that makes it the same again, as JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec

from actorsched.errors import ConfigError
from actorsched.simulation.faults import Fault
from actorsched.simulation.options import Options
from actorsched.simulation.work import Plan


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
    """

    options: Options
    plans: tuple[Plan, ...] | None = None
    submissions: dict[str, tuple[str, ...]] | None = None
    faults: tuple[Fault, ...] | None = None
    found: str = ""


def write_case(case: Case, path: Path) -> None:
    """Write it where people can read it.

    Raises:
        ConfigError: the file cannot be written.
    """
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
        case = msgspec.json.decode(path.read_bytes(), type=Case)
    except OSError as error:
        raise ConfigError(f"case {str(path)!r}: cannot be read: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ConfigError(f"case {str(path)!r}: it is no simulation that was written down: {error}") from None
    _check(case, path)
    return case


def _check(case: Case, path: Path) -> None:
    """What is named is there, and nothing needs itself."""
    if case.plans is None:
        return
    known: dict[str, None] = {}
    for plan in case.plans:
        for need in (*plan.deps, *plan.more):
            if need not in known:
                raise ConfigError(
                    f"case {str(path)!r}: plan {plan.name!r} needs {need!r}, which is no plan before it"
                )
        known[plan.name] = None
    for node, names in (case.submissions or {}).items():
        for name in names:
            if name not in known:
                raise ConfigError(f"case {str(path)!r}: {node!r} submits {name!r}, which is no plan")
